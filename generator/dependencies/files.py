"""What a collected source says of dependencies: the few files that npm, yarn, pnpm and Cargo read."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.cargo.directories import joined, parent
from generator.errors import Unbuildable
from generator.sources.names import shown

DEPENDENCY_FILES: Final = frozenset(
    ("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc",
     ".yarnrc.yml", "Cargo.toml", "Cargo.lock")
)  # fmt: skip
MAX_BYTES: Final = 64 * 1024 * 1024
# Of the archive of a published crate's own few files; a source's, which the host made, is read where it lies.
MAX_ARCHIVE: Final = 80 * 1024 * 1024
_MAX_LINKS: Final = 40


@dataclass(frozen=True)
class DependencyFiles:
    """Texts by path, from the source's top, and where links lead; `others` are the paths of all other files."""

    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()

    def text(self, path: str) -> str | None:
        """Return a file's text, also through links; None where there is none."""
        real = self.resolve(path)
        return None if real is None else self.texts.get(real)

    def resolve(self, path: str) -> str | None:
        """Return where a path leads to when all links in it are followed, None when that is out of the source."""
        waiting, done, followed = [*reversed(posixpath.normpath(path).split("/"))], ".", 0
        while waiting:
            here = joined(done, waiting.pop())
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

    def files_named(self, name: str) -> Iterator[tuple[str, str]]:
        """Paths and texts of all files of a name, but for what was installed already."""
        for path, text in self.texts.items():
            if posixpath.basename(path) == name and "node_modules" not in path.split("/"):
                yield path, text


def read_dependency_files(archive: Path) -> DependencyFiles:
    """Read a source's archive; Unbuildable when what says of dependencies is too much to be read."""
    texts, links, others, left = dict[str, str](), dict[str, str](), set[str](), MAX_BYTES
    with tarfile.open(archive) as tar:
        for member in tar:
            path = posixpath.normpath(member.name)
            if member.issym():
                links[path] = member.linkname
            elif not member.isfile():
                continue
            elif posixpath.basename(path) in DEPENDENCY_FILES:
                left -= member.size
                if left < 0:
                    raise Unbuildable(f"{shown(path)} and its like are larger than {MAX_BYTES // 2**20} MiB")
                taken = tar.extractfile(member)
                texts[path] = (taken.read() if taken else b"").decode(errors="replace").removeprefix("\ufeff")
            else:
                others.add(path)
    return DependencyFiles(texts, links, frozenset(others))
