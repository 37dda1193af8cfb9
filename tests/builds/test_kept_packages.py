"""Packages that one run keeps for later ones: reused if they are as reported, and else built again."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from generator.builds.earlier import code_digest, earlier_builds, earlier_report
from generator.builds.earlier import keep as keep_packages
from generator.files.directory import Directory
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.reports.models import Artifact, CrateReport, Report
from tests.builds.commands import ADDON, addon, build
from tests.builds.scripted import packages
from tests.conftest import MakeRepository
from tests.support import Ran, cratematrix, entry, write_files

TARBALL = "demo-demo-1.0.0.tgz"


@pytest.fixture
def repository_of_demo(repository: MakeRepository) -> Path:
    crate = entry("demo", kind="napi", commands={"build": ADDON}, tests=False, env=["FLAG"])
    return repository([crate], addon("index.js", "exports.x = 1"))


def on_another_runner(top: Path, kept: Path, **env: str) -> tuple[int, str]:
    """Build with an empty output directory and build cache; return the number of attempts and the log."""
    shutil.rmtree(top / "dist")
    shutil.rmtree(kept.parent / "cache/cratematrix/builds", ignore_errors=True)
    ran = build(top, "--all", "--reuse", str(kept), XDG_CACHE_HOME=str(kept.parent / "cache"), **env)
    assert ran.code == 0, ran.err
    (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
    return crate["attempts"], (top / "dist/logs/demo.log").read_text()


def keep(top: Path, kept: Path) -> Ran:
    return cratematrix("report", "--keep", str(kept), cwd=top)


@pytest.mark.attack("a kept package with another digest is never used, nor one of the build cache")
def test_kept_packages_are_reused_only_as_reported(repository_of_demo: Path, tmp_path: Path) -> None:
    top, kept = repository_of_demo, tmp_path / "kept"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert build(top, "--all", **cache).code == 0
    first = packages(top / "dist")
    (top / "dist" / TARBALL).write_bytes(b"other")
    assert "reused" not in build(top, "--all", **cache).err
    assert packages(top / "dist") == first
    # As download-artifact leaves them, beside those of an attempt that failed.
    for attempt in ("packages-1-1", "packages-1-2"):
        (top / "dist" / attempt).mkdir()
    (top / "dist/packages-1-1" / TARBALL).write_bytes(b"of an earlier attempt")
    (top / "dist" / TARBALL).rename(top / "dist/packages-1-2" / TARBALL)
    assert "packages of 1 crate kept in" in keep(top, kept).err
    assert sorted(path.name for path in (kept / "demo").iterdir()) == [TARBALL, "report.json", "sbom"]

    attempts, log = on_another_runner(top, kept)
    assert (attempts, packages(top / "dist")) == (0, first)
    assert "reused from an earlier run: the input has not changed" in log
    assert (top / "dist/sbom/demo.cdx.json").is_file()
    # The build cache has no such crate, so that it is taken from there again.
    assert "packages of 1 crate kept in" in keep(top, tmp_path / "again").err

    (kept / "demo" / TARBALL).write_bytes(b"other")
    assert on_another_runner(top, kept)[0] == 1
    assert packages(top / "dist") == first


KEY = "a" * 64
CONTENT = {TARBALL: b"a package", "sbom/demo.cdx.json": b"an SBOM"}
FILES = {name: Artifact(file=name, bytes=len(c), sha256=hashlib.sha256(c).hexdigest()) for name, c in CONTENT.items()}
REPORT = CrateReport(
    name="demo", version="1.0.0", kind="napi", state="built", attempts=2, seconds=9.0, cache_key=KEY,
    package=FILES[TARBALL], packages=(FILES[TARBALL],), sbom=FILES["sbom/demo.cdx.json"],
)  # fmt: skip


def kept_of(top: Path, report: CrateReport = REPORT) -> tuple[Path, int]:
    """Keep the packages of a report, which lie as download-artifact leaves them; return the number of crates."""
    write_files(top / "dist", {f"packages-1-1/{name}": content.decode() for name, content in CONTENT.items()})
    whole = Report(backend="local", isolated=True, seconds=1.0, code=code_digest(), crates=(report,))
    with Directory.open_trusted(top / "dist") as out:
        return top / "kept", keep_packages(top / "kept", whole, out)


def taken(top: Path, key: str | None = KEY, **crate: str) -> CrateReport | None:
    """Take the packages into an empty directory; None if they are not taken."""
    entry = {"name": "demo", "version": "1.0.0", "kind": "napi", "source": {"path": "demo"}, **crate}
    manifest = Manifest.model_validate_json(
        json.dumps({"schema_version": 1, "fleet": {"npm_scope": "@demo"}, "crates": [entry]})
    )
    earlier, (own,) = earlier_builds(top / "kept", lambda _: None).get("demo"), manifest.crates
    with Directory.open_trusted(top / "new") as out:
        return earlier_report(own, settings(manifest.fleet, own), key, earlier, out)


def test_what_is_kept_is_taken_with_its_report(tmp_path: Path) -> None:
    kept, number = kept_of(tmp_path)
    assert (number, [*earlier_builds(kept, pytest.fail)]) == (1, ["demo"])
    assert taken(tmp_path) == REPORT.model_copy(update={"attempts": 0, "seconds": 0.0})
    assert {name: (tmp_path / "new" / name).read_bytes() for name in CONTENT} == CONTENT


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (TARBALL, "a packagE"),
        (TARBALL, "a package and more"),
        (TARBALL, ""),
        (TARBALL, None),
        ("report.json", "{"),
        ("report.json", None),
    ],
)
@pytest.mark.attack("a kept package that is not as reported is never used")
def test_what_is_not_as_reported_is_not_taken(tmp_path: Path, file: str, content: str | None) -> None:
    kept, _ = kept_of(tmp_path)
    (kept / "demo" / file).unlink()
    if content is not None:
        (kept / "demo" / file).write_text(content)
    assert taken(tmp_path) is None


@pytest.mark.parametrize("content", ["an sbom", None])
def test_an_sbom_that_is_not_as_reported_is_left_out(tmp_path: Path, content: str | None) -> None:
    kept, _ = kept_of(tmp_path)
    (kept / "demo/sbom/demo.cdx.json").unlink()
    if content is not None:
        (kept / "demo/sbom/demo.cdx.json").write_text(content)
    found = taken(tmp_path)
    assert found is not None
    assert found.sbom is None
    assert not (tmp_path / "new/sbom").exists()


def test_links_other_keys_and_other_crates_are_not_taken(tmp_path: Path) -> None:
    kept, _ = kept_of(tmp_path)
    assert taken(tmp_path, "b" * 64) is taken(tmp_path, None) is taken(tmp_path, version="1.0.1") is None
    assert taken(tmp_path, npm_name="@demo/other") is None
    (kept / "demo" / TARBALL).rename(tmp_path / "elsewhere")
    (kept / "demo" / TARBALL).symlink_to(tmp_path / "elsewhere")
    assert taken(tmp_path) is None


@pytest.mark.parametrize("changed", [{"cache_key": None}, {"state": "failed"}, {"unchanged_since": "v1.0.0"}])
def test_only_built_crates_with_a_public_key_are_kept(tmp_path: Path, changed: dict[str, str | None]) -> None:
    assert kept_of(tmp_path, REPORT.model_copy(update=changed))[1] == 0
    assert taken(tmp_path) is None


def test_a_crate_that_is_kept_again_loses_its_old_files(tmp_path: Path) -> None:
    kept, _ = kept_of(tmp_path)
    old = {"demo/demo-demo-0.9.0.tgz": "old", "demo/sbom/old.cdx.json": "{}", "other/report.json": "{}"}
    write_files(kept, old)
    kept_of(tmp_path)
    assert sorted(path.name for path in (kept / "demo").iterdir()) == [TARBALL, "report.json", "sbom"]
    assert [path.name for path in (kept / "demo/sbom").iterdir()] == ["demo.cdx.json"]
    assert (kept / "other/report.json").is_file()
