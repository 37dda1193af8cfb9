"""The class of a failed command, and the retries of each class."""

from __future__ import annotations

import threading

import pytest

from generator.builds.diagnostics import Diagnostics
from generator.builds.failures import FetchAccess, failure_of
from generator.builds.retries import NextAttempt, next_attempt, retry_unavailable
from generator.errors import Unavailable, Unreachable
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
        ("compile", CommandResult(137, 1, "memory"), "", "too_small", "compiling needed more memory than the sandbox has: choose a larger size"),
        ("test", CommandResult(1, 1, "disk"), "", "too_small", "running the tests filled the disk"),
        ("test", CommandResult(137, 9, "timeout"), "", "too_slow", "running the tests took longer than 5 minutes: raise timeout_minutes"),
        ("fetch", CommandResult(101, 1), "  [6] Could not resolve hostname (Could not resolve host: index.example.com)", "transient", "fetching dependencies failed with exit code 101"),
        ("fetch", CommandResult(1, 1), "npm error network request failed, reason: connect ECONNREFUSED", "transient", "network request failed, reason: connect ECONNREFUSED"),
        ("fetch", CommandResult(101, 1), "error: no matching package named `x` found", "permanent", "no matching package named `x` found"),
        ("fetch", CommandResult(101, 1), "error: no matching package named `timeout-503-reset` found", "permanent", "no matching package named `timeout-503-reset` found"),
        ("test", CommandResult(127, 1), "sh: 1: ava: not found", "permanent", "running the tests needs the command ava, which is not installed"),
        ("compile", CommandResult(127, 1), "command not found: napi", "permanent", "compiling needs the command napi, which is not installed"),
        ("compile", CommandResult(101, 1), "command not found: napi", "permanent", "compiling failed with exit code 101"),
        ("test", CommandResult(1, 1), "sh: 1: ava: not found", "permanent", "running the tests failed with exit code 1"),
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


WORDS = (
    "out of memory", "Cannot allocate memory", "memory allocation of 99 bytes failed", "Killed", "(signal: 9, SIGKILL: kill)",
    "No space left on device (os error 28)", "ENOSPC", "File too large (os error 27)",
    "warning: spurious network error (3 tries remaining)", "  [6] Could not resolve host", "npm error code ETIMEDOUT",
    "Connection refused", "HTTP 503", "timed out", "command not found: napi", "not ok 1 Killed", "(fail) Killed [1ms]",
    'error Command "napi" not found.',
)  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("phase", ["compile", "collect", "test", "load"])
def test_no_word_that_a_crate_prints_changes_the_class_of_its_failure(phase: PhaseName, word: str) -> None:
    lines = (word, f"error: {word}", f"thread 'main' panicked at src/lib.rs:1:1:\n{word}", "Caused by:", f"  {word}")
    assert failure_of(phase, CommandResult(101, 1), said(*lines), timeout_minutes=5).failure_class == "permanent"


@pytest.mark.parametrize(
    ("line", "is_network"),
    [
        ("  [56] Failure when receiving data from the peer (CONNECT tunnel failed, response 502)", True),
        ("  [56] Failure when receiving data from the peer (CONNECT tunnel failed, response 403)", False),
        ("  failed to get successful HTTP response from `https://x.example/config.json` (1.2.3.4), got 503", True),
        ("  failed to get successful HTTP response from `https://x.example/config.json`, got 404", False),
        ("  failed to resolve address for git.example: Name or service not known; class=Net (12)", True),
        ("  unexpected http status code: 404; class=Http (34)", False),
        ("fatal: unable to access 'https://git.example/x/': Could not resolve host: git.example", True),
        ("fatal: unable to access 'https://git.example/x/': The requested URL returned error: 403", False),
        ("npm error code E503", True),
        ("npm ERR! code EAI_AGAIN", True),
        ("npm error code E404", False),
        (
            'error An unexpected error occurred: "https://registry.example/x: getaddrinfo ENOTFOUND registry.example".',
            True,
        ),
        ("➤ YN0001: │ RequestError: connect ECONNREFUSED 127.0.0.1:9", True),
        (" ERR_PNPM_META_FETCH_FAIL  GET https://registry.example/x: request failed", True),
        (" ERR_PNPM_FETCH_404  GET https://registry.example/x: Not Found - 404", False),
        ('error: failed to select a version for the requirement `etimedout = "^1"`', False),
        ("npm error notarget No matching version found for socket-timed-out@9.", False),
    ],
)
def test_a_fetch_is_repeated_for_the_codes_of_a_failed_network_alone(line: str, is_network: bool) -> None:
    failure = failure_of("fetch", CommandResult(1, 1), said(line), timeout_minutes=5)
    assert failure.failure_class == ("transient" if is_network else "permanent")


def test_an_address_in_the_output_is_no_refused_host_where_the_sandbox_knows_them() -> None:
    lines = said("warn: see https://docs.example/versions for supported versions", "error: too old")
    messages = [
        failure_of("fetch", CommandResult(1, 1), lines, 5, FetchAccess((), refused)).message for refused in ((), None)
    ]
    unknown = "fetching dependencies needs docs.example, which fetch_hosts does not allow: add it"
    assert messages == ["too old", unknown]


def test_a_host_that_could_not_be_reached_is_named_with_its_port() -> None:
    access = FetchAccess(None, unreachable=("index.example:443 cannot be reached: Connection refused",))
    failure = failure_of("fetch", CommandResult(101, 1), said("error: no"), 5, access)
    assert (failure.failure_class, failure.message) == (
        "transient",
        "fetching dependencies failed: index.example:443 cannot be reached: Connection refused",
    )


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("    [cause]: Error: getaddrinfo EAI_AGAIN data.example", "data.example"),
        ("connect ECONNREFUSED 192.0.2.7:443", "192.0.2.7:443"),
        ("connect ECONNREFUSED 127.0.0.1:8080", None),
        ("curl: (6) Could not resolve host: data.example", "data.example"),
        ("dns error: failed to lookup address information: Temporary failure in name resolution", "a host"),
    ],
)
def test_a_test_that_wants_the_closed_network_is_told_so(line: str, asked: str | None) -> None:
    output = said("test asks ... FAILED", line)
    failure = failure_of("test", CommandResult(1, 1), output, 5, network_closes=True)
    told = f"; it asked for {asked}, and the network is closed after dependencies are fetched" if asked else ""
    assert failure.message == f"1 test failed: asks{told}"
    assert failure_of("test", CommandResult(1, 1), output, 5).message == "1 test failed: asks"


def test_a_transient_failure_is_retried_with_doubling_delays_up_to_the_limit() -> None:
    again = [next_attempt("transient", "standard", "standard", count, retries=3) for count in (1, 2, 3, 4)]
    assert again == [NextAttempt("standard", 2), NextAttempt("standard", 4), NextAttempt("standard", 8), None]
    assert next_attempt("transient", "small", "small", 9, retries=10) == NextAttempt("small", 60)


class Hurried(threading.Event):
    """A run that never stops, and waits for nothing."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


@pytest.mark.parametrize(("error", "attempts"), [(Unavailable("503"), 10), (Unreachable("no such host"), 2)])
def test_a_host_that_cannot_be_reached_is_asked_once_more(error: Unavailable, attempts: int) -> None:
    calls: list[str] = []

    def call() -> None:
        calls.append("")
        raise error

    with pytest.raises(Unavailable):
        retry_unavailable(call, 9, Hurried(), lambda _: None)
    assert len(calls) == attempts


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
