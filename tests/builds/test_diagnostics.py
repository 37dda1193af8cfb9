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
