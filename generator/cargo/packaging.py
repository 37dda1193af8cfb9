"""The files of a crate that `cargo package` takes: https://doc.rust-lang.org/cargo/reference/manifest.html.

Two rules are wider, because the crate is built and tested here: the directories of Cargo's targets always belong to it,
and so do its README and license files.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from generator.cargo.channels import TOOLCHAIN_FILES
from generator.cargo.configuration import DIRECTORY
from generator.cargo.directories import MAX_PATTERNS, is_within, matches, parent, pattern_parts, resolve_path
from generator.cargo.manifests import CargoToml, Inherited, Manifests, WorkspacePackage
from generator.cargo.workspaces import workspace_table
from generator.errors import InputError

DOCUMENT_FILE: Final = re.compile(r"(README|(UN)?LICEN[CS]ES?|COPYING|NOTICES?)[0-9]*([-._ ][^/]*)?", re.IGNORECASE)
"""Names of README and license files. POSIX's extended expressions have the same meaning for `find`."""

# Read beside Cargo.toml, whatever `include` and `exclude` say: by Cargo and, for what a wasm crate imports, by npm.
_ALWAYS_READ: Final = frozenset(
    {"Cargo.toml", "Cargo.lock", "build.rs", *TOOLCHAIN_FILES, DIRECTORY, "package.json", ".npmrc"}
)
_TARGETS: Final = ("src", "tests", "benches", "examples")


@dataclass(frozen=True)
class _Rule:
    """One line of `include` or `exclude`, which have the syntax of .gitignore."""

    pattern: tuple[str, ...]
    negated: bool
    only_directories: bool


def packaged(manifest: CargoToml, root: str | None, manifests: Manifests) -> Callable[[str], bool]:
    """Return whether a file belongs to a crate by `package.include` and `package.exclude`, for paths in its directory.

    InputError if they have too many patterns.
    """
    include = _patterns(manifest, "include", root, manifests)
    exclude = _patterns(manifest, "exclude", root, manifests)
    if not include and not exclude:
        return lambda _path: True
    matched = _matcher(include or exclude)
    always = _target_places(manifest)

    def belongs(path: str) -> bool:
        if path.split("/", maxsplit=1)[0] in _ALWAYS_READ or DOCUMENT_FILE.fullmatch(path):
            return True
        return any(is_within(path, each) for each in always) or matched(path) == bool(include)

    return belongs


def named_documents(directory: str, root: str | None, manifests: Manifests) -> tuple[str, ...]:
    """Return the paths, from the repository's top, of the README and license files that Cargo.toml names."""
    package, shared = manifests[directory].package, _workspace_package(root, manifests)
    if package is None:
        return ()
    named = ((package.readme, shared.readme), (package.license_file, shared.license_file))
    own = [
        (root or directory, theirs) if isinstance(value, Inherited) else (directory, value) for value, theirs in named
    ]
    found = (resolve_path(base, path) for base, path in own if isinstance(path, str))
    return tuple(path for path in found if path is not None)


def document_name(path: str, kind: str) -> str:
    """Return the name in a package of a file that Cargo.toml names as README or license: one that readers know."""
    name = posixpath.basename(path)
    known = DOCUMENT_FILE.fullmatch(name) and (
        kind != "README" or re.fullmatch(r"readme(\.[^.]+)?", name, re.IGNORECASE)
    )
    return name if known else f"{kind}{posixpath.splitext(name)[1]}"


def _patterns(manifest: CargoToml, key: str, root: str | None, manifests: Manifests) -> list[str]:
    value = getattr(manifest.package, key, [])
    found: list[str] = getattr(_workspace_package(root, manifests), key) if isinstance(value, Inherited) else value
    if len(found) > MAX_PATTERNS:
        raise InputError(f"package.{key} of a Cargo.toml has more than {MAX_PATTERNS} patterns")
    return found


def _workspace_package(root: str | None, manifests: Manifests) -> WorkspacePackage:
    shared = workspace_table(root, manifests)
    return shared.package if shared else WorkspacePackage()


def _target_places(manifest: CargoToml) -> list[str]:
    """Return the directories of Cargo's targets, and targets in the crate's own directory, as Cargo.toml names them."""
    targets = [*manifest.programs, *manifest.tests, *manifest.benches, *manifest.examples]
    library, build = manifest.library, manifest.package.build if manifest.package else None
    paths = [*(each.path for each in targets), library.path if library else None, build]
    named = [posixpath.normpath(each) for each in paths if isinstance(each, str) and each]
    return [*_TARGETS, *(each if parent(each) == "." else parent(each) for each in named)]


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return whether the last pattern that matches a path, or else its nearest directory, is not negated."""
    rules = [rule for rule in map(_rule, patterns) if rule.pattern]

    @cache
    def matched(path: str, is_directory: bool) -> bool:
        for rule in reversed(rules):
            if (is_directory or not rule.only_directories) and matches(path, rule.pattern):
                return not rule.negated
        return parent(path) != "." and matched(parent(path), True)

    return lambda path: matched(path, False)


def _rule(line: str) -> _Rule:
    text = "" if line.startswith("#") else line.strip()
    negated, body = text.startswith("!"), text.removeprefix("!")
    anchored = "/" in body.rstrip("/")
    pattern = body.strip("/").replace("[^", "[!")
    parts = pattern_parts(pattern if anchored else f"**/{pattern}") if pattern else ()
    return _Rule(parts, negated, body.endswith("/"))
