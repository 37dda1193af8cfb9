"""A workspace's Cargo.toml for a sandbox in which only some of its crates lie."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from generator.cargo.directories import is_within
from generator.cargo.manifests import CargoToml, Inherited, Manifests, manifest_path
from generator.cargo.workspaces import reachable_members
from generator.errors import InputError
from generator.sources.closure import Closure
from generator.sources.names import message_text

# What a Cargo.toml without [package] may hold, and which resolver its package's edition asked for until then:
# https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions
VIRTUAL: Final = frozenset({"cargo-features", "patch", "profile", "replace", "workspace"})
RESOLVERS: Final = {"2021": "2", "2024": "3"}


def trim_workspace(text: str, root: str, wanted: Closure, manifests: Manifests) -> str:
    """Return a workspace's Cargo.toml with only the closure's crates as members, all else as it was.

    Where the root is a package of its own that the crate does not need, the package goes too, and only the workspace
    stays.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise InputError(f"{message_text(manifest_path(root))}: {message_text(str(error))}") from None
    table: Any = document["workspace"]
    table["members"] = [*_members(root, wanted, manifests)]
    table.pop("default-members", None)
    if root not in wanted.roots:
        for key in [each for each in document if each not in VIRTUAL]:
            document.remove(key)
        if (resolver := _resolver(manifests[root])) is not None:
            table["resolver"] = resolver
    return tomlkit.dumps(document)


def _members(root: str, wanted: Closure, manifests: Manifests) -> Iterator[str]:
    """Members as `members` names them; the root's own package is one without being named.

    What lies below a member can be excluded where a pattern names that member, but not where its path does: a member
    above a crate that is none is therefore named by a pattern, one that nothing else matches.
    """
    own = [each for each in wanted.roots if wanted.roots[each] == root]
    members = reachable_members(
        [each for each in own if each == wanted.crate or each in wanted.named_members], root, manifests
    )
    others = wanted.roots.keys() - members
    for each in sorted(members - {root}):
        path = posixpath.relpath(each, root)
        above, name = posixpath.split(path)
        excludes = any(is_within(other, each) for other in others)
        yield posixpath.join(above, f"[{name[0]}]{name[1:]}") if excludes else path


def _resolver(manifest: CargoToml) -> str | None:
    """The resolver that a root's package asks for, where [workspace] does not."""
    package, shared = manifest.package, manifest.workspace
    if package is None or shared is None or shared.resolver is not None:
        return shared.resolver if shared else None
    edition = shared.package.edition if isinstance(package.edition, Inherited) else package.edition
    return package.resolver or RESOLVERS.get(edition or "")
