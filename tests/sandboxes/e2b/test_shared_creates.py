"""The turns of a run's jobs to create sandboxes, with a clock of the test."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.backends.e2b import create_turn
from generator.sandboxes.e2b.rate_limit import MARGIN, RateLimit, Turn
from tests.sandboxes.e2b.test_rate_limit import Clock

TIME_OF_DAY = 1_790_000_000.0


def creates(turn: Turn, rate: float, begun: float, ready: list[float]) -> list[float]:
    """Return the times of day at which a job sends its creates.

    It begins at `begun`, and is ready for another create each time some seconds after it has sent one.
    """
    clock, moments = Clock(), list[float]()
    clock.now += begun
    limit = RateLimit(rate, lambda: clock.now, turn=turn, time_of_day=lambda: TIME_OF_DAY + clock.now)
    for seconds in ready:
        with limit.acquire(clock):
            moments.append(TIME_OF_DAY + clock.now)
        clock.now += seconds
    return moments


@settings(deadline=None, max_examples=60)
@given(
    jobs=st.lists(
        st.tuples(st.floats(0, 90), st.lists(st.floats(0, 120), min_size=1, max_size=5)), min_size=1, max_size=40
    ),
    rate=st.sampled_from([0.5, 1.0, 5.0]),
)
def test_jobs_keep_the_limit_together_whenever_they_begin_and_are_ready(
    jobs: list[tuple[float, list[float]]], rate: float
) -> None:
    moments = [
        moment
        for index, (begun, ready) in enumerate(jobs, 1)
        for moment in creates(create_turn(f"{index}/{len(jobs)}"), rate, begun, ready)
    ]
    assert len(moments) == sum(len(ready) for _, ready in jobs)
    between = [after - before for before, after in pairwise(sorted(moments))]
    assert min(between, default=10) >= (1 + MARGIN) / rate - 1e-5


@pytest.mark.parametrize("begun", [0.0, 3.0, 21.9])
def test_a_job_waits_for_one_turn_of_each_other_job_at_most(begun: float) -> None:
    (first, second) = creates(create_turn("7/20"), 1.0, begun, [0.0, 0.0])
    assert first - (TIME_OF_DAY + 100 + begun) < 20 * (1 + MARGIN)
    assert second - first == pytest.approx(20 * (1 + MARGIN))


def test_a_run_without_shards_waits_for_nobody() -> None:
    assert creates(create_turn(None), 1.0, 0.0, [0.0, 0.0]) == pytest.approx(
        [TIME_OF_DAY + 100, TIME_OF_DAY + 100 + 1 + MARGIN]
    )


def test_a_stop_ends_the_wait_for_a_turn() -> None:
    stop = threading.Event()
    stop.set()
    limit = RateLimit(1e-9, turn=create_turn("2/3"))
    with pytest.raises(Exception, match="the run was stopped"), limit.acquire(stop):
        raise AssertionError
