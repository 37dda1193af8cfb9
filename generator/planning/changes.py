"""The changes of a fleet since a commit: its manifest, the files of its crates, and the sandbox template."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.cargo.directories import parent, resolve_path
from generator.errors import InputError
from generator.manifest.crate_files import CrateFiles
from generator.manifest.models import Manifest
from generator.manifest.reading import parse_past_manifest
from generator.manifest.source_models import PathSource
from generator.planning.affected import Change, WholeFleet, first_path
from generator.planning.file_changes import Snapshot, Snapshots, file_reason
from generator.planning.git_history import base_commit, changed_paths
from generator.sources.collect import fleet_files, repository_top
from generator.sources.revisions import CommitTree
from generator.sources.selection import wanted
from generator.sources.tree import CheckoutTree
from generator.text import message_text

# The crates that a rendered Dockerfile prefetches. They follow the manifest, and an image without them still works.
_PREFETCHED: Final = re.compile(rb"<<'FLEET'\n.*?^FLEET$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class _Manifests:
    """The manifest before and now, and its directory from the repository's top."""

    before: Manifest
    now: Manifest
    directory: str

    def path(self, relative: str) -> str:
        """Return a path relative to the manifest as one from the top. The manifest's checks keep it inside."""
        return resolve_path(self.directory, relative) or "."


def changes(manifest: Manifest, file: Path, ref: str, backend: str) -> Change | WholeFleet:
    """Compare the tracked files of the working tree with the merge base of `ref` and HEAD.

    `file` is the path of the manifest. InputError if git does not know `ref` or lacks the history. The whole fleet is
    built if the earlier state cannot be read.
    """
    file = file.resolve()
    top = repository_top(file.parent)
    base = base_commit(top, ref)
    if isinstance(base, WholeFleet):
        return base
    name = file.relative_to(top).as_posix()
    with closing(CommitTree(top / ".git", base.commit)) as tree:
        try:
            before = Snapshot(tree)
            if name not in before.paths:
                return WholeFleet(f"{message_text(name)} is new since {base.name}")
            past = parse_past_manifest(Path(name), tree.read(name), CrateFiles(parent(name), before.text))
            manifests = _Manifests(past, manifest, parent(name))
        except InputError as error:
            return WholeFleet(f"the fleet of {base.name} cannot be read: {error.message}")
        snapshots = Snapshots(before, Snapshot(CheckoutTree(top)), changed_paths(top, base.commit))
        return Change(
            since=base.name,
            manifest=manifests.before,
            paths=snapshots.changed,
            file_reasons=_file_reasons(manifests, snapshots, fleet_files(manifest, name)),
            template_reason=_template_reason(manifests, snapshots) if backend == "e2b" else None,
            holds_action=manifest.fleet.action == "./" and "action.yml" in before.paths | snapshots.now.paths,
        )


def _file_reasons(manifests: _Manifests, snapshots: Snapshots, unread: frozenset[str]) -> dict[str, str]:
    requests = {
        crate.name: wanted(crate, crate.source, manifests.directory, unread)
        for crate in manifests.now.crates
        if isinstance(crate.source, PathSource)
    }
    reasons = ((name, file_reason(request, snapshots)) for name, request in requests.items())
    return {name: reason for name, reason in reasons if reason is not None}


def _template_reason(manifests: _Manifests, snapshots: Snapshots) -> str | None:
    """Return what changed in the image: its name, its definition, or its Dockerfile apart from prefetched crates."""
    name = manifests.now.fleet.template
    if name != manifests.before.fleet.template:
        return f"it is {name} now"
    definitions = {manifests.path("e2b/template.json")}
    if manifests.now.fleet.action == "./":  # The action's own definition is the default for other manifests.
        definitions.add("e2b/template.json")
    dockerfile = f"e2b/{name}.Dockerfile"
    different = sorted(definitions & snapshots.changed)
    if dockerfile in snapshots.changed and _image(dockerfile, snapshots.before) != _image(dockerfile, snapshots.now):
        different.append(dockerfile)
    return first_path(different) if different else None


def _image(path: str, snapshot: Snapshot) -> bytes | None:
    return _PREFETCHED.sub(b"", snapshot.tree.read(path)) if path in snapshot.paths else None
