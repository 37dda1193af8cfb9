"""The crates that a change affects, as a pure function of two manifests and of changed files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.manifest.models import Manifest
from generator.planning.affected import MAX_NAMES_BYTES, Change, Reason, WholeFleet, affected
from generator.planning.plan import make_plan
from generator.planning.table import reason_rows, summary


def manifest(*crates: dict[str, Any], **fleet: Any) -> Manifest:
    head = {"npm_scope": "@demo", "platforms": ["linux-x64-gnu"], **fleet}
    body = [{"version": "1.0.0", "kind": "lib", "source": {"path": each["name"]}, **each} for each in crates]
    return Manifest.model_validate_json(json.dumps({"schema_version": 1, "fleet": head, "crates": body}))


def change(before: Manifest, *paths: str, files: dict[str, str] | None = None, **more: Any) -> Change:
    return Change("main", before, frozenset(paths), files or {}, **more)


def built(reasons: tuple[Reason, ...]) -> dict[str, str]:
    return {each.crate: each.reason for each in reasons if each.built}


ONE = {"name": "one"}


def of_one(before: dict[str, Any], now: dict[str, Any], **fleet: Any) -> dict[str, str]:
    """Return what is built after a change of the entry of `one` or of the fleet's settings."""
    return built(affected(manifest({**ONE, **now}, **fleet), change(manifest({**ONE, **before}))))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"version": "1.0.1"}, "version"),
        ({"kind": "bin"}, "kind"),
        ({"source": {"path": "other"}}, "source"),
        ({"source": {"registry": "one", "version": "1.0.0"}}, "source"),
        ({"npm_name": "@demo/uno"}, "npm_name, platform_packages"),
        ({"platforms": ["linux-x64-musl"]}, "platforms"),
        ({"size": "large"}, "size"),
        ({"timeout_minutes": 5}, "timeout_minutes"),
        ({"tests": False}, "tests"),
        ({"env": ["NAME"]}, "env"),
        ({"fetch_hosts": "open"}, "fetch_hosts"),
        ({"commands": {"test": "true"}}, "commands"),
    ],
)
def test_a_changed_build_input_is_a_reason_that_names_the_key(entry: dict[str, Any], key: str) -> None:
    assert of_one({}, entry) == {"one": f"its settings in the manifest changed: {key}"}


@pytest.mark.parametrize(
    ("key", "value"), [("size", "small"), ("tests", False), ("env", ["NAME"]), ("platforms", ["darwin-x64"])]
)
def test_a_setting_of_the_fleet_counts_if_the_crate_does_not_replace_it(key: str, value: Any) -> None:
    assert of_one({}, {}, **{key: value}) == {"one": f"its settings in the manifest changed: {key}"}
    assert of_one({key: value}, {key: value}, **{key: value}) == {}
    assert of_one({key: value}, {}, **{key: value}) == {}


@pytest.mark.parametrize("entry", [{"expected_minutes": 9}, {"retries": 1}])
def test_settings_that_are_no_build_input_are_no_reason(entry: dict[str, Any]) -> None:
    assert of_one({}, entry, slots=2, retries=1, limits={"github_jobs": 3}, e2b={"domain": "e.example.com"}) == {}


def test_a_platform_that_a_crate_is_not_built_for_is_no_reason() -> None:
    assert of_one({}, {}, platforms=["linux-x64-gnu", "wasm32"]) == {}


def test_a_new_dependency_is_no_reason_before_it_changes() -> None:
    now = manifest({**ONE, "depends_on": ["two"]}, {"name": "two"})
    before = manifest(ONE, {"name": "two"})
    assert built(affected(now, change(before))) == {}
    assert built(affected(now, change(before, files={"two": "x"}))) == {
        "one": "it depends on two, which is built",
        "two": "x",
    }


def test_a_new_crate_is_built_and_a_removed_one_has_no_reason() -> None:
    reasons = affected(manifest(ONE, {"name": "new"}), change(manifest(ONE, {"name": "old"})))
    assert [(each.crate, each.built, each.reason) for each in reasons] == [
        ("new", True, "it is new in the manifest"),
        ("one", False, "nothing that it is built from changed since main"),
    ]


