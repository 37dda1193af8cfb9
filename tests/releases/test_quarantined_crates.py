"""A release of a fleet with broken crates: only a quarantine that holds lets it be published without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.markdown import code, escape
from generator.releases.complete_upload import upload
from generator.releases.uploading import packages_of
from generator.reports.merging import reports_below
from tests.github_server import Rules
from tests.github_server.starting import StartServer
from tests.releases.conftest import MANIFEST, QUIET, Fleet, make_fleet
from tests.support import TOP

FAILURE = {
    "class": "permanent", "phase": "compile", "message": "cannot find type `Sender` in this scope (E0412)",
    "file": "src/lib.rs", "line": 12, "exit_code": 101,
}  # fmt: skip
LINE = "src/lib.rs:12: cannot find type `Sender` in this scope (E0412)"
REASON = "its author ports it to tokio 2"


def fleet_of_110() -> dict[str, Any]:
    """Return the manifest of the 110 crates, each with a package and without sources in a checkout."""
    manifest: dict[str, Any] = json.loads((TOP / "crates.json").read_text())
    manifest["fleet"] |= {"release_tags": "v*"}
    for crate in manifest["crates"]:
        crate["source"] = {"registry": crate["name"], "version": crate["version"]}
        crate["kind"] = "bin" if crate["kind"] == "lib" else crate["kind"]
    return manifest


def break_crates(fleet: Fleet, *names: str) -> None:
    """Let the builds of these crates fail: their shards report it, and have no package of them."""
    for report in (fleet.top / "shards").rglob("report-*.json"):
        data = json.loads(report.read_text())
        for crate in (each for each in data["crates"] if each["name"] in names):
            for package in crate["packages"]:
                (report.parent / package["file"]).unlink()
            crate |= {"state": "failed", "package": None, "packages": [], "failure": FAILURE}
        report.write_text(json.dumps(data))


def with_quarantines(fleet: Fleet, last_days: Mapping[str, str]) -> str:
    """Write the fleet's manifest with quarantines, and return its path."""
    manifest = json.loads((fleet.top / "crates.json").read_text())
    for crate in manifest["crates"]:
        if until := last_days.get(crate["name"]):
            crate["quarantine"] = {"reason": REASON, "until": until}
    (fleet.top / "quarantined.json").write_text(json.dumps(manifest))
    return "quarantined.json"


def upload_all(fleet: Fleet, number: str) -> None:
    for shard in fleet.shards:
        with fleet.releases() as releases:
            upload(releases, int(number), packages_of(reports_below(shard), shard), 1, 6_000, QUIET)


def test_three_broken_crates_of_110_keep_a_draft_until_they_are_in_quarantine(
    tmp_path: Path, start_server: StartServer
) -> None:
    manifest = fleet_of_110()
    fleet = make_fleet(tmp_path / "fleet", start_server, json.dumps(manifest), Rules(limits=False))
    scope = manifest["fleet"]["npm_scope"].removeprefix("@")
    broken = {crate["name"]: f"{scope}-{crate['name']}-{crate['version']}.tgz" for crate in manifest["crates"][40:43]}
    break_crates(fleet, *broken)
    number = fleet.run("prepare", "--tag", "v1.0.0").out.strip()
    upload_all(fleet, number)
    release = fleet.server.repository().releases[int(number)]
    draft = release.body
    refused = (
        f"error: release {number} of v1.0.0 does not have the expected assets; it stays a draft\n"
        "  fix: build and upload missing packages, delete unexpected assets, and publish again\n"
    )

    ran = fleet.publish(number)
    failed = [f"{file} is expected, but {name} is failed: {FAILURE['message']}" for name, file in broken.items()]
    assert (ran.code, ran.err) == (1, "\n".join([*sorted(failed), refused]))

    ran = fleet.publish(number, "--manifest", with_quarantines(fleet, dict.fromkeys(broken, "2000-01-01")))
    late = [f"{each}; its quarantine ended on 2000-01-01" for each in failed]
    assert (ran.code, ran.err) == (1, "\n".join([*sorted(late), refused]))
    assert (release.draft, release.body, len(release.assets)) == (True, draft, 107)

    path = with_quarantines(fleet, dict.fromkeys(broken, "9999-12-31"))
    ran = fleet.publish(number, "--manifest", path)
    without = [f"without {name}, in quarantine until 9999-12-31: {REASON}" for name in sorted(broken)]
    assert (ran.code, ran.err.splitlines()) == (0, [*without, "v1.0.0: complete, and published"])
    assert (release.draft, len(release.assets)) == (False, 107 + 2)  # and the report and the index
    text = release.body or ""
    assert text.count("npm install --allow-remote=root") == 107 + 1  # one is the example
    assert text.count("SHA-256 `") == 107
    assert "This release is without 3 crates that failed:\n" in text
    for crate in manifest["crates"][40:43]:
        words = escape(f"until 9999-12-31: {REASON}")
        assert f"- **{escape(crate['name'])}** {crate['version']}, {words}\n  - {code(LINE)}\n" in text

    ran = fleet.run("verify", "--tag", "v1.0.0", "--manifest", path)
    names = ", ".join(sorted(broken))
    assert (ran.code, ran.err) == (0, f"v1.0.0: 107 packages, all verified; without {names} in quarantine\n")
    ran = fleet.run("verify", "--tag", "v1.0.0")
    assert (ran.code, ran.err.count("is not on the release")) == (1, 3)


