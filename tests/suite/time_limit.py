"""A test at its time limit fails again after as long, where it went on to wait for what it had started.

This is a plugin of pytest, beside pytest-timeout: `with Popen(...)` waits for the process once more after a failure.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(settings: Any) -> Iterator[None]:
    """Let the timer that pytest-timeout has set go off more than once."""
    done = yield
    if settings.method == "signal" and signal.getitimer(signal.ITIMER_REAL)[0]:
        signal.setitimer(signal.ITIMER_REAL, settings.timeout, settings.timeout)
    return done
