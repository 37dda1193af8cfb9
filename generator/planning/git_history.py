"""The git history of the checkout: its commit, the base commit of a comparison, and the files that changed since."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError, InputError
from generator.git import git_output, run_git
from generator.planning.affected import WholeFleet
from generator.text import message_text

# A full commit SHA, of SHA-1 and SHA-256 repositories. GitHub gives all zeros for the parent of a new branch.
_FULL_NAME: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_SHORT_SHA: Final = 12
_FIX_SHALLOW: Final = "git fetch --unshallow; in a workflow, check out with fetch-depth: 0"


@dataclass(frozen=True)
class BaseCommit:
    """The commit to compare with, and its name in messages."""

    commit: str
    name: str


@dataclass(frozen=True)
class CheckedOut:
    """The commit of a checkout, None if it is unknown; `modified` is True if tracked files differ from it."""

    commit: str | None = None
    modified: bool = False


def checked_out(top: Path, workflow_commit: str = "") -> CheckedOut:
    """Return the commit of the checkout; it is unknown outside of git, without a commit, or if git does not read it.

    It is unknown as well if the repository lacks the commit of the running workflow: then it is another repository, to
    which no release of the workflow's repository belongs.
    """
    commit, modified = None, False
    with suppress(CratematrixError):
        is_own = not workflow_commit or _commit(top, workflow_commit) is not None
        commit = _commit(top, "HEAD") if is_own and (top / ".git").exists() else None
        modified = commit is not None and bool(changed_paths(top, commit))
    return CheckedOut(commit, modified) if commit and _SHA1.fullmatch(commit) else CheckedOut()


def base_commit(top: Path, ref: str) -> BaseCommit | WholeFleet:
    """Return the merge base of `ref` and HEAD, or the reason to build the whole fleet.

    InputError if a shallow clone lacks the commits, or if git knows no commit `ref`.
    """
    if not (top / ".git").exists():
        raise InputError(f"{message_text(str(top))} is not in a git repository, so it has no history to compare with")
    shallow = git_output(["rev-parse", "--is-shallow-repository"], timeout=60, cwd=top).strip() == b"true"
    if not ref:
        return WholeFleet("there is no commit to compare with")
    if _FULL_NAME.fullmatch(ref) and set(ref) == {"0"}:
        return WholeFleet("the branch is new, so there is no commit to compare with")
    if _commit(top, "HEAD") is None:
        return WholeFleet("the repository has no commit yet")
    commit = _commit(top, ref)
    return _unknown(ref, shallow) if commit is None else _base(top, ref, commit, shallow)


def changed_paths(top: Path, commit: str) -> frozenset[str]:
    """Return the tracked files that differ between a commit and the working tree, from the repository's top.

    Deleted files and both names of renamed files count. Submodules do not: no crate is built from them.
    """
    # With --name-only git runs no diff program. In submodules it would run programs of their configuration.
    arguments = ["--name-only", "-z", "--no-renames", "--ignore-submodules=all", commit, "--"]
    listed = git_output([*_without_filters(top), "diff", *arguments], timeout=300, cwd=top)
    return frozenset(os.fsdecode(path) for path in listed.split(b"\0")[:-1])


def _base(top: Path, ref: str, commit: str, shallow: bool) -> BaseCommit | WholeFleet:
    done = run_git(["merge-base", commit, "HEAD"], timeout=120, cwd=top)
    if done.exit_code == 0:
        found = done.stdout.decode().strip()
        short = found[:_SHORT_SHA]
        return BaseCommit(found, short if found.startswith(ref) else f"{_display_name(ref)} ({short})")
    if shallow:
        raise InputError(f"this clone is shallow and lacks the merge base of {_display_name(ref)}", fix=_FIX_SHALLOW)
    if done.exit_code != 1:  # git exits with 1 if there is no merge base.
        raise InputError(f"git failed: {message_text(done.last_line)}")
    return WholeFleet(f"the branch has no history in common with {_display_name(ref)}")


def _display_name(ref: str) -> str:
    return ref[:_SHORT_SHA] if _FULL_NAME.fullmatch(ref) else message_text(ref)


def _commit(top: Path, ref: str) -> str | None:
    arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    done = run_git(arguments, timeout=60, cwd=top)
    return done.stdout.decode().strip() if done.exit_code == 0 else None


def _unknown(ref: str, shallow: bool) -> WholeFleet:
    """Return the whole fleet for a full SHA: after a force push no clone has that commit, and nobody made an error."""
    if shallow:
        raise InputError(f"this clone is shallow and lacks {_display_name(ref)}", fix=_FIX_SHALLOW)
    if _FULL_NAME.fullmatch(ref):
        return WholeFleet(f"{_display_name(ref)} is in no branch any more: the branch's history was replaced")
    raise InputError(f"git knows no commit {message_text(ref)}", fix="git fetch origin")


def _without_filters(top: Path) -> list[str]:
    """Return git options that disable the content filters (programs) of the repository's own configuration.

    Filters of the user's configuration stay: without git-lfs, its files would always look changed.
    """
    query = ["config", "--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"]
    done = run_git(query, timeout=60, cwd=top)
    found = [os.fsdecode(each) for each in done.stdout.split(b"\0")[:-1]]
    keys = [key for scope, key in zip(found[::2], found[1::2], strict=True) if scope in ("local", "worktree")]
    if named := next((key for key in keys if "=" in key), None):  # git -c would read it as another key.
        raise InputError(f"git's configuration of this repository has {message_text(named)}, which cannot be disabled")
    return [each for key in keys for each in ("-c", f"{key}=")]
