"""Addresses of GitHub's pages for a run of a workflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_SERVER: Final = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class RunLinks:
    """The addresses of a repository on GitHub, of a commit in it, and of a run; None where they are unknown."""

    repository: str | None = None
    commit: str | None = None
    run: str | None = None

    @property
    def commit_page(self) -> str | None:
        """The address of the commit."""
        return f"{self.repository}/commit/{self.commit}" if self.repository and self.commit else None

    def file(self, path: str, line: int | None) -> str | None:
        """Return the address of a line of a file in the commit; `path` is relative to the repository's root."""
        if self.repository is None or self.commit is None:
            return None
        return f"{self.repository}/blob/{self.commit}/{quote(path)}" + (f"#L{line}" if line else "")


def run_links(environment: Mapping[str, str], commit: str | None) -> RunLinks:
    """Return the addresses that GitHub's variables of a job give, none outside of GitHub Actions.

    `commit` is that of the built crates.
    """
    server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    if not (_SERVER.fullmatch(server) and _REPOSITORY.fullmatch(name)):
        return RunLinks()
    repository, run = f"{server}/{name}", environment.get("GITHUB_RUN_ID", "")
    return RunLinks(repository, commit, f"{repository}/actions/runs/{run}" if run.isdecimal() else None)
