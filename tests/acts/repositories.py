"""Repositories for runs: this checkout with the sample fleet, and one that has nothing but a crate and a manifest."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.support import TOP, cratematrix

AUTHOR: Final = ("-c", "user.name=octocat", "-c", "user.email=octocat@example.com", "-c", "commit.gpgsign=false")
FLEET: Final = "tests/fleet"
# act is called with the names of the workflows.
WORKFLOWS: Final = {name: f"{name}.yml" for name in ("build", "release", "regenerate")}
ZERO: Final = "0" * 40


def git(top: Path, *words: str) -> str:
    """Run git in a repository and return what it says."""
    argv = ["git", *AUTHOR, *words]
    return subprocess.run(argv, cwd=top, check=True, capture_output=True, text=True).stdout.strip()  # noqa: TID251


def copy_of_checkout(to: Path) -> Path:
    """Copy what belongs to this checkout, of the tests the sample fleet only."""
    listed = git(TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in listed:
        if (TOP / name).is_file() and (name.startswith(f"{FLEET}/") or not name.startswith("tests/")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, to / name)
    return to


def repository(top: Path, crates: Iterable[Mapping[str, Any]], **fleet: Any) -> Path:
    """Make a directory a repository, if it is none, and commit a manifest and everything that is generated from it."""
    head = {
        "npm_scope": "@fleet",
        "slots": 2,
        "platforms": ["linux-x64-gnu"],
        "retries": 0,
        "workflows": WORKFLOWS,
        **fleet,
    }
    manifest = {"schema_version": 1, "fleet": head, "crates": list(crates)}
    (top / "crates.json").write_text(json.dumps(manifest, indent=2) + "\n")
    git(top, "init", "--quiet", "--initial-branch=main")
    done = cratematrix("generate", cwd=top)
    assert done.code == 0, done.err
    commit(top, "Generate the workflows")
    return top


def commit(top: Path, message: str) -> str:
    """Commit everything, also where nothing changed, and return the commit."""
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(top, "rev-parse", "HEAD")


def of_fleet(name: str, **more: Any) -> dict[str, Any]:
    """Return the manifest's entry of a crate of the sample fleet, which is in a directory of the repository here."""
    crates = json.loads((TOP / FLEET / "crates.json").read_text())["crates"]
    entry: dict[str, Any] = next(each for each in crates if each["name"] == name)
    return {**entry, "source": {"path": f"{FLEET}/{entry['source']['path']}"}, **more}


def push(top: Path, name: str, ref: str, before: str = ZERO) -> dict[str, Any]:
    """Return the event of a push of what is checked out; the ref is new when there was nothing before.

    Events are of https://docs.github.com/en/webhooks/webhook-events-and-payloads, with what workflows look at.
    """
    after = git(top, "rev-parse", "HEAD")
    changed = {"before": before, "after": after, "created": before == ZERO, "deleted": False}
    return {"name": "push", "ref": ref, **changed, "repository": about(name)}


def dispatch(top: Path, name: str, **inputs: str) -> dict[str, Any]:
    """Return the event of a workflow that somebody starts by hand."""
    return {"name": "workflow_dispatch", "ref": "refs/heads/main", "inputs": inputs, "repository": about(name)}


def in_queue(top: Path, name: str, base: str) -> dict[str, Any]:
    """Return the event of a group in the merge queue."""
    head = {"base_ref": "refs/heads/main", "base_sha": base, "head_sha": git(top, "rev-parse", "HEAD")}
    return {"name": "merge_group", "action": "checks_requested", "merge_group": head, "repository": about(name)}


def from_fork(top: Path, name: str, base: str) -> dict[str, Any]:
    """Return the event of a pull request of a fork."""
    fork = {"ref": "change", "sha": git(top, "rev-parse", "HEAD"), "repo": {**about("octocat/fork"), "fork": True}}
    request = {"number": 7, "base": {"ref": "main", "sha": base, "repo": about(name)}, "head": fork}
    return {"name": "pull_request", "action": "opened", "number": 7, "pull_request": request, "repository": about(name)}


def from_dependabot(top: Path, name: str, base: str) -> dict[str, Any]:
    """Return the event of a pull request of Dependabot: of the repository itself, and without its secrets."""
    event = from_fork(top, name, base)
    event["pull_request"]["head"] |= {"ref": "dependabot/cargo/change", "repo": about(name)}
    return {**event, "sender": {"login": "dependabot[bot]", "type": "Bot"}}


def about(name: str) -> dict[str, Any]:
    """Return what events say of a public repository."""
    return {"full_name": name, "private": False, "visibility": "public", "default_branch": "main", "fork": False}
