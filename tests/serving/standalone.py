"""A server of the tests that somebody runs by hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping


def run_until_interrupted(environment: Mapping[str, str]) -> None:
    """Print the variables that lead to a server, and return when Ctrl-C is pressed."""
    for name, value in environment.items():
        print(f"{name}={value}", flush=True)  # noqa: T201
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
