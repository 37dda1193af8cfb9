"""The Cargo.toml of a workspace, edited for a sandbox that holds only some of its members."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from generator.cargo.directories import is_within
from generator.cargo.manifests import CargoToml, Inherited, Manifests, is_inherited, manifest_path
from generator.cargo.workspaces import reachable_members
from generator.errors import InputError
from generator.sources.closure import Closure
from generator.text import message_text

# Keys of a Cargo.toml without [package], and the resolver that each edition of its package implies:
# https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions
VIRTUAL: Final = frozenset({"cargo-features", "patch", "profile", "replace", "workspace"})
RESOLVERS: Final = {"2021": "2", "2024": "3"}


def trim_workspace(text: str, root: str, closure: Closure, manifests: Manifests) -> str:
    """Return a workspace's Cargo.toml with only the closure's crates as members, and with what they inherit.

    All else is unchanged. When the root is a package that the crate does not need, the package is removed too.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise InputError(f"{message_text(manifest_path(root))}: {message_text(str(error))}") from None
    _workspace(document)["members"] = [*_members(root, closure, manifests)]
    _workspace(document).pop("default-members", None)
    _keep_inherited(document, [manifests[each] for each in closure.roots if closure.roots[each] == root])
    if root not in closure.roots:
        for key in [each for each in document if each not in VIRTUAL]:
            document.remove(key)
        if (resolver := _resolver(manifests[root])) is not None:
            _workspace(document)["resolver"] = resolver
    return tomlkit.dumps(document)


def _workspace(document: tomlkit.TOMLDocument) -> Any:
    """Return the table anew: after a removal tomlkit's view of a table in several parts is out of date."""
    return document["workspace"]


def _keep_inherited(document: tomlkit.TOMLDocument, members: Sequence[CargoToml]) -> None:
    """Remove the dependencies, the fields of packages and the lints that no member takes from the workspace."""
    sections = [each for member in members for each in member.sections()]
    tables = [
        table for each in sections for table in (each.dependencies, each.build_dependencies, each.dev_dependencies)
    ]
    inherited = {
        "dependencies": {name for each in tables for name, dependency in each.items() if dependency.workspace},
        "package": {key for member in members if member.package for key in member.package.inherited},
    }
    for key, names in inherited.items():
        for name in [each for each in _workspace(document).get(key, ()) if each not in names]:
            del _workspace(document)[key][name]
        if not _workspace(document).get(key, True):
            del _workspace(document)[key]
    if not any(is_inherited(member.lints) for member in members):
        _workspace(document).pop("lints", None)


def _members(root: str, closure: Closure, manifests: Manifests) -> Iterator[str]:
    """Yield the entries of `members`; the root's own package is a member without an entry.

    Cargo honours `exclude` below a member only when a pattern names the member. A member above a crate that is not a
    member is therefore written as a pattern that matches nothing else.
    """
    own = [each for each in closure.roots if closure.roots[each] == root]
    members = reachable_members(
        [each for each in own if each == closure.crate or each in closure.named_members], root, manifests
    )
    others = closure.roots.keys() - members
    for each in sorted(members - {root}):
        path = posixpath.relpath(each, root)
        above, name = posixpath.split(path)
        excludes = any(is_within(other, each) for other in others)
        yield posixpath.join(above, f"[{name[0]}]{name[1:]}") if excludes else path


def _resolver(manifest: CargoToml) -> str | None:
    """Return the resolver that a root's package implies when [workspace] names none."""
    package, shared = manifest.package, manifest.workspace
    if package is None or shared is None or shared.resolver is not None:
        return shared.resolver if shared else None
    edition = shared.package.edition if isinstance(package.edition, Inherited) else package.edition
    return package.resolver or RESOLVERS.get(edition or "")
