"""What git knows of the checkout's past: the commit that a change is counted from, and the files that changed since."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.planning.affected import WholeFleet
from generator.sources.tree import git_output, run_git
from generator.text import message_text

# A commit's full name in SHA-1 and SHA-256 repositories. GitHub gives one of zeros for a branch that was not there.
_FULL_NAME: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORT: Final = 12
_FIX_SHALLOW: Final = "git fetch --unshallow; in a workflow, check out with fetch-depth: 0"


@dataclass(frozen=True)
class BaseCommit:
    """The commit that is compared with, and what messages call it."""

    commit: str
    name: str


def base_commit(top: Path, ref: str) -> BaseCommit | WholeFleet:
    """Find the merge base of `ref` and HEAD, or say why there is nothing to compare with.

    InputError when the answer lies in commits that a shallow clone lacks, or when `ref` is no commit's name.
    """
    if not (top / ".git").exists():
        raise InputError(f"{message_text(str(top))} is not in a git repository, so it has no past to compare with")
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
    """Files that git tracks and that differ between a commit and the working tree, from the repository's top.

    Both names of what was renamed count, and what was deleted; submodules do not, for no crate is built from them.
    """
    # For names alone git runs no diff program; in submodules it would run what their own configuration names.
    words = ["--name-only", "-z", "--no-renames", "--ignore-submodules=all", commit, "--"]
    listed = git_output([*_without_filters(top), "diff", *words], timeout=300, cwd=top)
    return frozenset(os.fsdecode(path) for path in listed.split(b"\0")[:-1])


def _base(top: Path, ref: str, commit: str, shallow: bool) -> BaseCommit | WholeFleet:
    done = run_git(["merge-base", commit, "HEAD"], timeout=120, cwd=top)
    if done.exit_code == 0:
        found = done.stdout.decode().strip()
        return BaseCommit(found, found[:_SHORT] if found.startswith(ref) else f"{_called(ref)} ({found[:_SHORT]})")
    if shallow:
        raise InputError(f"this clone is shallow and lacks the merge base of {_called(ref)}", fix=_FIX_SHALLOW)
    if done.exit_code != 1:  # 1 is git's answer that there is none
        raise InputError(f"git failed: {message_text(done.last_line)}")
    return WholeFleet(f"the branch has no history in common with {_called(ref)}")


def _called(ref: str) -> str:
    return ref[:_SHORT] if _FULL_NAME.fullmatch(ref) else message_text(ref)


def _commit(top: Path, ref: str) -> str | None:
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    done = run_git(words, timeout=60, cwd=top)
    return done.stdout.decode().strip() if done.exit_code == 0 else None


def _unknown(ref: str, shallow: bool) -> WholeFleet:
    """A push that replaced the branch's history names a commit which no clone has any more; that is nobody's error."""
    if shallow:
        raise InputError(f"this clone is shallow and lacks {_called(ref)}", fix=_FIX_SHALLOW)
    if _FULL_NAME.fullmatch(ref):
        return WholeFleet(f"{_called(ref)} is in no branch any more: its history was replaced")
    raise InputError(f"git knows no commit {message_text(ref)}", fix="git fetch origin")


def _without_filters(top: Path) -> list[str]:
    """Words that switch off what the repository's own configuration filters file contents through: programs.

    Those of the user's configuration stay: a file that git-lfs keeps elsewhere would always look changed.
    """
    asking = ["config", "--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"]
    done = run_git(asking, timeout=60, cwd=top)
    found = [os.fsdecode(each) for each in done.stdout.split(b"\0")[:-1]]
    keys = [key for scope, key in zip(found[::2], found[1::2], strict=True) if scope in ("local", "worktree")]
    if named := next((key for key in keys if "=" in key), None):  # git -c would take it for another key
        raise InputError(
            f"git's configuration of this repository has {message_text(named)}, which cannot be switched off"
        )
    return [each for key in keys for each in ("-c", f"{key}=")]
