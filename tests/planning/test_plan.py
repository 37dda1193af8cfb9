"""The plan as a total, deterministic function."""

from __future__ import annotations

import json
from datetime import date

import pytest

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.planning.markdown import page
from generator.planning.plan import make_plan, shard_crates
from generator.planning.table import quarantine_notes


def manifest(*crates: dict[str, object], slots: int = 3) -> Manifest:
    return Manifest.model_validate_json(
        json.dumps(
            {
                "schema_version": 1,
                "fleet": {"npm_scope": "@demo", "slots": slots, "platforms": ["linux-x64-gnu", "wasm32"]},
                "crates": [{"version": "1.0.0", "kind": "lib", "source": {"path": "."}, **crate} for crate in crates],
            }
        )
    )


def test_the_plan_says_why_a_unit_is_skipped() -> None:
    plan = make_plan(manifest({"name": "words"}, {"name": "web", "kind": "wasm", "expected_minutes": 9}))
    assert [(each.crate, each.platform) for each in plan.skipped] == [("web", "linux-x64-gnu"), ("words", "wasm32")]
    assert "wasm32 only" in plan.skipped[0].reason
    assert plan.makespan_minutes == 9
    assert plan.ratio == 1


def test_the_json_shape_is_what_scripts_rely_on() -> None:
    data = json.loads(make_plan(manifest({"name": "words"})).model_dump_json())
    assert list(data) == [
        "plan_version",
        "slots",
        "shards",
        "makespan_minutes",
        "lower_bound_minutes",
        "skipped",
        "reasons",
        "quarantined",
        "predictions",
        "slots_per_job",
        "costs",
        "limits",
        "explained",
        "count",
        "unchanged",
        "crates",
        "matrix",
        "gap_minutes",
    ]
    assert data["shards"] == [{"index": 1, "crates": ["words"], "predicted_minutes": 5.0}]


def test_crates_in_quarantine_are_built_and_named_with_their_state_of_the_day() -> None:
    broken = {"quarantine": {"reason": "its author | is away", "until": "2026-11-28"}}
    plan = make_plan(manifest({"name": "words"}, {"name": "web", **broken}))
    assert plan.count == 2
    assert json.loads(plan.model_dump_json())["quarantined"] == [{**broken["quarantine"], "crate": "web"}]
    last, after = date(2026, 11, 28), date(2026, 11, 29)
    assert quarantine_notes(plan, last) == ["web: in quarantine until 2026-11-28: its author | is away"]
    assert quarantine_notes(plan, after) == [
        "web: its quarantine ended on 2026-11-28, so a failure blocks: its author | is away"
    ]
    assert "\n- web\\: in quarantine until 2026-11-28\\: its author \\| is away\n" in page(plan, last)
    assert quarantine_notes(make_plan(manifest({"name": "words"})), last) == []


def test_a_shard_beyond_the_crates_is_empty_and_one_beyond_the_slots_is_an_error() -> None:
    plan = make_plan(manifest({"name": "words"}))
    assert shard_crates(plan, 1) == ("words",)
    assert shard_crates(plan, 3) == ()
    for index in (0, 4):
        with pytest.raises(InputError, match=f"shard {index}/3 does not exist"):
            shard_crates(plan, index)
