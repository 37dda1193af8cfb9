"""The timeline of a run: every crate in a lane of its own time, with parts that lie within its bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.reports.models import CrateReport, Phase, Report
from generator.reports.page.timeline import WIDTH, timeline


def crate(name: str, started: float | None, seconds: float, **more: object) -> CrateReport:
    values = {"name": name, "version": "1.0.0", "kind": "lib", "state": "built", "attempts": 1, **more}
    return CrateReport.model_validate({**values, "started": started, "seconds": seconds}, strict=False)


def report(*crates: CrateReport, seconds: float = 10.0, shard: str | None = None) -> Report:
    return Report(backend="local", isolated=True, seconds=seconds, shard=shard, crates=crates)


def test_a_report_without_starts_has_no_timeline() -> None:
    assert timeline(report(crate("a", None, 3.0))) is None
    assert timeline(report()) is None


def test_crates_that_overlap_have_slots_of_their_own_and_others_share_one() -> None:
    made = timeline(report(crate("a", 0.0, 4.0), crate("b", 0.0, 6.0), crate("c", 4.0, 4.0)))
    assert made is not None
    assert [(lane.name, [bar.crate for bar in lane.bars], lane.idle) for lane in made.lanes] == [
        ("slot 1", ["a", "c"], "20 % idle"),
        ("slot 2", ["b"], "40 % idle"),
    ]
    assert made.idle == "30 % idle"


def test_shards_come_in_the_order_of_their_numbers() -> None:
    crates = (
        crate("a", 0.0, 4.0, shard="10/12"),
        crate("b", 0.0, 6.0, shard="2/12"),
        crate("c", 1.0, 2.0, shard="2/12"),
    )
    made = timeline(report(*crates))
    assert made is not None
    assert [lane.name for lane in made.lanes] == ["shard 2, slot 1", "shard 2, slot 2", "shard 10"]


def test_a_bar_shows_lost_attempts_first_and_then_the_phases_of_the_last_one() -> None:
    phases = (Phase(name="open", seconds=1.0), Phase(name="compile", seconds=4.0))
    made = timeline(report(crate("a", 0.0, 10.0, phases=phases, retry_seconds=3.0, attempts=2)))
    assert made is not None
    ((bar,),) = (lane.bars for lane in made.lanes)
    assert [(part.phase, part.x / WIDTH, part.width / WIDTH) for part in bar.parts] == [
        ("retry", 0.0, 0.3),
        ("other", 0.3, 0.2),
        ("open", 0.5, 0.1),
        ("compile", 0.6, 0.4),
    ]


def test_the_time_of_an_earlier_run_is_not_shown_for_a_reused_crate() -> None:
    made = timeline(report(crate("a", 0.0, 0.2, attempts=0, phases=(Phase(name="compile", seconds=40.0),))))
    assert made is not None
    assert [part.phase for lane in made.lanes for bar in lane.bars for part in bar.parts] == ["other"]


TIMES = st.floats(0, 1e5, allow_nan=False)


@given(
    st.lists(
        st.tuples(TIMES, TIMES, TIMES, st.lists(TIMES, max_size=3), st.sampled_from(["1/3", "3/3"])),
        min_size=1,
        max_size=8,
    ),
    TIMES,
)
def test_each_bar_and_part_lies_within_the_drawing_and_no_lane_has_two_at_once(
    made: list[tuple[float, float, float, list[float], str]], seconds: float
) -> None:
    crates = [
        crate(
            f"c{index}",
            began,
            took,
            retry_seconds=lost,
            shard=shard,
            phases=[{"name": "compile", "seconds": each} for each in phases],
        )
        for index, (began, took, lost, phases, shard) in enumerate(made)
    ]
    drawn = timeline(report(*crates, seconds=seconds))
    if drawn is None:
        assert not any(each.seconds > 0 for each in crates)
        return
    assert sum(len(lane.bars) for lane in drawn.lanes) == sum(each.seconds > 0 for each in crates)
    for lane in drawn.lanes:
        for bar, following in zip(lane.bars, lane.bars[1:], strict=False):
            assert bar.x + bar.width <= following.x + 0.05 / drawn.end * WIDTH + 0.05
        for bar in lane.bars:
            assert bar.x + bar.width == pytest.approx(min(bar.x + bar.width, WIDTH), abs=0.05)
            for part in bar.parts:
                assert bar.x - 0.05 <= part.x <= part.x + part.width <= bar.x + bar.width + 0.05
    assert len(drawn.ticks) <= 11
