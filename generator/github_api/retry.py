"""Retries with backoff, and the rate limit of uploads.

The numbers are GitHub's: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
.../best-practices-for-using-the-rest-api.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from generator.github_api.errors import GitHubError, user_error

T = TypeVar("T")

WRITES_A_MINUTE: Final = 80
WRITES_AN_HOUR: Final = 500
# Seconds after an exceeded rate limit without Retry-After: GitHub asks for a minute, doubled for each further attempt.
RATE_LIMIT_DELAY: Final = 60.0
FIRST_DELAY: Final = 2.0
# Longest Retry-After in seconds that is waited; a longer one ends the attempts.
MAX_DELAY: Final = 900.0
MAX_ATTEMPTS: Final = 6
# Attempts while no request has reached the server: a wrong address or a closed network does not mend itself.
FIRST_ATTEMPTS: Final = 2


def retry_delay(error: GitHubError, attempts: int) -> float | None:
    """Return the minimum delay in seconds after `attempts` failed attempts, or None when another one is useless."""
    if attempts >= MAX_ATTEMPTS or not error.is_transient:
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= MAX_DELAY else None
    return float((RATE_LIMIT_DELAY if error.is_rate_limited else FIRST_DELAY) * 2 ** (attempts - 1))


def upload_interval(shards: int, packages: int, writes_a_minute: int) -> float:
    """Return the seconds between two uploads of one shard, for `shards` shards with `packages` uploads each.

    All shards together stay below both rate limits: `writes_a_minute`, and 500 writes an hour if there are more.
    """
    hourly = 3600 / WRITES_AN_HOUR if shards * packages > WRITES_AN_HOUR else 0.0
    return shards * max(60 / writes_a_minute, hourly)


@dataclass(frozen=True)
class Retry:
    """Retries transient errors with exponential backoff, jitter and Retry-After; `note` gets a line for each delay.

    `reached` is set once the server has answered a request.
    """

    note: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    reached: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float, reason: str) -> None:
        """Wait for the delay plus up to half of it: jitter keeps processes with the same delay apart."""
        jittered = seconds * random.uniform(1, 1.5)  # noqa: S311  no secret depends on it
        self.note(f"{reason}; trying again in {jittered:.0f} s")
        self.sleep(jittered)

    def call(self, request: Callable[[], T], action: str) -> T:
        """Return the result of `request`, retried on transient errors; `action` names it in messages."""
        for attempts in itertools.count(1):
            try:
                result = request()
            except GitHubError as error:
                self.wait_or_raise(error, attempts, action)
            else:
                self.reached.set()
                return result
        raise AssertionError  # pragma: no cover  the count never ends

    def wait_or_raise(self, error: GitHubError, attempts: int, action: str) -> None:
        """Wait before the next attempt, or raise the user's error when another one is useless."""
        if not error.is_unreachable:
            self.reached.set()
        seconds = retry_delay(error, attempts)
        if seconds is None or (attempts >= FIRST_ATTEMPTS and not self.reached.is_set()):
            raise user_error(error, action) from error
        self.wait(seconds, f"{action}: {error}")


class RateLimit:
    """Keeps the uploads of one process at least `interval` seconds apart."""

    def __init__(
        self,
        interval: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval, self._sleep, self._clock = interval, sleep, clock
        # Shards start at the same time; a random first delay keeps their first uploads apart.
        self._next = clock() + random.uniform(0, interval)  # noqa: S311

    def wait(self) -> None:
        """Wait until the next upload may start."""
        self._sleep(max(0.0, self._next - self._clock()))
        self._next = self._clock() + self._interval * random.uniform(1, 1.1)  # noqa: S311
