"""Crates that an earlier attempt built: taken only with the same cache key, and with every package as reported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.builds.earlier import code_digest, earlier_builds, earlier_report
from generator.files.directory import Directory
from generator.manifest.settings import settings
from generator.reports.models import CrateReport, Report
from tests.builds.test_unchanged import KEY, SPLIT, manifest

Take = Callable[..., CrateReport | None]
NAMES = ("demo-one-1.0.0.tgz", "demo-one-linux-x64-gnu-1.0.0.tgz", "demo-one-wasm32-wasi-1.0.0.tgz")


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    """Take a crate with two platforms, whose report has other values than the earlier build's."""
    packages = []
    (tmp_path / "earlier").mkdir()
    for name in NAMES:
        (tmp_path / "earlier" / name).write_text(name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        packages.append({"file": name, "bytes": len(name), "sha256": digest})

    with Directory.open_trusted(tmp_path / "dist") as out:

        def taken(key: str | None = KEY, code: str | None = None, **values: Any) -> CrateReport | None:
            crate = {"name": "one", "version": "1.0.0", "kind": "napi", "state": "built", "attempts": 1, "cost": 0.5}
            own = {
                **crate,
                "cache_key": KEY,
                "package": packages[0],
                "packages": packages,
                "sbom": packages[1],
                **values,
            }
            whole = {"backend": "e2b", "isolated": True, "seconds": 9.0, "code": code or code_digest(), "crates": [own]}
            report = Report.model_validate(whole, strict=False)
            (tmp_path / "earlier/report.json").write_text(report.model_dump_json())
            earlier, of = earlier_builds(tmp_path / "earlier", pytest.fail).get("one"), manifest(**SPLIT)
            return earlier_report(of.crates[0], settings(of.fleet, of.crates[0]), key, earlier, out)

        yield taken


def copied(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "dist").iterdir())


def test_its_packages_are_copied_and_its_report_says_that_nothing_was_built(take: Take, tmp_path: Path) -> None:
    found = take()
    assert found is not None
    assert (found.state, found.attempts, found.cost, found.sbom) == ("built", 0, 0.5, None)
    assert copied(tmp_path) == sorted(NAMES)
    assert all((tmp_path / "dist" / name).read_text() == name for name in NAMES)


@pytest.mark.parametrize(
    "values",
    [
        {"key": None},
        {"key": "b" * 64},
        {"cache_key": None},
        {"version": "1.0.1"},
        {"state": "failed"},
        {"unchanged_since": "v1.0.0"},
        {"code": "0" * 64},
        {"packages": []},
        {"packages": [{"file": "../one.tgz", "bytes": 1, "sha256": KEY}]},
    ],
    ids=str,
)
def test_another_input_or_an_incomplete_crate_is_built_again(
    take: Take, tmp_path: Path, values: dict[str, Any]
) -> None:
    assert take(**values) is None
    assert copied(tmp_path) == []


def test_a_missing_or_changed_package_is_built_again(take: Take, tmp_path: Path) -> None:
    (tmp_path / "earlier" / NAMES[2]).write_text("other")
    assert take() is None
    (tmp_path / "earlier" / NAMES[2]).unlink()
    assert take() is None
    assert copied(tmp_path) == []
