"""What is proposed, and the one pull request that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from generator.strict import Strict
from generator.workflows.files import Difference

BRANCH: Final = "cratematrix/regenerate"


class File(Strict):
    """A file as it is to be, by its path from the repository's top; None is no file."""

    path: str
    text: str | None


class Proposal(Strict):
    """Files on top of one commit; `title` is the commit's message too.

    `base` is the branch that they are for, the repository's default branch where it is empty.
    """

    base: str
    commit: str
    title: str
    body: str
    files: tuple[File, ...]


class PullRequest(Strict):
    """The pull request, opened by this proposal or by an earlier one that it replaces."""

    number: int
    url: str
    opened: bool


def proposal(found: Sequence[Difference], manifest: str, base: str, commit: str) -> Proposal:
    """Return what brings generated files up to date with a manifest."""
    names = "\n".join(f"- `{each.path}`" for each in found)
    return Proposal(
        base=base,
        commit=commit,
        title=f"Regenerate the workflows from {manifest}",
        body=f"{manifest}, or what is made of it, changed in {commit}. These files are rendered from it:\n\n{names}\n\n"
        "This branch is replaced whenever they change again. `cratematrix generate` does the same by hand.",
        files=tuple(File(path=each.path, text=each.wanted) for each in found),
    )
