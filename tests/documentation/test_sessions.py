"""Sessions of the documentation, each run once for real as a reader types them."""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
from pathlib import Path

import pytest

from tests.documentation.sessions import (
    ANEW,
    CHANGES,
    COMPLETION,
    ENVIRONMENT,
    FIRST_COMMIT,
    FIRST_PACKAGE,
    GIT_INSTALL,
    INSTALL,
    ON_MACOS,
    PLAN_FILE,
    PRIVATE_INDEX,
    QUICK_START,
    SHORT_START,
    VENDORED,
    typed,
)
from tests.layouts.registry import NAME, served_registry
from tests.repositories import git
from tests.support import TOP, entry, git_repository, library, write_files


def test_from_clone_to_first_package(tmp_path: Path) -> None:
    use = tmp_path / "use"
    use.mkdir()
    lines = FIRST_PACKAGE.text({"npm install": f"cd {use}\nnpm install", "/path/to": str(tmp_path)})
    assert "Hello, world!" in typed(lines, tmp_path)


def test_the_first_commit_of_another_repository(tmp_path: Path) -> None:
    top = git_repository(write_files(tmp_path / "top", library("one")))
    typed(FIRST_COMMIT.text({"OWNER/": "you/"}), top)
    assert "you/cratematrix@v1" in (top / ".github/workflows/cratematrix-build.yml").read_text()


def test_a_branch_builds_what_it_changed(tmp_path: Path) -> None:
    manifest = '{"schema_version": 1, "fleet": {"npm_scope": "@you"}, "crates": [%s]}'
    crates = ", ".join(
        f'{{"name": "{each}", "kind": "lib", "source": {{"path": "{each}"}}}}' for each in ("one", "two")
    )
    top = git_repository(
        write_files(tmp_path / "top", library("one") | library("two") | {"crates.json": manifest % crates})
    )
    git(top, "commit", "--quiet", "--message", "first")
    git(top, "branch", "--move", "main")
    write_files(top, {"two/src/lib.rs": "// changed\n"})
    shown = typed(CHANGES.text(), top)
    assert "two" in shown
    assert "1 of 2" in shown or "two/src/lib.rs changed" in shown


def test_the_quick_start_and_what_its_manifest_is_good_for(tmp_path: Path) -> None:
    top = git_repository(write_files(tmp_path / "top", library("one")))
    own = {"HOME": str(tmp_path / "home"), "CRATEMATRIX_INIT_ACTION": "you/cratematrix@v1"}
    assert SHORT_START.text() == QUICK_START.text()
    typed(QUICK_START.text(), top, **own)
    assert (top / ".github/workflows/cratematrix-release.yml").exists()
    for session in (ANEW, ON_MACOS):
        typed(session.text(), top, **own)
        (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
        assert (crate["state"], crate["attempts"]) == ("built", 1), session
    typed(PLAN_FILE.text({"1/30": "1/1"}), top, **own)
    assert json.loads((top / "dist/report.json").read_text())["shard"] is None


def test_a_dependency_from_a_registry_of_the_network_and_then_without_it(tmp_path: Path) -> None:
    manifest = {
        "schema_version": 1,
        "fleet": {"npm_scope": "@you", "platforms": ["linux-x64-gnu"]},
        "crates": [entry("one")],
    }
    files = library(
        "one",
        f"pub use {NAME.replace('-', '_')}::digest;",
        f'[dependencies]\n{NAME} = {{ version = "1", registry = "company" }}\n',
    )
    top = write_files(tmp_path / "top", files | {"crates.json": json.dumps(manifest)})
    (top / "one/Cargo.lock").unlink()
    with served_registry() as variables:
        (address,) = variables.values()
        index = {"CARGO_REGISTRIES_COMPANY_INDEX": address}
        typed("cargo generate-lockfile", top / "one", **index)
        git_repository(top)
        typed(PRIVATE_INDEX.text({"sparse+https://crates.example.com/": address}), top)
        typed(VENDORED.text(), top / "one", **index)
    shutil.rmtree(top / "dist")
    typed("cratematrix build --all", top, **index)  # the registry is gone
    (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
    assert (crate["state"], crate["attempts"]) == ("built", 1)


@pytest.mark.slow
def test_pip_installs_the_command_and_init_takes_the_commit_that_pip_wrote_down(tmp_path: Path) -> None:
    """The packages that it needs are those of this environment: a test downloads none of them again."""
    parts = ("generator", "templates", "e2b", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
    source = tmp_path / "cratematrix"
    source.mkdir()
    for name in parts:
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        copy(TOP / name, source / name)
    git(git_repository(source), "commit", "--quiet", "--message", "first")
    home, commit = tmp_path / "home", git(source, "rev-parse", "HEAD")
    own = {"HOME": str(home), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    made, *rest = ENVIRONMENT.text().splitlines()
    typed(made, source, **own)
    (packages,) = home.glob(".local/share/cratematrix/lib/python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    mirror = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{source}.insteadOf"}
    mirror["GIT_CONFIG_VALUE_0"] = "https://github.com/you/cratematrix"
    own["PATH"] = f"{home}/.local/share/cratematrix/bin:{os.environ['PATH']}"
    typed(GIT_INSTALL.text({"OWNER": "you", "REF": commit}), tmp_path, **own, **mirror)
    top = git_repository(write_files(tmp_path / "top", library("one")))
    typed("cratematrix init --scope @you", top, **own)
    assert json.loads((top / "crates.json").read_text())["fleet"]["action"] == f"you/cratematrix@{commit}"
    assert "cratematrix, version" in typed("\n".join(rest), source, **own)
    typed(INSTALL.text(), source, **own)


def test_each_shell_gets_its_completion(tmp_path: Path) -> None:
    bash, zsh, fish = COMPLETION.text().splitlines()
    assert "cratematrix" in typed(f"{bash}\ncomplete -p cratematrix", tmp_path)
    assert "compdef" in typed(zsh.removeprefix('eval "$(').removesuffix(')"'), tmp_path)
    assert "complete --no-files --command cratematrix" in typed(fish.removesuffix(" | source"), tmp_path)
