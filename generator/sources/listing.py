"""The files of a tree, in order, with its links and Cargo.toml files."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from generator.errors import InputError
from generator.npm.files import RepositoryFiles
from generator.sources.manifests import TreeManifests, read_text
from generator.sources.tree import Tree
from generator.text import message_text

# Linux follows as many links of one path.
MAX_LINKS: Final = 40


class Listing:
    """The files of a repository.

    `links` are the paths of its symbolic links, `submodules` those of its submodules. `npm_files` are for the rules of
    npm, without links.
    """

    def __init__(self, tree: Tree) -> None:
        entries = tree.entries()
        self.tree = tree
        self.entries = {entry.path: entry for entry in entries if entry.kind != "submodule"}
        self.paths = frozenset(self.entries)
        self.links = tuple(path for path, entry in self.entries.items() if entry.kind == "link")
        self.manifests = TreeManifests(tree, entries)
        self.submodules = self.manifests.submodules
        self.npm_files = RepositoryFiles(self.paths.difference(self.links), lambda path: read_text(tree, path))
        self._sorted = sorted(self.paths)
        self._targets: dict[str, str] = {}

    def text(self, path: str) -> str | None:
        """Return a file's text, or None without such a file; a link is none."""
        return read_text(self.tree, path) if path in self.npm_files.paths else None

    def below(self, directory: str) -> list[str]:
        """Return the files below a directory. Repositories are large, so this is a binary search."""
        if directory == ".":
            return self._sorted
        start, end = (bisect_left(self._sorted, directory + end) for end in ("/", "0"))  # 0 comes after /
        return self._sorted[start:end]

    def behind(self, link: str) -> list[str]:
        """Return the links on the way from a link, itself first, and the path at the end, which git may not track.

        InputError if the link leads out of the repository. A link that leads to itself has the end "".
        """
        passed = list[str]()
        waiting, reached = link.split("/")[::-1], list[str]()
        while waiting:
            part = waiting.pop()
            if part == ".." and not reached:
                raise _leads_out(link)
            if part == "..":
                reached.pop()
            elif part not in ("", "."):
                reached.append(part)
            path = "/".join(reached)
            if part in ("", ".", "..") or not self.is_link(path):
                continue
            if len(passed) == MAX_LINKS:
                return [*dict.fromkeys(passed), ""]
            passed.append(path)
            if (target := self._target(path)).startswith("/"):
                raise _leads_out(link)
            reached.pop()
            waiting += target.split("/")[::-1]
        return [*passed, "/".join(reached) or "."]

    def is_link(self, path: str) -> bool:
        """Return whether a path is a symbolic link."""
        entry = self.entries.get(path)
        return entry is not None and entry.kind == "link"

    def _target(self, link: str) -> str:
        if link not in self._targets:
            self._targets[link] = self.tree.read(link).decode(errors="surrogateescape")
        return self._targets[link]


def _leads_out(link: str) -> InputError:
    return InputError(f"{message_text(link)} is a link that leads out of the repository")
