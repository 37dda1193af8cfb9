"""Files of a source that declare dependencies to npm, yarn, pnpm and Cargo."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.cargo.configuration import DIRECTORY
from generator.cargo.directories import parent, resolve_path
from generator.errors import Unbuildable
from generator.npm.files import PROJECT_FILES, RepositoryFiles
from generator.text import message_text

DEPENDENCY_FILES: Final = PROJECT_FILES | {".npmrc", ".yarnrc", "Cargo.toml", "Cargo.lock"}
MAX_BYTES: Final = 64 * 1024 * 1024
# Bytes of a published crate's archive of these files, which comes out of the sandbox.
MAX_ARCHIVE: Final = 80 * 1024 * 1024
_MAX_LINKS: Final = 40


@dataclass(frozen=True)
class DependencyFiles:
    """Texts of these files and targets of all links, by path from the source's top."""

    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """Return a file's text, or None when there is no such file. Links are followed."""
        real = self.resolve(path)
        return None if real is None else self.texts.get(real)

    def resolve(self, path: str) -> str | None:
        """Return a path without links, or None when it leads out of the source."""
        waiting, done, followed = [*reversed(posixpath.normpath(path).split("/"))], ".", 0
        while waiting:
            here = resolve_path(done, waiting.pop())
            if here is None:
                return None
            if here not in self.links:
                done = here
                continue
            followed += 1
            if followed > _MAX_LINKS or self.links[here].startswith("/"):
                return None
            done = parent(here)
            waiting += reversed(self.links[here].split("/"))
        return done

    def repository_files(self) -> RepositoryFiles:
        """Return the files for the rules of npm."""
        links = {path for path in self.links if posixpath.basename(path) in DEPENDENCY_FILES}
        paths = frozenset(path for path in {*self.texts, *links} if self.text(path) is not None)
        return RepositoryFiles(paths, lambda path: self.text(path) or "")

    def files_named(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield paths and texts of all files of a name, except in node_modules."""
        for path, text in self.texts.items():
            if posixpath.basename(path) == name and "node_modules" not in path.split("/"):
                yield path, text


def _declares_dependencies(path: str) -> bool:
    """Return True for a file that declares dependencies, or configures Cargo under any name."""
    return posixpath.basename(path) in DEPENDENCY_FILES or posixpath.basename(parent(path)) == DIRECTORY


def read_dependency_files(archive: Path) -> DependencyFiles:
    """Read a source's archive; Unbuildable when these files are larger than MAX_BYTES together."""
    texts, links, bytes_left = dict[str, str](), dict[str, str](), MAX_BYTES
    with tarfile.open(archive) as tar:
        for member in tar:
            path = posixpath.normpath(member.name)
            if member.issym():
                links[path] = member.linkname
            elif member.isfile() and _declares_dependencies(path):
                bytes_left -= member.size
                if bytes_left < 0:
                    raise Unbuildable(f"{message_text(path)} and its like are larger than {MAX_BYTES // 2**20} MiB")
                content = tar.extractfile(member)
                text = (content.read() if content else b"").decode("utf-8-sig", errors="replace")
                texts[path] = text.replace("\r\n", "\n")
    return DependencyFiles(texts, links)
