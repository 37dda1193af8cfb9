"""release.yml: a tag becomes a published release, also when a shard is killed on the way; a failing crate stops it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from generator import processes
from tests.acts.act import Act, Ran
from tests.acts.conftest import NAME
from tests.acts.packages import installed
from tests.acts.repositories import copy_of_checkout, dispatch, git, of_fleet, push, repository
from tests.github_server import GitHubServer, Release
from tests.support import entry, library, write_files

TAG = "v1.0.0"
KEY = "correct-horse-battery-staple"
# Prints a variable that it is given, on purpose, while it is compiled.
TALKATIVE = 'fn main() {\n    println!("cargo:warning=my key is {}", std::env::var("FLEET_KEY").unwrap());\n}\n'


@dataclass(frozen=True)
class Story:
    """A release whose first attempt lost a shard."""

    killed: Ran
    repeated: Ran
    draft: dict[str, str]
    """The names and digests on the draft after the first attempt."""


def digests(release: Release) -> dict[str, str]:
    return {asset.name: asset.sha256 or "" for asset in release.assets.values()}


@pytest.fixture(scope="module")
def fleet(top: Path, server: GitHubServer) -> Path:
    copy_of_checkout(top)
    write_files(top, {**library("talkative"), "talkative/build.rs": TALKATIVE})
    crates = [
        of_fleet("fleet-tally"),
        of_fleet("fleet-text"),
        of_fleet("fleet-cli"),
        entry("talkative", env=["FLEET_KEY"], expected_minutes=0.1),
    ]
    repository(top, crates)
    git(top, "tag", TAG)
    server.add_repository(NAME, source=top)
    return top


@pytest.fixture(scope="module")
def story(fleet: Path, act: Act, server: GitHubServer) -> Story:
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="write"), "FLEET_KEY": KEY}
    event = push(fleet, NAME, f"refs/tags/{TAG}")
    first = act.start(fleet, "release", event, secrets=secrets)
    first.find("build", "--shard=1/2").kill()
    killed = first.wait()
    (release,) = server.repository(NAME).releases.values()
    draft = digests(release)
    assert release.draft
    return Story(killed, act.run(fleet, "release", event, secrets=secrets, attempt=2), draft)


def test_a_killed_shard_leaves_a_draft_with_what_the_other_one_uploaded(story: Story) -> None:
    assert story.killed.code != 0
    assert story.killed.jobs == {"prepare": "success", "build": "failure", "upload": "success", "report": "failure"}
    assert list(story.draft) == ["fleet-fleet-cli-1.0.0.tgz"]


def test_the_repeated_run_publishes_the_same_release_once(story: Story, server: GitHubServer) -> None:
    jobs = ("prepare", "build", "upload", "publish", "report")
    assert story.repeated.jobs == dict.fromkeys(jobs, "success"), story.repeated.log[-5000:]
    (release,) = server.repository(NAME).releases.values()
    assert (release.tag, release.draft) == (TAG, False)
    assert story.draft.items() <= digests(release).items()
    uploads = [parse_qs(seen.query)["name"] for seen in server.requests if seen.path.startswith("/uploads/")]
    assert sorted(chain.from_iterable(uploads)) == [
        "SHA256SUMS",
        "fleet-fleet-cli-1.0.0.tgz",
        "fleet-fleet-text-0.2.0.tgz",
        "fleet.json",
    ]
    assert "Upload" not in story.repeated.steps("build")
    assert "Upload the packages" in story.repeated.steps("upload")


def test_the_published_files_have_the_digests_that_are_published_and_attested(
    story: Story, act: Act, server: GitHubServer, tmp_path: Path
) -> None:
    (release,) = server.repository(NAME).releases.values()
    for asset in release.assets.values():
        (tmp_path / asset.name).write_bytes(server.content(asset))
    said = processes.output(["sha256sum", "--check", "--strict", "SHA256SUMS"], timeout=600, cwd=tmp_path).decode()
    assert said.splitlines() == [f"{name}: OK" for name in sorted({*digests(release)} - {"SHA256SUMS"})]
    assert (act.kept / "attested/1").read_bytes() == (tmp_path / "SHA256SUMS").read_bytes()


def test_the_published_packages_install_by_url_and_work(story: Story, server: GitHubServer, tmp_path: Path) -> None:
    (release,) = server.repository(NAME).releases.values()
    packages = [name for name in digests(release) if name.endswith(".tgz")]
    installed(tmp_path, *(f"{server.url}/{NAME}/releases/download/{TAG}/{name}" for name in packages))
    words = 'console.log(require("@fleet/fleet-text").slug("Hello, World"))'
    assert processes.output(["node", "--eval", words], timeout=600, cwd=tmp_path) == b"hello-world\n"
    assert (
        processes.output(["npx", "--no-install", "fleet-cli", "1h30m", "45m"], timeout=600, cwd=tmp_path) == b"2h15m\n"
    )


def test_no_secret_is_in_a_log_or_in_what_a_run_keeps(story: Story, act: Act) -> None:
    kept = [path for path in (act.kept / "artifacts").rglob("*") if path.is_file()]
    texts = [story.killed.log, story.repeated.log, *(path.read_text(errors="replace") for path in kept)]
    assert "my key is ***" in story.repeated.log
    assert len(kept) >= 4
    assert [text for text in texts if KEY in text or "ghs_" in text] == []


def test_a_failing_crate_leaves_a_draft_and_the_report_says_which(
    act: Act, server: GitHubServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = copy_of_checkout(tmp_path_factory.mktemp("failing") / "repo")
    repository(top, [of_fleet("fleet-cli"), of_fleet("fleet-failing")])
    name = "octo-org/failing"
    server.add_repository(name, source=top)
    secrets = {"GITHUB_TOKEN": server.add_token(name, contents="write")}
    ran = act.of(name).run(top, "release", dispatch(top, name, tag="v2.0.0"), secrets=secrets, run=2)
    jobs = {"prepare": "success", "build": "failure", "upload": "success", "report": "failure"}
    assert ran.jobs == jobs, ran.log[-5000:]
    (release,) = server.repository(name).releases.values()
    assert (release.tag, release.draft, [*digests(release)]) == ("v2.0.0", True, ["fleet-fleet-cli-1.0.0.tgz"])
    assert server.repository(name).git.refs().keys() == {"refs/heads/main"}
    assert "fleet-failing" in ran.summary("report")
    assert "2 crates: 1 built, 1 failed" in ran.said("report")
