"""The file of a plan: what `plan --json` prints is read again, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.builds.selection import select_crates
from generator.errors import InputError
from generator.planning.affected import Reason
from generator.planning.plan import make_plan
from generator.planning.plan_file import MAX_PLAN_BYTES, load_plan, read_plan
from tests.planning.test_plan import manifest
from tests.planning.test_prediction import runs

FLEET = manifest({"name": "one"}, {"name": "two"}, {"name": "three"}, slots=2)
MEMORY = {"one": runs(1), "two": runs(2), "three": runs(9)}


def written(tmp_path: Path, **changed: Any) -> Path:
    content = {**json.loads(make_plan(FLEET, None, (), MEMORY).model_dump_json()), **changed}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(content))
    return path


def shards(*names: str) -> list[dict[str, Any]]:
    return [{"index": at, "crates": each.split(), "predicted_minutes": 1.0} for at, each in enumerate(names, start=1)]


def test_a_plan_is_read_as_it_was_made_and_its_shards_are_what_is_built(tmp_path: Path) -> None:
    made = make_plan(FLEET, None, (), MEMORY)
    assert load_plan(written(tmp_path), FLEET) == made
    assert [shard.crates for shard in made.shards] == [("three",), ("two", "one")]
    assert make_plan(FLEET).shards[0].crates != ("three",)
    assert select_crates(FLEET, "1/2", (), made).names == ("three",)
    assert select_crates(FLEET, "2/2", (), made).names == ("two", "one")


def test_a_plan_of_a_change_has_a_reason_for_each_crate_that_no_shard_has(tmp_path: Path) -> None:
    reasons = tuple(Reason(crate=name, built=name == "one", reason="x") for name in ("one", "three", "two"))
    plan = make_plan(FLEET, None, reasons, MEMORY)
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    read = load_plan(tmp_path / "plan.json", FLEET)
    assert select_crates(FLEET, "1/1", (), read).names == ("one",)
    assert [each.crate for each in read.predictions] == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"shards": shards("one two", "three four")}, "the manifest has no crate four"),
        ({"shards": shards("one two", "three one")}, "in several shards: one"),
        ({"shards": shards("one", "two")}, "in no shard and without a reason: three"),
        ({"shards": [{**each, "index": 2} for each in shards("one two", "three")]}, "not numbered from 1"),
    ],
)
def test_a_plan_of_another_manifest_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match="is not a plan of this manifest") as raised:
        load_plan(written(tmp_path, **changed), FLEET)
    assert [words in problem for problem in raised.value.problems] == [True]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff", b'{"plan_version": 2}',
        b'{"plan_version": 1, "slots": 1, "shards": [], "makespan_minutes": NaN, "lower_bound_minutes": 0.0, "skipped": []}',
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^plan\.json is not a plan of this version of cratematrix: [^\n]+$"):
        read_plan(content, "plan.json")


def test_an_oversized_plan_and_one_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_plan(b" " * (MAX_PLAN_BYTES + 1), "plan.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_plan(tmp_path, FLEET)


@pytest.mark.parametrize("shard", ["1/1", "1/3", "3/2", "0/2", "x"])
def test_a_shard_that_the_plan_does_not_have_is_refused(shard: str) -> None:
    with pytest.raises(InputError, match=r"the plan has 2 shards|is not a shard"):
        select_crates(FLEET, shard, (), make_plan(FLEET))


def test_a_plan_needs_a_shard_and_no_names_of_crates() -> None:
    for shard, names in ((None, ()), ("1/2", ("one",))):
        with pytest.raises(InputError, match="use --plan with --shard"):
            select_crates(FLEET, shard, names, make_plan(FLEET))


def test_without_a_shard_the_longest_predicted_crate_comes_first() -> None:
    predictions = make_plan(FLEET, None, (), MEMORY).predictions
    assert select_crates(FLEET, predictions=predictions).names == ("three", "two", "one")
    assert select_crates(FLEET, None, ("one", "two"), None, predictions).names == ("two", "one")


def test_a_shard_without_a_plan_follows_from_the_manifest_alone() -> None:
    """Each job has other measurements."""
    predictions = make_plan(FLEET, None, (), MEMORY).predictions
    assert select_crates(FLEET, "1/2", (), None, predictions) == select_crates(FLEET, "1/2")
