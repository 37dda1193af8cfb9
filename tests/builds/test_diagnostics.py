"""Diagnostics in the output of rustc, tsc, cargo test and node --test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builds.diagnostics import Diagnostic, Diagnostics, in_repository

RUSTC = """\
   Compiling fleet-broken v0.1.0 (/build/source/crates/broken)
error[E0308]: mismatched types
 --> crates/broken/src/lib.rs:7:5
  |
6 | pub fn percent(part: u32, whole: u32) -> u32 {
  |                                          --- expected `u32` because of return type
7 |     format!("{part}")
  |     ^^^^^^^^^^^^^^^^^ expected `u32`, found `String`

For more information about this error, try `rustc --explain E0308`.
error: could not compile `fleet-broken` (lib) due to 1 previous error
"""

CARGO_TEST = """\
running 2 tests
test tests::odd ... ok
test tests::even_number_of_values ... FAILED

failures:

---- tests::even_number_of_values stdout ----

thread 'tests::even_number_of_values' (12) panicked at crates/failing/src/lib.rs:23:9:
assertion `left == right` failed: the median of [1.0, 2.0, 4.0, 8.0]
  left: Some(4.0)
 right: Some(3.0)

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `-p fleet-failing --lib`
"""

TSC = "> tsc\n\nts/index.ts(5,3): error TS2322: Type 'string' is not assignable to type 'number'.\n"

NPM = """\
npm error code ETARGET
npm error notarget No matching version found for @fleet/nothing@9.9.9.
npm error A complete log of this run can be found in: /build/npm/_logs/x.log
"""

CARGO_TOML = "error: failed to parse manifest at `/build/source/Cargo.toml`\n\nCaused by:\n  no targets specified\n"


def read(text: str) -> Diagnostics:
    found = Diagnostics()
    for line in text.splitlines():
        found.feed(line)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RUSTC, Diagnostic("mismatched types (E0308)", "crates/broken/src/lib.rs", 7)),
        (TSC, Diagnostic("Type 'string' is not assignable to type 'number'. (TS2322)", "ts/index.ts", 5)),
        (NPM, Diagnostic("notarget No matching version found for @fleet/nothing@9.9.9.")),
        (CARGO_TOML, Diagnostic("failed to parse manifest at `/build/source/Cargo.toml`: no targets specified")),
        ("linking\nall is well\n", None),
    ],
)
def test_the_first_error_is_found_in_the_tools_own_words(text: str, expected: Diagnostic | None) -> None:
    assert read(text).compiler_error() == expected


def test_an_error_with_a_location_comes_before_one_without() -> None:
    found = read("error: linking with `cc` failed: exit status: 1\n" + RUSTC).compiler_error()
    assert found is not None
    assert found.file == "crates/broken/src/lib.rs"


def test_a_failing_test_is_named_with_the_location_of_its_panic() -> None:
    expected = Diagnostic("1 test failed: tests::even_number_of_values", "crates/failing/src/lib.rs", 23)
    assert read(CARGO_TEST).test_failure() == expected


def test_a_doc_test_is_where_its_comment_is_and_not_where_it_panics() -> None:
    """Rustdoc makes a file of it, whose lines are not those of the crate's."""
    name = "sums/src/lib.rs - twice (line 28)"
    text = f"test {name} ... FAILED\n\nthread 'main' (7) panicked at sums/src/lib.rs:3:1:\nassertion failed\n"
    assert read(text).test_failure() == Diagnostic(f"1 test failed: {name}", "sums/src/lib.rs", 28)


def test_a_crashed_test_is_reported_by_its_signal() -> None:
    cause = (
        "process didn't exit successfully: `/build/target/release/deps/hang-1` (signal: 11, SIGSEGV: invalid memory)"
    )
    text = f"error: test failed, to rerun pass `--test hang`\n\nCaused by:\n  {cause}\n"
    assert read(text).compiler_error() == Diagnostic(cause)


AVA = """
  \u2718 [fail]: adds numbers
  \u2714 multiplies
  \u2500

  adds numbers

  test.js:5

   4: test('adds numbers', t => {
   5:   t.is(1, 2);

  Difference (- actual, + expected):

  - 1
  + 2

  \u203a file:///build/source/demo/test.js:5:5

  \u2500

  1 test failed
  1 test passed
"""
JEST = """FAIL ./test.js
  math
    \u2713 multiplies (1 ms)
    \u2715 adds numbers (3 ms)

  \u25cf Console

    console.log
      one
      at log (node_modules/x/index.js:1:2)

  \u25cf math \u203a adds numbers

    expect(received).toBe(expected) // Object.is equality

      at Object.toBe (test.js:5:13)
      at run (node_modules/jest-circus/build/utils.js:298:28)

Tests:       1 failed, 1 passed, 2 total
"""
VITEST = """
 \u276f test.js (2 tests | 1 failed) 5ms
   \u00d7 math > adds numbers 4ms

 FAIL  test.js > math > adds numbers
AssertionError: expected 1 to be 2 // Object.is equality

 \u276f test.js:5:13
      4| test("adds numbers", () => {

      Tests  1 failed | 1 passed (2)
"""
MOCHA = """
  math
    \u2714 multiplies
    1) adds numbers

  1 passing (4ms)
  1 failing

  1) math
       adds numbers:

      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

      at Context.<anonymous> (test.js:5:12)
      at process.processImmediate (node:internal/timers:483:21)
"""
NODE = """\u2716 adds numbers (1.2ms)

\u2716 failing tests:

test at test.js:5:1
\u2716 adds numbers (1.2ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
      at TestContext.<anonymous> (/build/source/demo/test.js:6:10)
"""
TAPE = """TAP version 13
# math
ok 1 multiplies
not ok 2 adds numbers
  ---
    operator: equal
    expected: 2
    actual:   1
    at: Test.<anonymous> (/build/source/demo/test.js:5:5)
    stack: |-
      Error: adds numbers
          at Test.assert [as _assert] (/build/source/demo/node_modules/tape/lib/test.js:492:48)
          at Test.<anonymous> (/build/source/demo/test.js:6:5)
  ...
"""
BUN = """bun test v1.2.3 (1)

test.js:
(pass) math > multiplies [0.10ms]
1 | import { expect, test } from "bun:test";
                 ^
error: expect(received).toBe(expected)

      at add (/build/source/demo/node_modules/x/index.js:1:2)
      at <anonymous> (/build/source/demo/test.js:5:13)
(fail) math > adds numbers [0.12ms]

1 tests failed:
(fail) math > adds numbers [0.12ms]
"""
TAP = "TAP version 13\nnot ok 1 - adds numbers\n  ---\n  location: '/build/source/demo/test.js:5:1'\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (AVA, "adds numbers"),
        (JEST, "math \u203a adds numbers"),
        (VITEST, "math > adds numbers"),
        (MOCHA, "math > adds numbers"),
        (MOCHA.replace("  1) math\n       adds numbers:", "  1) adds numbers:"), "adds numbers"),
        (NODE, "adds numbers"),
        (TAP, "adds numbers"),
        (TAPE, "adds numbers"),
        (BUN, "math > adds numbers"),
    ],
)
def test_a_failing_test_of_javascript_has_its_name_and_place(text: str, name: str) -> None:
    found = Diagnostics("/build/source/demo")
    for line in text.splitlines():
        found.feed(line)
    assert found.test_failure() == Diagnostic(f"1 test failed: {name}", "/build/source/demo/test.js", 5)