def test_dependents_are_built_along_a_chain_each_naming_the_next() -> None:
    fleet = manifest(
        ONE,
        {"name": "far", "depends_on": ["near"]},
        {"name": "near", "depends_on": ["apart", "one"]},
        {"name": "apart"},
    )
    assert built(affected(fleet, change(fleet, files={"one": "one/lib.rs changed"}))) == {
        "far": "it depends on near, which is built",
        "near": "it depends on one, which is built",
        "one": "one/lib.rs changed",
    }


ITSELF = "cratematrix itself changed"
PACKAGES = "code that decides what packages hold changed"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("generator/cli.py", ITSELF),
        ("action.yml", ITSELF),
        (".github/actions/x/action.yml", ITSELF),
        ("templates/pins/action.yml", ITSELF),
        ("templates/.github/workflows/x.j2", PACKAGES),
        ("generator/recipes/x.py", PACKAGES),
        ("requirements/linkers.txt", PACKAGES),
        ("requirements/windows.txt", PACKAGES),
    ],
)
def test_the_whole_fleet_is_built_when_the_action_of_this_repository_changed(path: str, reason: str) -> None:
    fleet = manifest(ONE, {"name": "two", "source": {"registry": "two", "version": "1.0.0"}})
    reason = f"{reason}: {path}"
    assert built(affected(fleet, change(fleet, path, holds_action=True))) == {"one": reason, "two": reason}
    assert built(affected(fleet, change(fleet, path))) == {}
    assert built(affected(fleet, change(fleet, "README.md", "generators/x", holds_action=True))) == {}


WITH_CANARY = manifest(ONE, {"name": "two"}, {"name": "user", "depends_on": ["one"]}, canaries=["one"])


def test_canaries_alone_are_built_for_a_change_of_the_tool_s_own_code() -> None:
    reasons = affected(WITH_CANARY, change(WITH_CANARY, "generator/cli.py", "action.yml", holds_action=True))
    assert {each.crate: (each.built, each.reason) for each in reasons} == {
        "one": (True, f"it is a canary, and {ITSELF}: action.yml and 1 more file"),
        "two": (
            False,
            "nothing that it is built from changed since main; canaries are built for the change of cratematrix itself",
        ),
        "user": (
            False,
            "nothing that it is built from changed since main; canaries are built for the change of cratematrix itself",
        ),
    }


def test_canaries_are_built_beside_crates_that_changed_themselves() -> None:
    found = change(WITH_CANARY, "generator/cli.py", files={"two": "x"}, holds_action=True)
    assert built(affected(WITH_CANARY, found)) == {"one": f"it is a canary, and {ITSELF}: generator/cli.py", "two": "x"}


@pytest.mark.parametrize("path", ["templates/e2b/x.j2", "generator/packages/x.py", "generator/platforms.py"])
def test_code_that_decides_what_packages_hold_builds_the_whole_fleet_whatever_the_canaries(path: str) -> None:
    found = built(affected(WITH_CANARY, change(WITH_CANARY, "generator/cli.py", path, holds_action=True)))
    assert found == dict.fromkeys(["one", "two", "user"], f"{PACKAGES}: {path}")


def test_canaries_mean_nothing_where_another_repository_holds_the_action() -> None:
    assert built(affected(WITH_CANARY, change(WITH_CANARY, "generator/cli.py"))) == {}


def test_the_whole_fleet_is_built_when_another_action_is_used() -> None:
    now = manifest(ONE, action="you/cratematrix@v2")
    assert built(affected(now, change(manifest(ONE, action="you/cratematrix@v1")))) == {
        "one": "the action changed from you/cratematrix@v1 to you/cratematrix@v2"
    }


def test_the_whole_fleet_is_built_when_the_backend_changes() -> None:
    now = manifest(ONE, backend="e2b")
    assert built(affected(now, change(manifest(ONE)))) == {"one": "the backend changed from local to e2b"}


def test_untrusted_paths_are_escaped() -> None:
    fleet = manifest(ONE)
    reasons = affected(fleet, change(fleet, "generator/a\n::error::b", "generator/z", holds_action=True))
    assert reasons[0].reason == r"cratematrix itself changed: generator/a\n:\x3aerror:\x3ab and 1 more file"


