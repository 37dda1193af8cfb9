"""The class of a failed command, and the retries of each class."""

from __future__ import annotations

import pytest

from generator.builds.diagnostics import Diagnostics
from generator.builds.failures import failure_of
from generator.builds.retries import NextAttempt, next_attempt
from generator.reports.models import PhaseName
from generator.sandboxes.contract import CommandResult, FailureClass


def said(*lines: str) -> Diagnostics:
    found = Diagnostics()
    for line in lines:
        found.feed(line)
    return found


@pytest.mark.parametrize(
    ("phase", "finished", "line", "failure_class", "message"),
    [
        ("compile", CommandResult(101, 1), "error[E0308]: mismatched types", "permanent", "mismatched types (E0308)"),
        ("compile", CommandResult(101, 1), "", "permanent", "compiling failed with exit code 101"),
        ("compile", CommandResult(137, 1), "", "too_small", "compiling was killed for memory: choose a larger size"),
        ("compile", CommandResult(101, 1), "(signal: 9, SIGKILL: kill)", "too_small", "compiling was killed for memory: choose a larger size"),
        ("compile", CommandResult(137, 1, "memory"), "", "too_small", "compiling needed more memory than the sandbox has: choose a larger size"),
        ("compile", CommandResult(101, 1), "No space left on device (os error 28)", "too_small", "compiling filled the disk"),
        ("test", CommandResult(137, 9, "timeout"), "", "too_slow", "running the tests took longer than 5 minutes: raise timeout_minutes"),
        ("fetch", CommandResult(101, 1), "warning: spurious network error (3 tries remaining)", "transient", "fetching dependencies failed with exit code 101"),
        ("fetch", CommandResult(1, 1), "npm error network request failed, reason: connect ECONNREFUSED", "transient", "network request failed, reason: connect ECONNREFUSED"),
        ("fetch", CommandResult(101, 1), "error: no matching package named `x` found", "permanent", "no matching package named `x` found"),
        # The network is closed while compiling: a refused connection is the crate's own doing.
        ("compile", CommandResult(101, 1), "ECONNREFUSED", "permanent", "compiling failed with exit code 101"),
        ("test", CommandResult(101, 1), "test a::b ... FAILED", "permanent", "1 test failed: a::b"),
        ("test", CommandResult(101, 1), "error[E0425]: cannot find value `x`", "permanent", "cannot find value `x` (E0425)"),
    ],
)  # fmt: skip
def test_each_failure_has_its_class_and_one_sentence(
    phase: PhaseName, finished: CommandResult, line: str, failure_class: FailureClass, message: str
) -> None:
    failure = failure_of(phase, finished, said(line), timeout_minutes=5)
    assert (failure.failure_class, failure.message) == (failure_class, message)
    assert failure.exit_code == finished.exit_code


def test_a_transient_failure_is_retried_with_doubling_delays_up_to_the_limit() -> None:
    again = [next_attempt("transient", "standard", "standard", count, retries=3) for count in (1, 2, 3, 4)]
    assert again == [NextAttempt("standard", 2), NextAttempt("standard", 4), NextAttempt("standard", 8), None]
    assert next_attempt("transient", "small", "small", 9, retries=10) == NextAttempt("small", 60)


def test_jitter_separates_retries_of_crates_that_failed_together() -> None:
    delays = [
        again.delay
        for jitter in (0.0, 0.5, 1.0)
        if (again := next_attempt("transient", "small", "small", 2, 3, jitter))
    ]
    assert delays == [4, 5, 6]


def test_a_sandbox_that_was_too_small_is_replaced_by_the_next_size_once() -> None:
    assert next_attempt("too_small", "small", "small", 0, retries=0) == NextAttempt("standard", 0)
    assert next_attempt("too_small", "standard", "small", 0, retries=5) is None
    assert next_attempt("too_small", "large", "large", 0, retries=5) is None


@pytest.mark.parametrize("failure_class", ["permanent", "too_slow"])
def test_other_failures_are_never_retried(failure_class: FailureClass) -> None:
    assert next_attempt(failure_class, "small", "small", 0, retries=10) is None
