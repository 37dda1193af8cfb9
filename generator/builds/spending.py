"""The limit of a run's spending: sandboxes that run count with their likely cost, and closed ones with their cost."""

from __future__ import annotations

import math
import threading
from typing import Final

from generator.errors import InputError
from generator.prices import money_text

# Sums of costs, which are rounded to millionths, differ by less.
ROUNDING: Final = 1e-6


class SpendingLimit:
    """The most that the sandboxes of a run may cost; safe to use from many threads.

    Once a sandbox would be too much, no other one is opened either.
    """

    def __init__(self, limit: float = math.inf, currency: str = "") -> None:
        self._limit, self._amount = limit, f"{money_text(limit)} {currency}"
        self._spent, self._closed, self._lock = 0.0, False, threading.Lock()

    @property
    def reason(self) -> str:
        """The reason why a crate is not built."""
        return f"another sandbox would cost more than the {self._amount} of --max-cost for this run"

    def check(self, likely: float) -> None:
        """InputError when sandboxes that a run needs for certain are too much."""
        if not self._allows(likely):
            raise InputError(
                f"sandboxes of this run cost {money_text(likely)} likely, more than the {self._amount} of --max-cost",
                fix="raise --max-cost, or build fewer crates",
            )

    def reserve(self, likely: float) -> bool:
        """Count the likely cost of a sandbox; False when that is more than is left, and from then on."""
        with self._lock:
            self._closed = self._closed or not self._allows(self._spent + likely)
            if not self._closed:
                self._spent += likely
            return not self._closed

    def settle(self, likely: float, cost: float) -> None:
        """Count the cost of an attempt in place of the likely one."""
        with self._lock:
            self._spent += cost - likely

    def _allows(self, amount: float) -> bool:
        return amount <= self._limit + ROUNDING