@pytest.mark.parametrize(
    "line",
    [
        'error Command "napi" not found.',
        '\u2009ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL\u2009 Command "napi" not found',
    ],
)
def test_a_program_that_a_package_manager_does_not_find_is_the_error(line: str) -> None:
    assert read(f"{line}\nerror Command failed with exit code 1.\n").compiler_error() == Diagnostic(
        line[line.index("Command") :]
    )


def test_a_suite_of_jest_that_does_not_load_is_named_by_its_file() -> None:
    text = "FAIL ./test.js\n  \u25cf Test suite failed to run\n\n    Cannot find module './lost.js' from 'test.js'\n"
    assert read(text).test_failure() == Diagnostic("1 test failed: ./test.js")


BUILD_SCRIPT = """\
error: failed to run custom build command for `one v1.0.0 (/build/source/one)`

Caused by:
  process didn't exit successfully: `/build/target/release/build/one-1/build-script-build` (exit status: 101)
  --- stdout
  cargo:rerun-if-changed=x

  --- stderr

  first
  PANIC
  note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
warning: build failed, waiting for other jobs to finish...
"""
SCRIPT = "failed to run custom build command for `one v1.0.0 (/build/source/one)`: "


@pytest.mark.parametrize(
    ("panic", "expected"),
    [
        (
            "thread 'main' (7) panicked at build.rs:2:5:\n  words.txt is missing",
            Diagnostic(f"{SCRIPT}words.txt is missing", "build.rs", 2),
        ),
        ("words.txt is missing", Diagnostic(f"{SCRIPT}words.txt is missing")),
    ],
)
def test_a_build_script_fails_with_the_words_of_its_panic_or_its_last_line(panic: str, expected: Diagnostic) -> None:
    assert read(BUILD_SCRIPT.replace("PANIC", panic)).compiler_error() == expected