@pytest.fixture
def fleet(tmp_path: Path, start_server: StartServer) -> Fleet:
    return make_fleet(tmp_path / "fleet", start_server, MANIFEST)


def test_the_results_for_programs_name_the_crates(fleet: Fleet) -> None:
    break_crates(fleet, "two")
    number, path = fleet.uploaded(), with_quarantines(fleet, {"two": "9999-12-31", "four": "9999-12-31"})
    published = json.loads(fleet.publish(number, "--manifest", path, "--json").out)
    assert (published["draft"], published["quarantined"]) == (False, ["two"])
    verified = json.loads(fleet.run("verify", "--tag", "v1.0.0", "--manifest", path, "--json").out)
    assert verified == {"tag": "v1.0.0", "packages": 2, "absent": ["two"], "index": True}


def test_a_quarantine_excuses_only_a_failure(fleet: Fleet) -> None:
    """A package that was built is expected, and an asset of a crate that failed now is not."""
    number, path = fleet.uploaded(), with_quarantines(fleet, {"one": "9999-12-31", "two": "9999-12-31"})
    break_crates(fleet, "two")
    release = fleet.server.repository().releases[int(number)]
    one = release.named("demo-one-1.0.0.tgz")
    assert one is not None
    with fleet.releases() as releases:
        releases.delete(next(each for each in releases.assets(int(number)) if each.id == one.id))
    ran = fleet.publish(number, "--manifest", path)
    assert (ran.code, ran.err.splitlines()[:2], release.draft) == (
        1,
        ["demo-one-1.0.0.tgz is missing on the release", "demo-two-1.0.0.tgz is on the release, but not expected"],
        True,
    )


def test_a_crate_without_a_report_is_expected_in_quarantine_too(fleet: Fleet) -> None:
    number, path = fleet.uploaded(), with_quarantines(fleet, {"one": "9999-12-31"})
    for report in (fleet.top / "shards").rglob("report-*.json"):
        data = json.loads(report.read_text())
        data["crates"] = [crate for crate in data["crates"] if crate["name"] != "one"]
        report.write_text(json.dumps(data))
    ran = fleet.publish(number, "--manifest", path)
    assert ran.code == 1
    assert ran.err.startswith("demo-one-1.0.0.tgz is expected, but no report has one\n")


def test_a_release_without_any_package_is_not_published(fleet: Fleet) -> None:
    names = ("one", "two", "three")
    break_crates(fleet, *names)
    number, path = fleet.uploaded(), with_quarantines(fleet, dict.fromkeys(names, "9999-12-31"))
    ran = fleet.publish(number, "--manifest", path)
    assert ran.code == 1
    assert ran.err.startswith("every crate with a package failed in quarantine, so there is nothing to publish\n")
    assert fleet.server.repository().releases[int(number)].draft


def test_a_package_of_a_crate_in_quarantine_is_verified_if_it_is_there(fleet: Fleet) -> None:
    number, path = fleet.published(), with_quarantines(fleet, {"one": "9999-12-31", "two": "2000-01-01"})
    right = fleet.run("verify", "--tag", "v1.0.0", "--manifest", path)
    assert (right.code, right.err) == (0, "v1.0.0: 3 packages, all verified\n")
    release = fleet.server.repository().releases[int(number)]
    one, two = (release.named(f"demo-{name}-1.0.0.tgz") for name in ("one", "two"))
    assert one is not None
    assert two is not None
    stored = fleet.server._api.assets.path(one)
    stored.write_bytes(stored.read_bytes().swapcase())
    del release.assets[two.id]
    wrong = fleet.run("verify", "--tag", "v1.0.0", "--manifest", path)
    assert wrong.code == 1
    assert wrong.err.splitlines()[:-1] == [
        "demo-one-1.0.0.tgz has a different SHA-256 on the release",
        "demo-two-1.0.0.tgz is not on the release",
        "demo-one-1.0.0.tgz has another size or SHA-256 in fleet.json",
    ]
