"""The limit of a run's spending."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from generator.builds.spending import SpendingLimit
from generator.errors import InputError


def test_likely_costs_of_sandboxes_that_run_count_and_then_their_costs() -> None:
    limit = SpendingLimit(1.0, "USD")
    assert limit.reserve(0.6)
    limit.settle(0.6, 0.1)
    assert limit.reserve(0.6)
    assert not limit.reserve(0.6)
    assert "the 1.00 USD of --max-cost" in limit.reason


def test_after_the_first_refusal_no_sandbox_is_opened() -> None:
    limit = SpendingLimit(1.0)
    assert limit.reserve(0.9)
    assert not limit.reserve(0.2)
    limit.settle(0.9, 0.0)
    assert not limit.reserve(0.01)


@pytest.mark.parametrize("amount", [0.0, math.nan])
def test_nothing_and_no_number_allow_nothing(amount: float) -> None:
    assert not SpendingLimit(amount).reserve(0.1)
    with pytest.raises(InputError, match="--max-cost"):
        SpendingLimit(amount, "USD").check(0.1)


def test_without_a_limit_everything_is_allowed() -> None:
    SpendingLimit().check(1e9)
    assert SpendingLimit().reserve(1e9)


def test_as_many_as_were_predicted_are_allowed_whatever_the_rounding() -> None:
    limit = SpendingLimit(0.1 * 7)
    limit.check(math.fsum([0.1] * 7))
    with ThreadPoolExecutor(7) as pool:
        assert all(pool.map(limit.reserve, [0.1] * 7))
    assert not limit.reserve(0.1)
