"""The selection of a crate's files in its repository: what enters its sandbox, and so what a change must touch."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from generator.cargo.configuration_files import read_configuration
from generator.cargo.directories import ancestors, is_within, matches, parent, pattern_parts
from generator.cargo.packaging import named_documents, packaged
from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.manifest.source_models import GitSource, PathSource
from generator.npm.closure import npm_closure
from generator.sources.closure import Closure, dependency_closure, is_read_by_cargo, owner
from generator.sources.listing import Listing
from generator.text import quoted

# Only GitHub reads it.
GITHUB_DIRECTORY: Final = ".github"
# A crate's code and tests read what lies in them, also other crates, which `cargo package` leaves out everywhere.
READ_DIRECTORIES: Final = ("src", "tests")


@dataclass(frozen=True)
class Wanted:
    """The crate in a directory of a repository, with the files that its key `include` names.

    `package` is the directory of an addon's package.json, and None for other crates. `unread` are files of the fleet
    that no crate reads: the manifest, and what is generated from it.
    """

    directory: str
    include: tuple[str, ...] = ()
    package: str | None = None
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Selection:
    """The files of a crate and of its path dependencies.

    `packaged` decides by Cargo.toml about files in each directory. `extra` are files that the crate includes, names in
    Cargo.toml or links to.
    """

    wanted: Wanted
    closure: Closure
    listing: Listing
    packaged: Mapping[str, Callable[[str], bool]]
    extra: frozenset[str] = frozenset()

    def holds(self, path: str) -> bool:
        """Return whether a file enters the sandbox."""
        npm = self.closure.npm
        if path in self.extra or path in npm.files or is_read_by_cargo(path, self.closure):
            return True
        if self.is_unread(path):
            return False
        if (decided := npm.decides(path)) is not None:
            return decided
        directory = owner(path, self.closure)
        return directory is not None and self._belongs(path, directory)

    def is_unread(self, path: str) -> bool:
        """Return whether a file is the fleet's or GitHub's, and no crate's."""
        return path in self.wanted.unread or is_within(path, GITHUB_DIRECTORY)

    def _belongs(self, path: str, directory: str) -> bool:
        """Return whether a directory holds a file for its crate or addon itself, as `cargo package` sees it."""
        inside = path if directory == "." else path.removeprefix(f"{directory}/")
        nested = takewhile(lambda each: each != directory, (parent(path), *ancestors(parent(path))))
        is_read = any(is_within(inside, each) for each in READ_DIRECTORIES)
        if not is_read and any(each in self.listing.manifests for each in nested):
            return False
        return directory not in self.packaged or self.packaged[directory](inside)


def wanted(crate: Crate, source: PathSource | GitSource, base: str, unread: frozenset[str] = frozenset()) -> Wanted:
    """Return what a crate of the manifest asks of its repository. The source's paths start at the directory `base`."""
    directory, package = (
        posixpath.normpath(posixpath.join(base, each)) for each in (source.path, source.package_directory)
    )
    return Wanted(directory, crate.include, package if crate.kind == "napi" else None, unread)


def select(request: Wanted, listing: Listing) -> Selection:
    """Select a crate's files; InputError if a Cargo.toml or a link is invalid, or if `include` matches nothing.

    npm publishes an addon, so Cargo's own `include` and `exclude` do not say what belongs to it.
    """
    manifests = listing.manifests
    npm = npm_closure(request.package, listing.npm_files) if request.package is not None else None
    closure = dependency_closure(request.directory, manifests, npm)
    rules = {
        directory: packaged(manifests[directory], root, manifests)
        for directory, root in closure.roots.items()
        if directory != request.directory or npm is None
    }
    included = {path for pattern in request.include for path in _matching(pattern, listing)}
    documents = named_documents(request.directory, closure.roots[request.directory], manifests)
    vendored = {
        path for each in read_configuration(request.directory, listing.text).directories for path in listing.below(each)
    }
    named = Selection(request, closure, listing, rules, frozenset(included.union(documents, vendored) & listing.paths))
    return replace(named, extra=named.extra | _linked(named))


def _matching(pattern: str, listing: Listing) -> list[str]:
    """Return the files that a pattern matches, or whose directory it matches."""
    pattern = pattern.rstrip("/")
    fixed = "/".join(takewhile(lambda part: not set(part) & set("*?["), pattern.split("/"))) or "."
    candidates = [fixed, *listing.below(fixed)] if fixed in listing.paths else listing.below(fixed)
    parts = pattern_parts(pattern)
    found = [path for path in candidates if any(matches(each, parts) for each in (path, *ancestors(path)))]
    if not found:
        raise InputError(f"the key include has {quoted(pattern)}, which matches no file that git tracks")
    return found


def _linked(named: Selection) -> frozenset[str]:
    """Return the files that the selected links lead to, and that are not selected without them."""
    listing = named.listing
    pending = [link for link in listing.links if named.holds(link)]
    found: set[str] = set()
    targets: set[str] = set()
    while pending:
        *links, target = listing.behind(pending.pop())
        found.update(link for link in links if not named.holds(link))
        if not targets.isdisjoint((target, *ancestors(target))):
            continue  # Its files are there. Thousands of links may lead to one directory.
        targets.add(target)
        new = {path for path in _files(target, named) if path not in found and not named.holds(path)}
        pending += [path for path in new if listing.is_link(path)]
        found |= new
    return frozenset(found)


def _files(path: str, named: Selection) -> Iterator[str]:
    """Yield a file, or the files below a directory."""
    if path in named.listing.paths:
        yield path
    else:
        yield from (each for each in named.listing.below(path) if not named.is_unread(each))
