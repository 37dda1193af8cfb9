"""The sessions about E2B, releases, GitHub servers and npm, all typed in one repository whose crates are built at E2B."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.toolchain.host import find_host_toolchain
from generator.versions import versions
from tests.builds.scripted import NPM, env_of, prepared, report_of, scripted_npm, scripted_programs
from tests.documentation.pages import spans
from tests.documentation.registry import Registry, npm_registry
from tests.documentation.sessions import (
    AT_E2B,
    FIRST_RELEASE,
    NEXT_RELEASE,
    OWN_GITHUB,
    OWN_REGISTRY,
    PUBLISH_BUILT,
    PUBLISH_RELEASED,
    RELEASE,
    RESUMED,
    TAG,
    UNCHANGED,
    WORKFLOWS,
    typed,
)
from tests.e2b_server import E2BServer
from tests.e2b_server import Rules as E2BRules
from tests.github_server import GitHubServer, Rules
from tests.repositories import git
from tests.support import TOP

VERIFIED = "v1.0.0: 2 packages, all verified"
DOWNLOAD = "gh release download v1.0.0 --pattern '*.tgz' --pattern fleet.json --dir release"


@dataclass(frozen=True)
class Released:
    """A repository with a release, and the services that know it; `said` is what the commands printed."""

    top: Path
    e2b: E2BServer
    github: GitHubServer
    said: str

    def type(self, text: str, **variables: str) -> str:
        env = {**self.github.environment, **env_of(self.e2b, self.top.parent)}
        return typed(text, self.top, **{**env, **variables})


def fleet(tmp: Path) -> Path:
    """A repository of two libraries and one program, at a commit that its origin has too."""
    top = scripted_programs(tmp / "repo", 3, layout="split", slots=30, action="you/cratematrix@v1")
    manifest = json.loads((top / "crates.json").read_text())
    for crate in manifest["crates"][:2]:
        crate["kind"] = "lib"
        (top / crate["name"] / "src/main.rs").rename(top / crate["name"] / "src/lib.rs")
    (top / "crates.json").write_text(json.dumps(manifest))
    prepared(top, f"{NPM}:{find_host_toolchain(os.environ).path}")
    git(tmp, "init", "--quiet", "--bare", "origin")
    git(top, "remote", "add", "origin", str(tmp / "origin"))
    typed(WORKFLOWS.text(), top)
    git(top, "commit", "--quiet", "--message", "first")
    typed(TAG.text({"v0.1.0": "v1.0.0"}), top)
    return top


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """Type what leads from a push to the first release."""
    tmp = tmp_path_factory.mktemp("released")
    top = fleet(tmp)
    limits = Rules(limits=False)
    with (
        E2BServer(E2BRules(build_seconds=0.1), binds=[scripted_npm(tmp / "npm")]) as e2b,
        GitHubServer(limits, "you/words", tmp / "origin") as github,
    ):
        made = Released(top, e2b, github, "")
        said = made.type(AT_E2B.text({"e2b_...": e2b.rules.api_key}))
        yield Released(top, e2b, github, said + made.type(RELEASE.text()))
        assert (e2b.running(), e2b.violations, github.violations) == ((), [], [])


@pytest.fixture
def registry() -> Iterator[Registry]:
    with npm_registry() as registry:
        yield registry


def test_the_image_is_built_and_a_fleet_in_it_and_the_release_is_whole(released: Released) -> None:
    assert "is ready" in released.said
    assert VERIFIED in released.said
    assert [crate["state"] for crate in report_of(released.top)["crates"]] == ["built"] * 3
    (reap,) = [span for span in spans(TOP / "docs/e2b.md") if span.startswith("cratematrix reap")]
    assert "0 sandboxes" in released.type(reap.replace("ID", report_of(released.top)["run"]))


def test_newer_versions_of_the_tools_are_named(registry: Registry, tmp_path: Path) -> None:
    """As far as registries answer: here it is npm's alone, and for Node."""
    registry.versions["node"] = (versions().node, "9999.0.0")
    (command,) = [span for span in spans(TOP / "docs/e2b.md") if span.startswith("cratematrix template outdated")]
    nowhere = {"PIP_INDEX_URL": registry.url, "https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    said = typed(command, tmp_path, **registry.settings(tmp_path / ".npmrc"), **nowhere)
    assert re.search(rf"^node +{re.escape(versions().node)} .* 9999.0.0 +newer line$", said, re.MULTILINE)


def test_a_release_is_checked_as_its_users_would(released: Released) -> None:
    assert VERIFIED in released.type(FIRST_RELEASE.text({"v0.1.0": "v1.0.0"}), GITHUB_TOKEN="")
    own = {"https://github.example.com/api/v3": released.github.url}
    assert VERIFIED in released.type(OWN_GITHUB.text(own), GITHUB_TOKEN="", GITHUB_API_URL="", GITHUB_REPOSITORY="")


@pytest.mark.parametrize("of", ["dist", "release"])
def test_packages_are_published_with_the_root_last(
    released: Released, registry: Registry, tmp_path: Path, of: str
) -> None:
    if of == "dist":
        text = PUBLISH_BUILT.text()
    else:
        files = [file.name for file in (released.top / "dist").glob("*.tgz")] + ["fleet.json"]
        address = f"{released.github.url}/you/words/releases/download/v1.0.0"
        fetched = [f"curl -sSfL -o release/{each} {address}/{each}" for each in files]
        text = PUBLISH_RELEASED.text({DOWNLOAD: "\n".join(["mkdir release", *fetched])})
    released.type(text, **registry.settings(tmp_path / ".npmrc"))
    dist = released.top / "dist"
    names = {"@f/c2-linux-x64-gnu": "f-c2-linux-x64-gnu-1.0.0.tgz", "@f/c2": "f-c2-1.0.0.tgz"}
    assert registry.published == [(name, (dist / file).read_bytes()) for name, file in names.items()]


def test_a_registry_is_named_on_the_command_line(released: Released, registry: Registry, tmp_path: Path) -> None:
    own = {"http://localhost:4873": registry.url, "you-hello-0.1.0": "f-c2-1.0.0"}
    settings = registry.settings(tmp_path / ".npmrc")
    (tmp_path / ".npmrc").write_text((tmp_path / ".npmrc").read_text().partition("\n")[2])
    released.type(OWN_REGISTRY.text(own), **settings)
    assert [name for name, _ in registry.published] == ["@f/c2"]


def test_the_next_release_builds_what_changed_and_goes_on_where_it_was(released: Released, tmp_path: Path) -> None:
    """Twice, each time on a machine of its own: the second one has only what the first one left on the draft."""
    (released.top / "c2/src/main.rs").write_text("// changed\n")
    assert UNCHANGED.text() == NEXT_RELEASE.text({"   # or each shard": ""})
    before = len(released.e2b.created())
    machine = {"CRATEMATRIX_BUILD_BACKEND": "e2b", "CRATEMATRIX_BUILD_OUT": str(tmp_path / "dist")}
    machine["XDG_CACHE_HOME"] = str(tmp_path / "first")
    shard = NEXT_RELEASE.text({"--all": "--shard 3/30"})
    upload = f'cratematrix release upload --release-id "$id" --writes-per-minute 6000 --out {tmp_path}/dist'
    released.type(f'{shard}\n{upload}\necho "$id" >{tmp_path}/id', **machine)
    assert [record.metadata["crate"] for record in released.e2b.created()[before:]] == ["c2"]
    shutil.rmtree(tmp_path / "dist")
    machine["XDG_CACHE_HOME"] = str(tmp_path / "other")
    released.type(f"id=$(cat {tmp_path}/id)\n{RESUMED.text()}", **machine)
    assert len(released.e2b.created()) == before + 1
    (crate,) = json.loads((tmp_path / "dist/report-3.json").read_text())["crates"]
    assert (crate["name"], crate["state"], crate["attempts"]) == ("c2", "built", 0)
