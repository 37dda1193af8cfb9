"""Crates that a release has already: not built while the cache key and all packages are the same."""

from __future__ import annotations

from typing import Any

import pytest

from generator.builds.inputs import BuildInputs
from generator.builds.unchanged import find_unchanged, unchanged_report
from generator.errors import InputError, Unreachable
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.reports.index import FleetIndex, fleet_index
from generator.reports.models import CrateReport, Report

KEY = "a" * 64
SPLIT: dict[str, Any] = {"npm_scope": "@demo", "layout": "split", "platforms": ["linux-x64-gnu", "wasm32"]}
ROOT = {"file": "demo-one-1.0.0.tgz", "bytes": 7, "sha256": "b" * 64}
LINUX = {"file": "demo-one-linux-x64-gnu-1.0.0.tgz", "bytes": 8, "sha256": "c" * 64}
WASM = {"file": "demo-one-wasm32-wasi-1.0.0.tgz", "bytes": 9, "sha256": "d" * 64}
SKIPPED = {"platform": "wasm32", "state": "skipped", "reason": "no tools"}


def manifest(kind: str = "napi", **fleet: Any) -> Manifest:
    crate = {"name": "one", "version": "1.0.0", "kind": kind, "source": {"path": "one"}}
    head = {"schema_version": 1, "fleet": fleet or {"npm_scope": "@demo"}, "crates": [crate]}
    return Manifest.model_validate(head, strict=False)


def index(**crate: Any) -> FleetIndex:
    entry = {"name": "one", "version": "1.0.0", "state": "built", "cache_key": KEY, "packages": [ROOT], **crate}
    head = {"index_version": 1, "tag": "v1.0.0", "commit": "0" * 40, "backend": "local", "crates": [entry]}
    return FleetIndex.model_validate(head, strict=False)


def report(previous: FleetIndex | None, of: Manifest, key: str | None = KEY) -> CrateReport | None:
    return unchanged_report(of.crates[0], settings(of.fleet, of.crates[0]), key, previous)


def test_an_unchanged_crate_has_the_report_of_the_index() -> None:
    entry = {
        "phases": {"compile": 2.5},
        "units": [{"platform": "wasm32", "state": "built", "seconds": 2.5}],
        "cost": 0.5,
    }
    found = report(index(**entry), manifest())
    assert found is not None
    assert (found.state, found.attempts, found.unchanged_since) == ("built", 0, "v1.0.0")
    assert found.notes == ("unchanged since v1.0.0",)
    assert found.package == found.packages[0]
    assert [file.model_dump() for file in found.packages] == [ROOT]


def test_measurements_survive_any_number_of_releases_without_a_change() -> None:
    sandbox = {
        "sandbox": "s",
        "attempt": 1,
        "size": "small",
        "cpus": 2,
        "memory_mib": 9,
        "seconds": 3.0,
        "peak_disk": 4,
    }
    first = index(
        phases={"compile": 2.5}, units=[{"platform": "wasm32", "state": "built", "seconds": 2.5}], cost=0.5,
        peak_memory=6, sandbox=sandbox,
    )  # fmt: skip
    found = report(first, manifest())
    assert found is not None
    kept = found.model_copy(update={"cache_key": KEY})
    run = Report(backend="local", isolated=True, seconds=1.0, crates=(kept,))
    assert fleet_index(manifest(), run, "v1.0.0", "0" * 40) == first


@pytest.mark.parametrize(
    "entry",
    [
        {"cache_key": "b" * 64},
        {"cache_key": None},
        {"state": "failed"},
        {"version": "1.0.1"},
        {"name": "two"},
        {"packages": []},
        {"packages": [LINUX]},
        {"packages": [ROOT, LINUX]},
        {"packages": [ROOT, ROOT]},
        {"packages": [{**ROOT, "file": "../demo-one-1.0.0.tgz"}]},
    ],
)
def test_any_difference_is_built(entry: dict[str, Any]) -> None:
    assert report(index(**entry), manifest()) is None


@pytest.mark.parametrize(
    ("packages", "units", "taken"),
    [
        ([ROOT, LINUX, WASM], [], True),
        ([ROOT, WASM, LINUX], [], True),
        ([LINUX, ROOT, WASM], [], False),
        ([ROOT, LINUX], [], False),
        ([ROOT, LINUX], [SKIPPED], True),
        ([ROOT, LINUX, WASM], [SKIPPED], False),
    ],
)
def test_every_platform_must_have_its_package_unless_it_was_skipped(
    packages: list[Any], units: list[Any], taken: bool
) -> None:
    found = report(index(packages=packages, units=units), manifest(**SPLIT))
    assert (found is not None) is taken


def test_a_library_has_no_packages_and_is_not_built_again() -> None:
    assert report(index(packages=[]), manifest("lib")) is not None
    assert report(index(), manifest("lib")) is None


def test_without_a_key_or_an_index_everything_is_built() -> None:
    assert report(index(cache_key=None), manifest(), None) is None
    assert report(None, manifest()) is None


def test_a_crate_whose_key_is_not_known_here_counts_as_changed_with_the_reason() -> None:
    far = {"git": "https://example.org/a.git", "rev": "0" * 40}
    sources = {"one": {"path": "."}, "far": far, "other": far, "gone": {"path": "."}, "secret": {"path": "."}}
    head = {"version": "1.0.0", "kind": "lib"}
    crates = [{**head, "name": name, "source": source} for name, source in sources.items()]
    crates[-1]["env"] = ["FLAG"]
    whole = {"schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": [*crates, {**crates[0], "name": "new"}]}
    fleet = Manifest.model_validate(whole, strict=False)
    before = BuildInputs({"sources": "0"}, has_secrets=False)
    entry = index(packages=[], cache_key=before.key).crates[0]
    entries = tuple(entry.model_copy(update={"name": name}) for name in sources)
    asked = list[str]()

    def read(crate: Crate) -> BuildInputs:
        asked.append(crate.name)
        if crate.name == "far":
            raise Unreachable("no connection")
        if crate.name == "gone":
            raise InputError("no such directory")
        return before if crate.name == "one" else BuildInputs({"sources": "1"}, has_secrets=False)

    found = find_unchanged(fleet.fleet, fleet.crates, index().model_copy(update={"crates": entries}), read, {})
    assert found.names == ("one",)
    assert asked == ["one", "far", "gone", "secret"]
    assert found.unknown == {
        "far": "no connection", "other": "no connection", "gone": "no such directory",
        "secret": "FLAG of env is not set",
    }  # fmt: skip
