"""The share of an account's creates that each job of a run has, with a clock of the test."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.backends.e2b import CreateShare, create_share
from generator.manifest.fleet_models import Fleet, Limits
from generator.planning.limits import jobs_at_once
from generator.sandboxes.e2b.rate_limit import MARGIN, RateLimit
from tests.sandboxes.e2b.test_rate_limit import Clock


def creates(share: CreateShare, count: int) -> list[float]:
    """Return the moments at which a job that begins at 100 sends its creates as fast as it may."""
    clock, moments = Clock(), list[float]()
    limit = RateLimit(share.per_second, lambda: clock.now, first_seconds=share.first_seconds)
    for _ in range(count):
        with limit.acquire(clock):
            moments.append(clock.now)
    return moments


@settings(deadline=None, max_examples=40)
@given(
    shards=st.integers(1, 60), jobs=st.integers(1, 60), sandboxes=st.integers(1, 60), rate=st.sampled_from([0.5, 1.0, 5.0])
)  # fmt: skip
def test_all_jobs_that_start_together_keep_the_limit_together(
    shards: int, jobs: int, sandboxes: int, rate: float
) -> None:
    limits = Limits(github_jobs=jobs, e2b_sandboxes=sandboxes, e2b_creates_per_second=rate)
    fleet = Fleet(npm_scope="@demo", limits=limits)
    at_once = jobs_at_once(fleet, "e2b", shards)
    shares = [create_share(fleet, f"{index}/{shards}") for index in range(1, shards + 1)]
    moments = sorted(moment for share in shares[:at_once] for moment in creates(share, 3))
    assert len(moments) == 3 * at_once
    assert moments[0] == 100
    between = [after - before for before, after in pairwise(moments)]
    assert between == pytest.approx([(1 + MARGIN) / rate] * len(between))
    assert sum(share.per_second for share in shares[:at_once]) == pytest.approx(rate)


def test_a_run_without_shards_has_all_of_the_account() -> None:
    assert create_share(Fleet(npm_scope="@demo"), None) == CreateShare(1.0)


def test_a_stop_ends_the_wait_for_the_first_turn() -> None:
    stop = threading.Event()
    stop.set()
    limit = RateLimit(1, first_seconds=3_600)
    with pytest.raises(Exception, match="the run was stopped"), limit.acquire(stop):
        raise AssertionError
