"""A layout's way through the commands, each as its user types it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generator.errors import CratematrixError
from generator.manifest.reading import load_manifest
from generator.processes import run
from tests.layouts import Layout
from tests.repositories import git
from tests.support import TOP, Ran, cratematrix

# A build may wait for others on the same machine.
SECONDS: Final = 2400
# What `init` asks on a terminal; each question has an option.
ANSWERS: Final = ("--scope", "@layouts", "--action", "you/cratematrix@v1", "--platforms", "linux-x64-gnu,wasm32")
INSTALL: Final = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


class NotRun(CratematrixError):
    """A machine lacks what a layout needs."""


@dataclass(frozen=True)
class Repository:
    """A copy of a layout, the directory for its results, and the variables of all commands."""

    layout: Layout
    top: Path
    out: Path
    environment: Mapping[str, str]

    def run(self, words: list[str], directory: str = ".") -> str:
        """Return what a program prints; CratematrixError with the end of its messages when it fails."""
        done = run(words, timeout=SECONDS, cwd=self.top / directory, env=self.environment)
        return _output(words, Ran(done.exit_code, done.stdout.decode(errors="replace"), done.stderr))

    def cratematrix(self, *words: str) -> str:
        """Return what a command of cratematrix prints."""
        return _output([*words], cratematrix(*words, cwd=self.top, env=self.environment))


def _output(words: list[str], ran: Ran) -> str:
    if ran.code != 0:
        said = " / ".join(line for line in ran.err.strip().splitlines()[-6:] if line.strip())
        raise CratematrixError(f"{shlex.join(words[:3])} ended with {ran.code}: {said or ran.out[-300:]!r}")
    return ran.out


def copy_of(layout: Layout, top: Path) -> None:
    """Copy a layout's files into a new repository, without lock files."""
    shutil.copytree(TOP / "tests/layouts" / layout.name, top)
    for directory in (*layout.submodules, "."):
        git(top / directory, "init", "--quiet")
        git(top / directory, "-c", "advice.addEmbeddedRepo=false", "add", "--all")
        git(top / directory, "commit", "--quiet", "--message", "all")


def write_locks(repository: Repository) -> None:
    """Write and commit the lock files; Cargo's begin with the versions of the sample fleet's.

    Cargo runs outside of the repository, whose channel of Rust may not be there.
    """
    layout, top = repository.layout, repository.top
    for directory in layout.cargo_locks:
        shutil.copy(TOP / "tests/fleet/Cargo.lock", top / directory)
        repository.run(["cargo", "update", "--workspace", "--manifest-path", str(top / directory / "Cargo.toml")], "..")
    for directory, command in layout.npm_locks.items():
        repository.run(shlex.split(command), directory)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "locks")


def _init(repository: Repository) -> None:
    repository.cratematrix("init", *ANSWERS, *repository.layout.answers)
    manifest = load_manifest(repository.top / "crates.json")
    found = {each.name: each.kind for each in manifest.crates}
    if found != repository.layout.crates:
        raise CratematrixError(f"it found {found}")


def _check(repository: Repository) -> None:
    repository.cratematrix("check")


def _plan(repository: Repository) -> None:
    shards = json.loads(repository.cratematrix("plan", "--json"))["shards"]
    if {each for shard in shards for each in shard["crates"]} != {*repository.layout.crates}:
        raise CratematrixError(f"it plans {shards}")


def _generate(repository: Repository) -> None:
    repository.cratematrix("generate")
    git(repository.top, "add", "--all")
    git(repository.top, "commit", "--quiet", "--message", "cratematrix")
    repository.cratematrix("generate", "--check")


def _build(repository: Repository) -> None:
    if lost := [each for each in repository.layout.needs if shutil.which(each) is None]:
        raise NotRun(f"{', '.join(lost)} is not installed")
    if lost := repository.cratematrix("targets").split():
        raise NotRun(f"Rust's standard library for {', '.join(lost)} is not installed")
    shutil.rmtree(repository.out, ignore_errors=True)
    repository.cratematrix("build", "--all", "--out", str(repository.out), *repository.layout.build)
    for crate in _report(repository):
        states = {each["state"] for each in (crate, *crate["units"])}
        if states != {"built"}:
            raise CratematrixError(f"{crate['name']} is {', '.join(sorted(states))}")
        if crate["tests"] == "failed":
            raise CratematrixError(f"the tests of {crate['name']} failed")


def _install(repository: Repository) -> None:
    for crate in _packages(repository):
        folder = _folder(repository, crate)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archives = [str(repository.out / each["file"]) for each in crate["packages"]]
        repository.run([*INSTALL, *archives], str(folder))


def _load(repository: Repository) -> None:
    for crate in _packages(repository):
        node = ["node", "-e", f"if (Object.keys({crate['loaded']}).length === 0) process.exit(1)"]
        words = shlex.split(crate["loaded"]) if crate["kind"] == "bin" else node
        repository.run(words, str(_folder(repository, crate)))


def _report(repository: Repository) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((repository.out / "report.json").read_text())["crates"]
    return found


def _packages(repository: Repository) -> list[dict[str, Any]]:
    return [each for each in _report(repository) if each["packages"]]


def _folder(repository: Repository, crate: Mapping[str, Any]) -> Path:
    return repository.top.parent / "installed" / str(crate["name"])


QUICK: Final[Mapping[str, Callable[[Repository], None]]] = {
    "init": _init,
    "check": _check,
    "plan": _plan,
    "generate": _generate,
}
STEPS: Final = {**QUICK, "build": _build, "install": _install, "load": _load}


def repository_of(layout: Layout, scratch: Path, environment: Mapping[str, str]) -> Repository:
    """Copy a layout below a directory."""
    top = scratch / layout.name / "repository"
    copy_of(layout, top)
    return Repository(layout, top, TOP / "dist/layouts" / layout.name, {**os.environ, **environment})
