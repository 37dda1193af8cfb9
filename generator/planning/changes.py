"""What became of a fleet since a commit: its manifest, its crates' files and the image that sandboxes start from."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.cargo.directories import parent, resolve_path
from generator.errors import InputError
from generator.manifest.models import Manifest, PathSource
from generator.manifest.reading import past_manifest
from generator.planning.affected import Change, WholeFleet, first_of
from generator.planning.comparison import Snapshot, Snapshots, why_built
from generator.planning.history import base_commit, changed_paths
from generator.sources.collect import repository_top
from generator.sources.revisions import CommitTree
from generator.sources.tree import CheckoutTree
from generator.text import message_text

# What a rendered Dockerfile pre-fetches: it follows the manifest, and no image is outdated by it.
_PREFETCHED: Final = re.compile(rb"<<'FLEET'\n.*?^FLEET$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class _Manifests:
    """The manifest before and now, and its directory from the repository's top."""

    before: Manifest
    now: Manifest
    directory: str

    def path(self, relative: str) -> str:
        """A path beside the manifest as a path from the top; the manifest's own checks keep it inside."""
        return resolve_path(self.directory, relative) or "."


def changes(manifest: Manifest, file: Path, ref: str, backend: str) -> Change | WholeFleet:
    """Compare the working tree's tracked files with the merge base of `ref` and HEAD.

    `file` is where the manifest was read from. InputError when git does not know `ref`, or lacks the history to tell;
    a past that cannot be read is a reason to build everything.
    """
    file = file.resolve()
    top = repository_top(file.parent)
    found = base_commit(top, ref)
    if isinstance(found, WholeFleet):
        return found
    name = file.relative_to(top).as_posix()
    with closing(CommitTree(top / ".git", found.commit)) as tree:
        try:
            before = Snapshot(tree)
            if name not in before.paths:
                return WholeFleet(f"{message_text(name)} is new since {found.name}")
            manifests = _Manifests(past_manifest(Path(name), tree.read(name)), manifest, parent(name))
        except InputError as error:
            return WholeFleet(f"the fleet of {found.name} cannot be read: {error.message}")
        sides = Snapshots(before, Snapshot(CheckoutTree(top)), changed_paths(top, found.commit))
        return Change(
            since=found.name,
            manifest=manifests.before,
            paths=sides.changed,
            files=_files(manifests, sides),
            template=_template(manifests, sides) if backend == "e2b" else None,
            holds_action=manifest.fleet.action == "./" and "action.yml" in before.paths | sides.now.paths,
        )


def _files(manifests: _Manifests, sides: Snapshots) -> dict[str, str]:
    sources = {
        crate.name: manifests.path(crate.source.path)
        for crate in manifests.now.crates
        if isinstance(crate.source, PathSource)
    }
    found = ((name, why_built(directory, sides)) for name, directory in sources.items())
    return {name: reason for name, reason in found if reason is not None}


def _template(manifests: _Manifests, sides: Snapshots) -> str | None:
    """Say what changed of the image: its name, its definition, or its Dockerfile but for what that pre-fetches."""
    name = manifests.now.fleet.template
    if name != manifests.before.fleet.template:
        return f"it is {name} now"
    definitions = {manifests.path("e2b/template.json")}
    if manifests.now.fleet.action == "./":  # the one that is used where a manifest has none beside it
        definitions.add("e2b/template.json")
    image = f"e2b/{name}.Dockerfile"
    different = sorted(definitions & sides.changed)
    if image in sides.changed and _image(image, sides.before) != _image(image, sides.now):
        different.append(image)
    return first_of(different) if different else None


def _image(path: str, side: Snapshot) -> bytes | None:
    return _PREFETCHED.sub(b"", side.tree.read(path)) if path in side.paths else None
