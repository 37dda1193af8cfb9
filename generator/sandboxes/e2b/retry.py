"""Retries with exponential backoff, for SDK calls that are safe to repeat."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from generator.sandboxes.contract import SandboxError
from generator.sandboxes.e2b.errors import service_error

T = TypeVar("T")

# The retry budget in seconds while the service does not answer. A rolling restart of its proxies takes less.
RETRY_SECONDS: Final = 120.0
FIRST_DELAY: Final = 0.5
MAX_DELAY: Final = 10.0


def backoff(first: float = FIRST_DELAY, longest: float = MAX_DELAY) -> Iterator[float]:
    """Yield retry delays in seconds, doubling each time, with random jitter between half and all of each."""
    while True:
        yield first * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it
        first = min(2 * first, longest)


def retry(
    call: Callable[[], T], failure: str, stop: threading.Event | None = None, seconds: float = RETRY_SECONDS
) -> T:
    """Call until it succeeds, for at most `seconds`; SandboxError, which begins with `failure`, when it does not.

    `stop` ends the wait between two attempts. A SandboxError of the call is final.
    """
    deadline = time.monotonic() + seconds
    for delay in backoff():
        try:
            return call()
        except SandboxError:
            raise
        except Exception as error:
            problem = service_error(error)
            if not problem.is_transient or time.monotonic() + delay >= deadline:
                raise problem.sandbox_error(failure) from error
            if stop is None:
                time.sleep(delay)
            elif stop.wait(delay):
                raise problem.sandbox_error(failure) from error
    raise AssertionError  # pragma: no cover  the delays never end
