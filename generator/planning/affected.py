"""What a change of the repository affects: for every crate why it is built, or why it is not.

What changed in files is found out elsewhere, with git; here it is weighed against the two manifests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator.manifest.models import Crate, Fleet, Manifest
from generator.manifest.problems import escaped
from generator.manifest.settings import Settings, settings
from generator.planning.own_code import own_code, package_code
from generator.strict import Strict
from generator.text import counted

MAX_NAMES: Final = 100 * 1024
"""Bytes of crates' names in one variable. Linux takes 128 KiB with the variable's own name (MAX_ARG_STRLEN)."""

# Characters of a path in a reason.
MAX_SHOWN: Final = 200
# What decides only when, how often and after what a crate is built; `not_for_kind` is what is not built at all.
_NOT_BUILT_FROM: Final = frozenset({"depends_on", "expected_minutes", "retries", "not_for_kind"})


class Reason(Strict):
    """Why a crate is built, or why it is not."""

    crate: str
    built: bool
    reason: str


@dataclass(frozen=True)
class WholeFleet:
    """Nothing to compare with, so that the whole fleet is built; `reason` says why."""

    reason: str


@dataclass(frozen=True)
class Change:
    """What became of the repository since an earlier state that messages call `since`.

    `manifest` is the earlier one, `paths` are the files that changed, from the repository's top. `files` says for
    crates of the checkout why their files let them be built; a crate without a sentence has the same files as before.
    `template` is what changed of the image that sandboxes start from, where sandboxes do. `holds_action` is whether
    the action of the workflows is this repository itself.
    """

    since: str
    manifest: Manifest
    paths: frozenset[str]
    files: Mapping[str, str]
    template: str | None = None
    holds_action: bool = False


def affected(manifest: Manifest, change: Change | WholeFleet) -> tuple[Reason, ...]:
    """Return a reason for every crate of the manifest, sorted by name."""
    if isinstance(change, WholeFleet):
        return _reasons(manifest, dict.fromkeys(_names(manifest), change.reason))
    if (whole := _whole_fleet(manifest, change)) is not None:
        return _reasons(manifest, dict.fromkeys(_names(manifest), whole))
    canaries = _canaries(manifest, change)
    why = {**canaries, **_with_dependents(manifest, _changed(manifest, change))}
    if len(why) < len(manifest.crates) and not fits(why):
        too_many = "more crates are affected than a variable can name, so the whole fleet is built"
        why = {name: why.get(name, too_many) for name in _names(manifest)}
    beside = "; canaries are built for the change of cratematrix itself" if canaries else ""
    return _reasons(manifest, why, f"nothing that it is built from changed since {change.since}{beside}")


def fits(names: Iterable[str]) -> bool:
    """Whether these names can be handed on in one variable."""
    return len(" ".join(names)) <= MAX_NAMES


def _names(manifest: Manifest) -> list[str]:
    return [crate.name for crate in manifest.crates]


def _reasons(manifest: Manifest, why: Mapping[str, str], left_out: str = "") -> tuple[Reason, ...]:
    return tuple(
        Reason(crate=name, built=name in why, reason=why.get(name, left_out)) for name in sorted(_names(manifest))
    )


def _whole_fleet(manifest: Manifest, change: Change) -> str | None:
    """Say what changed for every crate, if anything did."""
    for key in ("action", "backend"):
        before, now = getattr(change.manifest.fleet, key), getattr(manifest.fleet, key)
        if before != now:
            return f"the {key} changed from {before} to {now}"
    if change.holds_action and (found := package_code(change.paths)):
        return f"code that decides what packages hold changed: {first_of(found)}"
    if change.holds_action and not manifest.fleet.canaries and (found := own_code(change.paths)):
        return f"cratematrix itself changed: {first_of(found)}"
    return f"the sandbox template changed: {change.template}" if change.template else None


def _canaries(manifest: Manifest, change: Change) -> dict[str, str]:
    """Return the crates that are built because code of the tool itself changed, each with the reason."""
    found = own_code(change.paths) if change.holds_action else []
    if not found:
        return {}
    return dict.fromkeys(manifest.fleet.canaries, f"it is a canary, and cratematrix itself changed: {first_of(found)}")


def _changed(manifest: Manifest, change: Change) -> dict[str, str]:
    """Crates that changed themselves, each with the reason."""
    before = {crate.name: _built_from(change.manifest.fleet, crate) for crate in change.manifest.crates}
    why = {}
    for crate in manifest.crates:
        found = _entry(before.get(crate.name), _built_from(manifest.fleet, crate)) or change.files.get(crate.name)
        if found is not None:
            why[crate.name] = found
    return why


def _built_from(fleet: Fleet, crate: Crate) -> dict[str, object]:
    """What a manifest says that decides how a crate is built, by key, with the fleet's settings in force."""
    own = crate.model_dump(exclude={*Settings.model_fields, *_NOT_BUILT_FROM})
    return {**own, **settings(fleet, crate).model_dump(exclude={*_NOT_BUILT_FROM})}


def _entry(before: Mapping[str, object] | None, now: Mapping[str, object]) -> str | None:
    if before is None:
        return "it is new in the manifest"
    different = [key for key in now if now[key] != before[key]]
    return f"its settings in the manifest changed: {', '.join(different)}" if different else None


def _with_dependents(manifest: Manifest, changed: Mapping[str, str]) -> dict[str, str]:
    """Add all that depends on what changed, each naming the first of those that it depends on itself."""
    dependents: dict[str, list[str]] = {}
    for crate in manifest.crates:
        for needed in crate.depends_on:
            dependents.setdefault(needed, []).append(crate.name)
    why, waiting = dict(changed), sorted(changed)
    for needed in waiting:  # grows while it is walked: nearest dependents first
        for name in sorted(dependents.get(needed, ())):
            if name not in why:
                why[name] = f"it depends on {needed}, which is built"
                waiting.append(name)
    return why


def first_of(paths: Sequence[str]) -> str:
    """Name the first of some files, safe to show, and say how many more there are."""
    more = len(paths) - 1
    return escaped(paths[0][:MAX_SHOWN]) + (f" and {counted(more, 'more file')}" if more else "")
