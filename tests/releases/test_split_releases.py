"""A release of the layout `split`: every platform's package is expected, except skipped ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, Fleet, make_fleet

SKIPPED = "demo-one-win32-x64-msvc-1.0.0.tgz"


@pytest.fixture
def fleet(tmp_path: Path, start_server: StartServer) -> Fleet:
    """A fleet in which one platform of one crate was not built."""
    made = make_fleet(tmp_path / "fleet", start_server, MANIFEST.replace('"slots"', '"layout": "split", "slots"'))
    (package,) = made.top.rglob(SKIPPED)
    package.unlink()
    (report,) = package.parent.glob("report-*.json")
    data = json.loads(report.read_text())
    (crate,) = (each for each in data["crates"] if each["name"] == "one")
    crate["packages"] = [each for each in crate["packages"] if each["file"] != SKIPPED]
    crate["units"] = [{"platform": "win32-x64-msvc", "state": "skipped", "reason": "no linker"}]
    report.write_text(json.dumps(data))
    return made


def test_skipped_platforms_are_not_expected_and_all_others_are(fleet: Fleet) -> None:
    number = fleet.uploaded()
    ran = fleet.publish(number)
    assert ran.code == 0, ran.err
    assets = fleet.server.repository().releases[int(number)].assets.values()
    names = {asset.name for asset in assets}
    # Seven of the addon minus one, seven of the programs, one of the wasm module, fleet.json and SHA256SUMS.
    assert len(names) == 7 + 7 + 1 + 2
    assert {"demo-one-1.0.0.tgz", "demo-one-wasm32-wasi-1.0.0.tgz", "demo-two-darwin-arm64-1.0.0.tgz"} < names
    assert SKIPPED not in names
    checked = fleet.run("verify", "--tag", "v1.0.0", GITHUB_TOKEN="")
    assert (checked.code, checked.err) == (0, "v1.0.0: 15 packages, all verified\n")


def test_a_platform_missing_without_a_reason_keeps_the_release_a_draft(fleet: Fleet) -> None:
    number = fleet.uploaded()
    for report in (fleet.top / "shards").rglob("report-*.json"):
        report.write_text(report.read_text().replace('"skipped"', '"not_run"'))
    ran = fleet.publish(number)
    assert (ran.code, f"{SKIPPED} is expected, but one was built as" in ran.err) == (1, True), ran.err
