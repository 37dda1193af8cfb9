"""A fleet with built packages, and a GitHub test server for its release."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from generator.github_api.connection import commit_of, connection
from generator.github_api.retry import Retry
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.names import tarball_names
from generator.manifest.reading import load_manifest
from generator.manifest.settings import settings
from generator.planning.measurements import measured
from generator.planning.plan import make_plan
from generator.releases.complete_upload import upload
from generator.releases.github import GitHubReleases
from generator.releases.preparing import prepare
from generator.releases.publishing import publish
from generator.releases.transfers import TransferTimeouts
from generator.releases.uploading import packages_of
from generator.reports.merging import merge_directory, reports_below
from generator.reports.models import Artifact, CrateReport, Report
from tests.github_server import GitHubServer, Rules
from tests.github_server.starting import StartServer, servers
from tests.support import COMMAND, Ran, cratematrix

MANIFEST = """{"schema_version": 1, "fleet": {"npm_scope": "@demo", "slots": 2}, "crates": [
  {"name": "one", "version": "1.0.0", "kind": "napi", "source": {"registry": "one", "version": "1.0.0"}},
  {"name": "two", "version": "1.0.0", "kind": "bin", "source": {"registry": "two", "version": "1.0.0"}},
  {"name": "three", "version": "1.0.0", "kind": "wasm", "source": {"registry": "three", "version": "1.0.0"}},
  {"name": "four", "version": "1.0.0", "kind": "lib", "source": {"registry": "four", "version": "1.0.0"}}
]}
"""

QUIET = Retry(lambda _: None)


@dataclass(frozen=True)
class Fleet:
    """A manifest with the results of its shards in directories beside it, and the GitHub test server."""

    top: Path
    server: GitHubServer
    environment: Mapping[str, str] = field(repr=False)

    @property
    def manifest(self) -> Manifest:
        return load_manifest(self.top / "crates.json")

    @property
    def shards(self) -> list[Path]:
        """The shards' directories, each with a report and the packages beside it."""
        return sorted(each for each in (self.top / "shards").iterdir() if each.is_dir())

    def run(self, *words: str | Path, **environment: str) -> Ran:
        """Run a command of `cratematrix release`."""
        return cratematrix("release", *words, cwd=self.top, env={**self.environment, **environment})

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a command without waiting for it."""
        argv = [COMMAND, "release", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(argv, cwd=self.top, env={**self.environment}, text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def upload(self, number: str, shard: Path) -> Ran:
        """Upload a shard's packages without a noticeable rate limit."""
        return self.run("upload", "--release-id", number, "--out", shard, "--writes-per-minute", "6000")

    def drafted(self, tag: str = "v1.0.0") -> str:
        """Return the id of a draft, created in this process."""
        with self.releases() as releases:
            return str(prepare(releases, tag, self.head, "", False, QUIET).id)

    def uploaded(self, tag: str = "v1.0.0") -> str:
        """Return the id of a draft with every package."""
        number = self.drafted(tag)
        for shard in self.shards:
            with self.releases() as releases:
                upload(releases, int(number), packages_of(reports_below(shard), shard), 1, 6_000, QUIET)
        return number

    def published(self, tag: str = "v1.0.0") -> str:
        """Return the id of a published release."""
        number, reports = self.uploaded(tag), self.top / "shards"
        with self.releases() as releases:
            publish(releases, int(number), self.manifest, merge_directory(reports), "", reports, False, QUIET)
        return number

    def releases(self, timing: TransferTimeouts | None = None) -> closing[GitHubReleases]:
        """Open a client of the server in this process."""
        return closing(GitHubReleases(connection(self.environment), timing))

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return commit_of({}, self.top)

    def publish(self, number: str, *words: str) -> Ran:
        """Publish with the reports of all shards."""
        return self.run("publish", "--release-id", number, "--out", self.top / "shards", *words)


def build_shards(top: Path) -> None:
    """Write the results of jobs that built everything: small packages, the same for the same crate."""
    manifest = load_manifest(top / "crates.json")
    plan = make_plan(manifest)
    crates = {crate.name: crate for crate in manifest.crates}
    for shard in plan.shards:
        build_shard(top / f"shards/{shard.index:02}", manifest, [crates[name] for name in shard.crates], f"{shard.index}/{len(plan.shards)}")  # fmt: skip


def build_shard(out: Path, manifest: Manifest, crates: list[Crate], shard: str, attempt: int = 1) -> None:
    out.mkdir(parents=True, exist_ok=True)
    reports = [built(out, manifest, crate) for crate in crates]
    report = Report(
        backend=manifest.fleet.backend,
        isolated=True,
        shard=shard,
        run_attempt=attempt,
        seconds=1.0,
        crates=tuple(reports),
    )
    (out / f"report-{shard.partition('/')[0]}.json").write_text(report.model_dump_json())


def built(out: Path, manifest: Manifest, crate: Crate) -> CrateReport:
    own, packages = settings(manifest.fleet, crate), list[Artifact]()
    for name in tarball_names(crate, own, own.platforms, own.layout):
        content = f"package {name} of {crate.name}" * 99
        (out / name).write_text(content)
        packages.append(Artifact(file=name, bytes=len(content), sha256=hashlib.sha256(content.encode()).hexdigest()))
    return CrateReport(
        name=crate.name,
        version=crate.version,
        kind=crate.kind,
        state="built",
        cache_key=hashlib.sha256(crate.name.encode()).hexdigest(),
        package=packages[0] if packages else None,
        packages=tuple(packages),
        measurements=(measured(60, "standard", "local"),),
    )


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    with servers() as start:
        yield start


@pytest.fixture
def fleet(tmp_path: Path, start_server: StartServer) -> Fleet:
    return make_fleet(tmp_path / "fleet", start_server, MANIFEST)


def make_fleet(top: Path, start_server: StartServer, manifest: str, rules: Rules | None = None) -> Fleet:
    """Make a repository with one commit at GitHub, and the results of its shards."""
    top.mkdir()
    (top / "crates.json").write_text(manifest)
    git = ["git", "-c", "user.name=name", "-c", "user.email=name@localhost", "-C", str(top)]
    for words in (["init", "--quiet", "-b", "main"], ["add", "."], ["commit", "--quiet", "-m", "One"]):
        subprocess.run([*git, *words], check=True)  # noqa: TID251
    build_shards(top)
    server = start_server(rules, top)
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(top)}
    return Fleet(top, server, {**own, **server.environment})


def copy_reports(shards: Path, to: Path) -> Path:
    """Copy only the reports, each into its own directory, as `download-artifact` does."""
    for report in sorted(shards.rglob("report-*.json")):
        (to / report.stem).mkdir(parents=True)
        shutil.copy(report, to / report.stem)
    return to
