"""The number of finished items, for work that may take more than a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from generator.console.output import print_message

INTERVAL: Final = 2.0
"""Seconds between two lines."""

Item = TypeVar("Item")


def counting(items: Sequence[Item], done: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Item]:
    """Yield the items, and print now and then how many of them are `done`; nothing for work that is fast."""
    last = clock()
    for number, item in enumerate(items):
        if (now := clock()) - last >= INTERVAL:
            print_message(f"{number} of {len(items)} {done}")
            last = now
        yield item