def test_failing_node_tests_are_counted_and_only_the_first_are_named() -> None:
    found = read("\n".join(f"✖ case {number} (0.2ms)" for number in range(7))).test_failure()
    assert found == Diagnostic("7 tests failed: case 0, case 1, case 2, case 3, case 4, ...")


def test_output_without_a_failing_test_has_no_test_failure() -> None:
    assert read(RUSTC).test_failure() is None


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/lib.rs", "crates/one/src/lib.rs"),
        ("/build/source/crates/one/src/lib.rs", "crates/one/src/lib.rs"),
        ("../../shared/lib.rs", "shared/lib.rs"),
        ("/build/cargo/registry/src/x/lib.rs", None),
        ("../../../../etc/passwd", None),
    ],
)
def test_locations_are_relative_to_the_repository_or_removed(file: str, expected: str | None) -> None:
    found = in_repository(Diagnostic("x", file, 3), "/build/source/crates/one", "/build/source")
    assert (found.file, found.line) == (expected, 3 if expected else None)


@given(st.lists(st.text(max_size=300), max_size=50))
def test_no_output_breaks_the_reading(lines: list[str]) -> None:
    found = Diagnostics()
    for line in lines:
        found.feed(line)
    found.compiler_error()
    found.test_failure()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            ("file:///build/source/a.mjs:1\nimport { no } from 'node:util';\n         ^^\n"
            "SyntaxError: The requested module 'node:util' does not provide an export named 'no'\n    at x (node:y:1:2)\n"),
            Diagnostic(
                "SyntaxError: The requested module 'node:util' does not provide an export named 'no'",
                "/build/source/a.mjs", 1,
            ),
        ),
        (
            "node:internal/modules/cjs/loader:1210\n  throw err;\n  ^\n\nError: Cannot find module 'lost'\n",
            Diagnostic("Cannot find module 'lost'"),
        ),
        (
            ("node:internal/modules/esm/resolve:873\n  throw new X();\n        ^\n\n"
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'lost' imported from /h.mjs\n"),
            Diagnostic("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'lost' imported from /h.mjs"),
        ),
        ("\n/build/source/g.js:7\nthrow 'text'\n^\ntext\n(Use `node`)\n", Diagnostic("text", "/build/source/g.js", 7)),
    ],
)  # fmt: skip
def test_an_uncaught_exception_of_node_is_the_error_with_its_place(output: str, expected: Diagnostic) -> None:
    assert read(f"> node x\n{output}npm error code 1\n").compiler_error() == expected


def test_a_place_without_an_exception_is_no_error() -> None:
    assert read("/build/source/a.js:1\n(it works)\nwarning: ^\n").compiler_error() is None
