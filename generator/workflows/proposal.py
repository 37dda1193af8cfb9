"""Models of the pull request with stale generated files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.strict import Strict
from generator.workflows.files import Difference

BRANCH: Final = "cratematrix/regenerate"


class File(Strict):
    """A file of the pull request by its path from the repository's root; the text None removes it."""

    path: str
    text: str | None


class Proposal(Strict):
    """A pull request to open: its files, on top of `commit`; `title` is also the commit message.

    `base` is the target branch; empty stands for the repository's default branch.
    """

    base: str
    commit: str
    title: str
    body: str
    files: tuple[File, ...]


class PullRequest(Strict):
    """The pull request at GitHub: newly opened, or an existing one that was updated."""

    number: int
    url: str
    opened: bool


def proposal(found: Sequence[Difference], manifest: str, base: str, commit: str) -> Proposal:
    """Return the pull request that updates stale generated files."""
    names = "\n".join(f"- `{each.path}`" for each in found)
    return Proposal(
        base=base,
        commit=commit,
        title=f"Regenerate the workflows from {manifest}",
        body=f"{manifest} or its generated files changed in {commit}. These files are rendered from it:\n\n{names}\n\n"
        "The next change replaces this branch. `cratematrix generate` writes the same files by hand.",
        files=tuple(File(path=each.path, text=each.wanted) for each in found),
    )
