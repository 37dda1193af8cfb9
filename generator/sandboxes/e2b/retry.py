"""Calls of the SDK that are safe to repeat, repeated until they succeed or time is up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from generator.sandboxes.contract import SandboxError
from generator.sandboxes.e2b.errors import service_error

T = TypeVar("T")

# How long, in seconds, a service that does not answer is asked again; longer than a rolling restart of its proxies.
RETRY_SECONDS: Final = 120.0
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0


def backoff(first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> Iterator[float]:
    """Yield seconds to wait, twice as many each time, each between half and all of it, so that callers spread out."""
    while True:
        yield first * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it
        first = min(2 * first, longest)


def retry(call: Callable[[], T], doing: str, stop: threading.Event | None = None, patience: float = RETRY_SECONDS) -> T:
    """Return what `call` returns; SandboxError, told as `doing`, when it cannot or `stop` ends the waiting.

    A SandboxError of the call's own is final.
    """
    ends = time.monotonic() + patience
    for pause in backoff():
        try:
            return call()
        except SandboxError:
            raise
        except Exception as error:
            problem = service_error(error)
            if not problem.is_transient or time.monotonic() + pause >= ends:
                raise problem.sandbox_error(doing) from error
            if stop is None:
                time.sleep(pause)
            elif stop.wait(pause):
                raise problem.sandbox_error(doing) from error
    raise AssertionError  # pragma: no cover  pauses never end
