"""Retries of a crate: another attempt after a failure, its delay and its size; and retries of fetching the source."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from generator.errors import Unavailable, Unreachable
from generator.manifest.values import NEXT_SIZE, Size
from generator.sandboxes.contract import FailureClass

FIRST_DELAY: Final = 2.0
MAX_DELAY: Final = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class NextAttempt:
    """Another attempt after `delay` seconds, in a new sandbox of this size."""

    size: Size
    delay: float


def next_attempt(
    failure: FailureClass, size: Size, first_size: Size, transient: int, retries: int, jitter: float = 0.0
) -> NextAttempt | None:
    """Return the next attempt, or None when another attempt is useless.

    `transient` counts the transient failures so far, with this one; up to `retries` of them are retried. The delay is
    2 s and doubles each time, and `jitter` from 0 to 1 adds up to half of it. With jitter, crates that failed together
    are not retried together. A lack of memory or disk is retried once, with the next size.
    """
    if failure == "transient" and transient <= retries:
        delay = min(MAX_DELAY, FIRST_DELAY * 2 ** (transient - 1)) * (1 + jitter / 2)
        return NextAttempt(size, round(delay, 3))
    if failure == "too_small" and size == first_size and size in NEXT_SIZE:
        return NextAttempt(NEXT_SIZE[size], 0.0)
    return None


@dataclass(frozen=True)
class Retries:
    """The state of a crate's retries: the size of its sandbox, and its transient failures so far."""

    size: Size
    first_size: Size
    limit: int
    transient: int = 0

    def next(self, failure: FailureClass) -> NextAttempt | None:
        """Return the next attempt after a failure, or None."""
        jitter = random.random()  # noqa: S311  not for cryptography
        transient = self.after(failure).transient
        return next_attempt(failure, self.size, self.first_size, transient, self.limit, jitter)

    def limited(self, limit: int) -> Retries:
        """Return the state with at most `limit` retries of transient failures."""
        return replace(self, limit=min(self.limit, limit))

    def after(self, failure: FailureClass, size: Size | None = None) -> Retries:
        """Return the state after a failure; `size` is that of the next attempt."""
        return replace(self, size=size or self.size, transient=self.transient + (failure == "transient"))


def retry_unavailable(
    call: Callable[[], Result], limit: int, stop: threading.Event, log: Callable[[str], object]
) -> Result:
    """Return the result of `call`, which is retried like a transient failure; Unavailable after the last retry.

    It ends early when `stop` is set.
    """
    retries = Retries("standard", "standard", limit)
    while True:
        try:
            return call()
        except Unavailable as error:
            if isinstance(error, Unreachable):
                retries = retries.limited(1)
            again = retries.next("transient")
            if again is None or stop.is_set():
                raise
            log(f"{error.message}; retrying after {again.delay:g} s")
            if stop.wait(again.delay):
                raise
            retries = retries.after("transient")