def test_names_too_long_for_a_variable_build_the_whole_fleet() -> None:
    names = [f"{'c' * 58}{number:05}" for number in range(MAX_NAMES_BYTES // 64 + 2)]
    fleet = manifest(*({"name": name} for name in names))
    some = affected(fleet, change(fleet, files=dict.fromkeys(names[2:], "it changed")))
    assert len(built(some)) == len(names) - 2
    assert make_plan(fleet, 30, some).crates == " ".join(names[2:])
    many = affected(fleet, change(fleet, files=dict.fromkeys(names[1:], "it changed")))
    assert len(built(many)) == len(names)
    too_long = "the names of the affected crates are too long for a variable, so the whole fleet is built"
    assert built(many)[names[0]] == too_long
    assert make_plan(fleet, 30, many).crates == ""


@st.composite
def fleets(draw: st.DrawFn) -> Manifest:
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), min_size=1, max_size=12, unique=True))
    return manifest(
        *(
            {"name": name, "depends_on": draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []}
            for place, name in enumerate(names)
        )
    )


@given(fleets())
def test_nothing_changed_affects_nothing_and_everything_changed_affects_the_fleet(fleet: Manifest) -> None:
    names = {crate.name for crate in fleet.crates}
    assert built(affected(fleet, change(fleet))) == {}
    assert built(affected(fleet, change(fleet, files=dict.fromkeys(names, "x")))) == dict.fromkeys(names, "x")
    assert built(affected(fleet, WholeFleet("x"))) == dict.fromkeys(names, "x")


@given(fleets(), st.data())
def test_a_crate_is_built_if_and_only_if_it_or_something_that_it_depends_on_changed(
    fleet: Manifest, data: st.DataObject
) -> None:
    changed = data.draw(st.sets(st.sampled_from([crate.name for crate in fleet.crates])))
    needed = {crate.name: set(crate.depends_on) for crate in fleet.crates}

    def reaches(name: str) -> bool:
        return name in changed or any(reaches(each) for each in needed[name])

    reasons = affected(fleet, change(fleet, files=dict.fromkeys(changed, "x")))
    assert built(reasons).keys() == {name for name in needed if reaches(name)}
    assert [each.crate for each in reasons] == sorted(needed)
    assert all(each.reason for each in reasons)


@given(fleets(), st.data(), st.randoms())
def test_the_order_of_the_manifest_has_no_effect(fleet: Manifest, data: st.DataObject, random: Any) -> None:
    changed = data.draw(st.sets(st.sampled_from([crate.name for crate in fleet.crates])))
    crates = list(fleet.crates)
    random.shuffle(crates)
    shuffled = fleet.model_copy(update={"crates": tuple(crates)})
    files = dict.fromkeys(sorted(changed), "x")
    assert affected(shuffled, change(shuffled, files=files)) == affected(fleet, change(fleet, files=files))


@given(fleets(), st.integers(1, 5), st.data())
def test_the_plan_holds_exactly_the_affected_crates_in_no_more_shards_than_crates(
    fleet: Manifest, slots: int, data: st.DataObject
) -> None:
    changed = data.draw(st.sets(st.sampled_from([crate.name for crate in fleet.crates])))
    reasons = affected(fleet, change(fleet, files=dict.fromkeys(changed, "x")))
    plan = make_plan(fleet, slots, reasons)
    names = [name for shard in plan.shards for name in shard.crates]
    assert sorted(names) == sorted(built(reasons)) == plan.crates.split()
    assert (plan.count, len(plan.shards)) == (len(names), min(slots, len(names)))
    assert {each.crate for each in plan.skipped} <= set(names)


def test_an_empty_plan_takes_no_time_and_has_no_jobs() -> None:
    fleet = manifest(ONE)
    plan = make_plan(fleet, None, affected(fleet, change(fleet)))
    data = json.loads(plan.model_dump_json())
    assert (data["shards"], data["makespan_minutes"], data["lower_bound_minutes"]) == ([], 0, 0)
    assert (data["count"], data["crates"], data["matrix"]) == (0, "", {"include": []})
    assert summary(plan) == "the crate is not affected: there is nothing to build"
    assert reason_rows(plan) == [("one", "no", "nothing that it is built from changed since main")]
