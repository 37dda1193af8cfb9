"""Costs of a plan before anything is spent, and the limits that bind; both are pure functions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from generator.backends.e2b import e2b_jobs
from generator.builds.selection import select_crates
from generator.console.tables import rich_table
from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet, Limits
from generator.manifest.models import Manifest
from generator.manifest.source_models import PathSource
from generator.manifest.values import SIZES, BackendName, Size
from generator.planning.affected import Reason
from generator.planning.costs import GUESS_FACTOR, JOB_MINUTES, Costs, Range, Rates, check_cost
from generator.planning.limits import binding, jobs_at_once
from generator.planning.markdown import page
from generator.planning.measurements import Measurement, measured
from generator.planning.plan import Plan, make_plan, with_costs
from generator.planning.plan_file import read_plan
from generator.planning.table import PREDICTION_COLUMNS, columns, cost_lines, prediction_rows, rows, summary
from generator.prices import load_runner_prices

RUNNERS = load_runner_prices()
MINUTE: dict[Size, float] = {"small": 0.002, "standard": 0.004, "large": 0.008}
LOCAL = Rates("local", RUNNERS)
E2B = Rates("e2b", RUNNERS, MINUTE, "2026-11-22")
PRO = {"e2b_sandboxes": 100, "e2b_creates_per_second": 5}

CRATES = st.lists(
    st.tuples(st.floats(0.01, 1_440), st.floats(0.01, 1_440), st.sampled_from(SIZES)), min_size=1, max_size=20
)


def fleet_of(crates: Sequence[tuple[float, float, Size]], slots: int = 3, **limits: float) -> Manifest:
    """A fleet of crates with expected minutes, a timeout and a size."""
    fleet = Fleet(npm_scope="@demo", slots=slots, limits=Limits(**limits))  # type: ignore[arg-type]
    made = tuple(
        Crate(
            name=f"c{number}", version="1.0.0", kind="lib", source=PathSource(path="."),
            expected_minutes=minutes, timeout_minutes=timeout, size=size,
        )
        for number, (minutes, timeout, size) in enumerate(crates)
    )  # fmt: skip
    return Manifest(schema_version=1, fleet=fleet, crates=made)


def seconds(**crates: float) -> dict[str, tuple[Measurement, ...]]:
    """Measured times of crates at E2B."""
    return {name: (measured(each, "standard", "e2b"),) for name, each in crates.items()}


def planned(manifest: Manifest, rates: Rates = E2B) -> Plan:
    return with_costs(make_plan(manifest), manifest, rates)


def costs_of(manifest: Manifest, rates: Rates = E2B) -> Costs:
    costs = planned(manifest, rates).costs
    assert costs is not None
    return costs


def ranges(costs: Costs) -> list[Range]:
    each = [costs.sandboxes, costs.runner_minutes, costs.runners]
    each += [found for shard in costs.shards for found in (shard.sandboxes, shard.runner_minutes)]
    return each + [found for crate in costs.crates for found in (crate.minutes, crate.sandboxes)]


@settings(deadline=None, max_examples=40)
@given(crates=CRATES, slots=st.integers(1, 256), rates=st.sampled_from([LOCAL, E2B]))
def test_every_range_holds_its_likely_number_and_the_sums_agree(
    crates: list[tuple[float, float, Size]], slots: int, rates: Rates
) -> None:
    costs = costs_of(fleet_of(crates, slots), rates)
    assert all(0 <= each.low <= each.likely <= each.high for each in ranges(costs))
    for end in Range.model_fields:
        total = getattr(costs.sandboxes, end)
        assert total == pytest.approx(math.fsum(getattr(each.sandboxes, end) for each in costs.shards), abs=1e-4)
        assert total == pytest.approx(math.fsum(getattr(each.sandboxes, end) for each in costs.crates), abs=1e-4)
        minutes = [getattr(each.runner_minutes, end) for each in costs.shards]
        assert getattr(costs.runner_minutes, end) == sum(minutes)
        assert all(each == int(each) >= 1 for each in minutes)


def test_a_job_counts_whole_minutes_with_its_own_steps() -> None:
    costs = costs_of(fleet_of([(3.0, 60, "standard"), (4.5, 60, "standard"), (5.0, 60, "standard")], slots=2))
    likely = [each.runner_minutes for each in costs.shards]
    assert JOB_MINUTES == 1
    assert likely == [Range(low=3, likely=6, high=12), Range(low=5, likely=9, high=17)]
    assert costs.runners.likely == pytest.approx(15 * RUNNERS.minute)


def test_a_sandbox_costs_by_its_size_and_lives_no_longer_than_the_timeout() -> None:
    costs = costs_of(fleet_of([(10, 15, "large"), (10, 60, "small"), (90, 60, "standard")]))
    assert [each.minutes for each in costs.crates] == [
        Range(low=5, likely=10, high=15), Range(low=5, likely=10, high=20), Range(low=30, likely=60, high=60),
    ]  # fmt: skip
    assert GUESS_FACTOR == 2
    assert [each.sandboxes.likely for each in costs.crates] == pytest.approx([0.08, 0.02, 0.24])
    assert costs.sandboxes.likely == pytest.approx(0.34)


def test_local_sandboxes_are_free_and_their_runners_are_not() -> None:
    costs = costs_of(fleet_of([(5, 60, "large")]), LOCAL)
    assert costs.prices_of is None
    assert costs.sandboxes == Range(low=0, likely=0, high=0)
    assert costs.runner_minutes.likely == 6
    check_cost(costs, 0)


def test_the_minutes_of_the_plan_count_and_not_the_manifests_own() -> None:
    manifest = fleet_of([(50, 60, "standard"), (50, 60, "standard")], slots=2)
    plan = with_costs(make_plan(manifest, memory=seconds(c0=120, c1=7_200), backend="e2b"), manifest, E2B)
    assert plan.costs is not None
    assert [each.minutes for each in plan.costs.crates] == [
        Range(low=1, likely=2, high=4), Range(low=30, likely=60, high=60),
    ]  # fmt: skip
    assert [each.runner_minutes.likely for each in plan.costs.shards] == [61, 3]


def test_a_plan_without_crates_costs_nothing() -> None:
    manifest = fleet_of([(5, 60, "large")])
    nothing = make_plan(manifest).model_copy(update={"shards": ()})
    empty = with_costs(nothing, manifest, E2B)
    assert empty.costs is not None
    assert all(each == Range(low=0, likely=0, high=0) for each in ranges(empty.costs))
    assert cost_lines(empty) == []


def test_ten_thousand_crates_cost_ten_thousand_times_as_much() -> None:
    costs = costs_of(fleet_of([(5.0, 60.0, "standard")] * 10_000, slots=256))
    assert costs.sandboxes.likely == pytest.approx(10_000 * 5 * MINUTE["standard"])
    assert len(costs.crates) == 10_000


@pytest.mark.parametrize(("most", "fails"), [(0.34, False), (0.33, True), (0.0, True), (math.nan, True)])
def test_a_plan_that_likely_costs_more_is_an_input_error(most: float, fails: bool) -> None:
    costs = costs_of(fleet_of([(10, 60, "large"), (65, 65, "standard")], **PRO))
    assert costs.sandboxes.likely == pytest.approx(0.34)
    if not fails:
        check_cost(costs, most)
        return
    with pytest.raises(InputError, match=r"the sandboxes likely cost 0.3400 USD, more than the \S+ USD of --max-cost"):
        check_cost(costs, most)


def test_costs_are_in_the_json_of_the_plan_and_in_no_other_version_of_it() -> None:
    data = json.loads(planned(fleet_of([(5, 60, "standard")])).model_dump_json())
    assert data["plan_version"] == 1
    assert data["costs"]["crates"] == [
        {
            "crate": "c0",
            "minutes": {"low": 2.5, "likely": 5.0, "high": 10.0},
            "sandboxes": {"low": 0.01, "likely": 0.02, "high": 0.04},
        }
    ]
    assert [each["name"] for each in data["limits"]] == [
        "jobs", "runner_minutes", "sandboxes", "creates_minutes", "session_minutes",
    ]  # fmt: skip
    assert {each["sentence"] for each in data["limits"]} == {None}


def test_unchanged_crates_cost_nothing_and_stay_in_a_shard() -> None:
    limits = {"e2b_sandboxes": 2, "e2b_creates_per_second": 0.01}
    manifest = fleet_of([(10, 60, "large"), (20, 60, "large"), (30, 60, "large"), (40, 60, "large")], slots=3, **limits)
    same = dict.fromkeys(("c1", "c2", "c3"), "v1.0.0")
    plan = with_costs(make_plan(manifest, memory=seconds(c1=60), backend="e2b", unchanged=same), manifest, E2B)
    assert [shard.crates for shard in plan.shards] == [("c0", "c3"), ("c1",), ("c2",)]
    assert (plan.count, plan.unchanged, plan.makespan_minutes, plan.ratio) == (4, 3, 1.0, 1.0)
    assert plan.costs is not None
    assert plan.costs.sandboxes.likely == pytest.approx(MINUTE["large"])
    assert [each.runner_minutes.likely for each in plan.costs.shards] == [2, 1, 1]
    needed = {each.name: each.needed for each in plan.limits}
    assert (needed["sandboxes"], needed["creates_minutes"]) == (1, 1.667)
    assert summary(plan).startswith(
        "1 of 4 crates to build; 3 unchanged since v1.0.0\n4 crates in 3 of 3 slots: 1 min "
    )
    assert page(plan, date(2026, 11, 28)).startswith("### Plan: 1 of 4 crates to build in 3 jobs, about 1 min, likely ")
    assert [row[-1] for row in rows(plan)] == ["c0; unchanged: c3", "unchanged: c1", "unchanged: c2"]
    assert prediction_rows(plan)[1] == ("c1", "0", "unchanged since v1.0.0")
    assert "measured" not in summary(plan)
    read = read_plan(plan.model_dump_json().encode(), "plan.json")
    assert [each.unchanged_since for each in read.predictions] == [None, "v1.0.0", "v1.0.0", "v1.0.0"]
    nothing = make_plan(manifest, unchanged={**same, "c0": "v1.0.0"})
    assert (nothing.makespan_minutes, nothing.ratio, len(nothing.shards)) == (0, 1, 3)


@pytest.mark.parametrize(("rates", "names"), [(LOCAL, ["runner min"]), (E2B, ["runner min", "USD"])])
def test_the_table_has_costs_per_shard_and_fits_80_columns(rates: Rates, names: list[str]) -> None:
    plan = planned(fleet_of([(14.5, 60, "large")] * 60, slots=30), rates)
    assert columns(plan) == ("slot", "minutes", *names, "crates")
    console = Console(width=80, file=None)
    with console.capture() as captured:
        console.print(rich_table(columns(plan), rows(plan)))
    lines = captured.get().splitlines()
    assert len(lines) == 31
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[:4] == ["1", "29", "30", "(15-60)"]
    assert "0.2320 (0.1160-0.4640)" in lines[1] or rates is LOCAL
    assert cost_lines(plan)[0] in page(plan, date(2026, 11, 28)).replace("\\", "")


def test_the_step_summary_begins_with_time_and_cost_and_says_what_binds() -> None:
    shown = page(
        planned(fleet_of([(30, 60, "large"), (10, 60, "large"), (10, 60, "large")], slots=2)), date(2026, 11, 28)
    )
    title, _, costs, time, limits, *_ = shown.replace("\\", "").splitlines()
    assert title.startswith("### Plan: 3 crates in 2 jobs, about 30 min, likely ")
    assert costs.startswith("- costs: ")
    assert time == "- time: c0 alone takes this long, so more slots would not help"
    assert limits == "- limits: none binds"


def test_costs_and_predictions_of_measured_times_fit_80_columns_together() -> None:
    manifest = fleet_of([(14.5, 60, "large")] * 60, slots=30)
    times = seconds(**{f"c{number}": 61.237 * number + 1 for number in range(59)})
    plan = with_costs(make_plan(manifest, memory=times, backend="e2b"), manifest, E2B)
    console = Console(width=80, file=None)
    with console.capture() as captured:
        console.print(rich_table(columns(plan), rows(plan)))
        console.print(rich_table(PREDICTION_COLUMNS, prediction_rows(plan)))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "1 run at e2b, size standard" in text
    assert "like 59 crates of kind lib" in text


def test_the_line_for_the_fleet_has_the_range_and_the_day_of_the_prices() -> None:
    plan = planned(fleet_of([(5, 60, "standard")] * 2, slots=2))
    assert "\n".join(cost_lines(plan)) == (
        "costs: 0.0400 (0.0200 to 0.0800) USD for sandboxes (prices of 2026-11-22), 12 (6 to 24) runner minutes, "
        "0.0720 USD where they are not free (prices of 2026-09-27)"
    )
    assert cost_lines(planned(fleet_of([(5, 60, "standard")]), LOCAL)) == [
        "costs: 6 (3 to 12) runner minutes, 0.0360 USD where they are not free (prices of 2026-09-27)"
    ]


@pytest.mark.parametrize(
    ("rates", "crates", "limits", "sentences"),
    [
        (LOCAL, 30, {}, ["of 30 jobs 20 run at once: limits.github_jobs"]),
        (LOCAL, 30, {"github_jobs": 40, "e2b_sandboxes": 1}, []),
        (E2B, 30, {"github_jobs": 40}, ["of 30 sandboxes 20 run at once: limits.e2b_sandboxes"]),
        (E2B, 30, {"github_jobs": 4, "e2b_sandboxes": 4}, ["of 30 jobs 4 run at once: limits.github_jobs"]),
        (
            E2B, 30, {"github_jobs": 30, "e2b_sandboxes": 30, "e2b_creates_per_second": 0.01},
            ["30 sandboxes start in 50 minutes: limits.e2b_creates_per_second"],
        ),
    ],
)  # fmt: skip
def test_only_limits_that_bind_are_named(
    rates: Rates, crates: int, limits: dict[str, float], sentences: list[str]
) -> None:
    plan = planned(fleet_of([(20, 60, "standard")] * crates, slots=30, **limits), rates)
    assert binding(plan.limits) == sentences
    assert cost_lines(plan)[1:] == [f"limit: {each}" for each in sentences]
    assert {each.sentence for each in plan.limits if each.needed <= each.limit} <= {None}


def test_the_minutes_of_githubs_plan_and_the_life_of_a_sandbox_bind() -> None:
    many = fleet_of([(60, 90, "standard")] * 40, slots=20)
    assert binding(planned(many).limits) == [
        "2,420 runner minutes are more than the 2,000 a month that GitHub Free has for private repositories",
        "a timeout is 90 minutes, but a sandbox lives 60: timeout_minutes, limits",
    ]
    assert binding(planned(fleet_of([(60, 90, "standard")] * 40, slots=20, github_jobs=40, **PRO)).limits) == []


@pytest.mark.parametrize(
    ("backend", "jobs", "at_once"), [("local", 30, 25), ("local", 3, 3), ("e2b", 30, 20), ("e2b", 3, 3)]
)
def test_no_more_jobs_build_at_once_than_both_accounts_allow(backend: BackendName, jobs: int, at_once: int) -> None:
    assert jobs_at_once(fleet_of([(5, 60, "small")], github_jobs=25).fleet, backend, jobs) == at_once


@settings(deadline=None, max_examples=40)
@given(crates=CRATES, slots=st.integers(1, 12), jobs=st.integers(1, 12), data=st.data())
def test_jobs_with_several_slots_build_what_the_plan_says(
    crates: list[tuple[float, float, Size]], slots: int, jobs: int, data: st.DataObject
) -> None:
    manifest = with_jobs(fleet_of(crates, slots), min(jobs, slots))
    affected = data.draw(st.sets(st.sampled_from([crate.name for crate in manifest.crates]), min_size=1))
    reasons = tuple(Reason(crate=each.name, built=each.name in affected, reason="") for each in manifest.crates)
    plan = with_costs(make_plan(manifest, None, reasons), manifest, E2B)
    each = manifest.fleet.slots_per_job
    assert len(plan.shards) <= min(jobs, slots)
    assert sorted(name for shard in plan.shards for name in shard.crates) == sorted(affected)
    for job in plan.matrix.include:
        selected = select_crates(manifest, job.shard, tuple(affected), slots_per_job=each)
        assert selected.names == plan.shards[job.index - 1].crates
    assert plan.makespan_minutes == max(shard.predicted_minutes for shard in plan.shards)
    assert plan.costs is not None
    assert all(0 <= found.low <= found.likely <= found.high for found in ranges(plan.costs))


def with_jobs(manifest: Manifest, jobs: int) -> Manifest:
    return manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"jobs": jobs, "backend": "e2b"})})


def test_all_jobs_of_a_plan_take_their_slots_and_minutes_from_it() -> None:
    manifest = with_jobs(fleet_of([(5, 60, "standard")] * 5, slots=4), 2)
    times = seconds(c0=60, c1=60, c2=120, c3=1_200, c4=600)
    plan = with_costs(make_plan(manifest, memory=times, backend="e2b"), manifest, E2B)
    assert [shard.crates for shard in plan.shards] == [("c3", "c4"), ("c2", "c0", "c1")]
    read = read_plan(plan.model_dump_json().encode(), "plan.json")
    parts = [select_crates(manifest, job.shard, (), read) for job in read.matrix.include]
    assert [part.names for part in parts] == [shard.crates for shard in plan.shards]
    assert [dict(part.minutes) for part in parts] == [{"c0": 1, "c1": 1, "c2": 2, "c3": 20, "c4": 10}] * 2
    alone = select_crates(manifest, "1/2", (), None, plan.predictions, 2)
    assert dict(alone.minutes) == dict.fromkeys(("c0", "c1", "c2", "c3", "c4"), 5)
    assert plan.costs is not None
    single = plan.costs.runner_minutes_of_single_slots
    assert (plan.costs.runner_minutes.likely, single and single.likely) == (24, 38)


def test_the_plan_has_the_price_of_few_jobs_and_of_one_per_slot() -> None:
    plan = planned(with_jobs(fleet_of([(10, 60, "standard")] * 40, slots=20), 2))
    assert plan.slots_per_job == 10
    assert [(shard.predicted_minutes, len(shard.crates)) for shard in plan.shards] == [(20, 20), (20, 20)]
    assert plan.costs is not None
    assert plan.costs.runner_minutes == Range(low=22, likely=42, high=84)
    assert plan.costs.runner_minutes_of_single_slots == Range(low=220, likely=420, high=840)
    assert plan.costs.sandboxes.likely == pytest.approx(40 * 10 * MINUTE["standard"])
    assert cost_lines(plan)[1] == (
        "with one job per slot: 420 (220 to 840) runner minutes, 2.52 USD where they are not free"
    )
    assert columns(plan)[0] == "job"
    assert summary(plan).startswith("40 crates in 2 jobs of 10 slots: 20 min predicted")


def test_the_slots_of_jobs_are_rounded_up_and_slots_that_take_equally_long_are_together() -> None:
    crates: list[tuple[float, float, Size]] = [(float(minutes), 60, "small") for minutes in range(1, 8)]
    plan = planned(with_jobs(fleet_of(crates, slots=7), 3))
    assert plan.slots == 9
    assert [shard.crates for shard in plan.shards] == [("c6", "c5", "c4"), ("c3", "c2", "c1"), ("c0",)]
    assert [shard.predicted_minutes for shard in plan.shards] == [7, 4, 1]


def test_the_job_of_a_shard_has_the_sandboxes_of_its_slots() -> None:
    fleet = with_jobs(fleet_of([(5, 60, "small")], slots=30, e2b_sandboxes=50, github_jobs=40), 4).fleet
    assert e2b_jobs(fleet, None, "1/4") == 8
    assert e2b_jobs(fleet, None, None) == 30
    assert e2b_jobs(fleet, 2, "1/4") == 2
    assert jobs_at_once(fleet, "e2b", 4) == 4
    assert jobs_at_once(fleet.model_copy(update={"limits": Limits(e2b_sandboxes=6)}), "e2b", 4) == 1
