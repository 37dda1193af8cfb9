"""When to write to GitHub, and when to try again.

The numbers are GitHub's: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
.../best-practices-for-using-the-rest-api.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from generator.github_api.errors import GitHubError, user_error

T = TypeVar("T")

WRITES_A_MINUTE: Final = 80
WRITES_AN_HOUR: Final = 500
# Where GitHub names no time it wants a minute of quiet, and twice as much each time after that.
QUIET: Final = 60.0
FIRST_PAUSE: Final = 2.0
# Seconds that are waited because GitHub says so; a limit that is lifted later than that is told.
LONGEST_PAUSE: Final = 900.0
TRIES: Final = 6


def retry_delay(error: GitHubError, tries: int) -> float | None:
    """Return the seconds to wait at least before try number `tries` + 1, or None when there is no use in one."""
    if tries >= TRIES or not error.is_transient:
        return None
    if error.wait is not None:
        return error.wait if error.wait <= LONGEST_PAUSE else None
    return float((QUIET if error.limited else FIRST_PAUSE) * 2 ** (tries - 1))


def seconds_between(shards: int, packages: int, writes_a_minute: int) -> float:
    """Return how far apart one of `shards` shards starts its uploads, when each has about `packages` of them.

    All of them together stay below both limits: so many writes a minute, and 500 an hour where it takes that long.
    """
    hourly = 3600 / WRITES_AN_HOUR if shards * packages > WRITES_AN_HOUR else 0.0
    return shards * max(60 / writes_a_minute, hourly)


@dataclass(frozen=True)
class Retry:
    """Waiting, and saying what for."""

    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def wait(self, seconds: float, why: str) -> None:
        """Wait so long or up to half as long again, so that processes that were told the same spread out."""
        longer = seconds * random.uniform(1, 1.5)  # noqa: S311  no secret depends on it
        self.say(f"{why}; trying again in {longer:.0f} s")
        self.sleep(longer)

    def call(self, call: Callable[[], T], doing: str) -> T:
        """Return what `call` returns, tried again while that may help; a CratematrixError told as `doing` if not."""
        for tries in itertools.count(1):
            try:
                return call()
            except GitHubError as error:
                self.wait_or_raise(error, tries, doing)
        raise AssertionError  # pragma: no cover  the count never ends

    def wait_or_raise(self, error: GitHubError, tries: int, doing: str) -> None:
        """Wait for the next try, or raise what the user can do about it."""
        seconds = retry_delay(error, tries)
        if seconds is None:
            raise user_error(error, doing) from error
        self.wait(seconds, f"{doing}: {error}")


class RateLimit:
    """Spreads the uploads of one process: `between` seconds or a little more from one to the next."""

    def __init__(
        self,
        between: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._between, self._sleep, self._clock = between, sleep, clock
        # Shards that start together must not send their first package together.
        self._next = clock() + random.uniform(0, between)  # noqa: S311

    def wait(self) -> None:
        """Wait for this process's turn."""
        self._sleep(max(0.0, self._next - self._clock()))
        self._next = self._clock() + self._between * random.uniform(1, 1.1)  # noqa: S311
