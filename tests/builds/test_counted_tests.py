"""Tests counted by the summaries of their runners."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.builds.counted_tests import CountedTests

CARGO = "    Finished `release` profile [optimized] target(s) in 0.05s\n"
UNIT = "     Running unittests src/lib.rs (target/release/deps/one-1)\n"
DOC = "   Doc-tests one\n"
RUST = "\nrunning {0} tests\n\ntest result: ok. {0} passed; 0 failed; {1} ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
NONE = RUST.format(0, 0)


def counted(text: str) -> CountedTests:
    found = CountedTests()
    for line in text.splitlines():
        found.feed(line)
    return found


@pytest.mark.parametrize(
    ("text", "cargo", "none"),
    [
        (CARGO + UNIT + NONE + DOC + NONE, True, True),
        (CARGO + UNIT + NONE + DOC + RUST.format(1, 0), True, False),
        (CARGO + UNIT + RUST.format(0, 3), True, True),
        (CARGO, True, True),
        # A file of tests without Rust's harness has no summary.
        (CARGO + UNIT + NONE + "     Running tests/own.rs (target/release/deps/own-1)\nall is well\n", True, False),
        (CARGO + UNIT + "no tests to run!\n", True, True),
        ("", True, False),
        ("all is well\n", False, False),
        # An addon is compiled once more before its tests when coverage is measured.
        (f"{CARGO}all is well\n", False, False),
        ("     Summary [   0.004s] 3 tests run: 3 passed, 0 skipped\n", False, False),
        ("     Summary [   0.000s] 0 tests run: 0 passed, 2 skipped\n", False, True),
        (
            "\u2139 tests 2\n\u2139 suites 0\n\u2139 pass 0\n\u2139 fail 0\n\u2139 cancelled 0\n\u2139 skipped 2\n",
            False,
            True,
        ),
        ("\u2139 tests 2\n\u2139 pass 1\n\u2139 fail 0\n\u2139 skipped 1\n", False, False),
        ("TAP version 13\n1..0\n# tests 0\n# pass 0\n# fail 0\n", False, True),
        ("1..1\n# tests 1\n# pass  1\n# ok\n", False, False),
        ("\n  0 passing (1ms)\n", False, True),
        ("\n  2 passing (5ms)\n  1 pending\n", False, False),
        ("Tests:       3 skipped, 3 total\n", False, True),
        ("Tests:       1 skipped, 2 passed, 3 total\n", False, False),
        ("No tests found, exiting with code 0\n", False, True),
        ("      Tests  2 passed (2)\n", False, False),
        ("      Tests  1 skipped (1)\n", False, True),
        ("No test files found, exiting with code 0\n", False, True),
        ("  1 test passed\n", False, False),
        ("  1 test skipped\n", False, True),
    ],
)
def test_only_a_summary_without_any_test_that_ran_counts_as_none(text: str, cargo: bool, none: bool) -> None:
    assert counted(text).are_none(cargo=cargo) == none


def test_tests_for_a_browser_are_none_that_ran() -> None:
    text = "this test suite is only configured to run in a browser, but we're only testing node.js tests so skipping\n"
    found = counted(CARGO + UNIT + text)
    assert (found.needs_browser, found.are_none(cargo=True)) == (True, True)
    assert not counted("test says ... only configured to run in a browser\n").needs_browser


@given(st.lists(st.text(max_size=300), max_size=50))
def test_no_output_breaks_the_count(lines: list[str]) -> None:
    counted("\n".join(lines)).are_none(cargo=True)
