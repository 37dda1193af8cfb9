"""The crates that a change of the repository affects, with a reason for each crate that is built or left out.

A pure function of two manifests and of a `Change`, which `changes` finds with git.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator.manifest.crate_models import Crate
from generator.manifest.effects import Effect
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.settings import build_input, settings
from generator.planning.own_code import own_code, package_code
from generator.strict import Strict
from generator.text import counted, escaped

MAX_NAMES_BYTES: Final = 100 * 1024
"""Limit for the names of crates in one environment variable. Linux allows 128 KiB with its name (MAX_ARG_STRLEN)."""

# Characters of a path in a reason.
MAX_PATH_SHOWN: Final = 200


class Reason(Strict):
    """The reason why a crate is built, or why it is not."""

    crate: str
    built: bool
    reason: str


@dataclass(frozen=True)
class WholeFleet:
    """The change when nothing can be compared and the whole fleet is built; `reason` says why."""

    reason: str


@dataclass(frozen=True)
class Change:
    """The differences between the repository now and at an earlier commit, which messages call `since`.

    `manifest` is the earlier manifest. `paths` are the changed files, from the repository's top. `file_reasons` has a
    sentence for each crate whose files changed. `template_reason` says what changed in the sandbox template, for a
    backend that has one. `holds_action` is True if this repository holds the action of its own workflows.
    """

    since: str
    manifest: Manifest
    paths: frozenset[str]
    file_reasons: Mapping[str, str]
    template_reason: str | None = None
    holds_action: bool = False


def affected(manifest: Manifest, change: Change | WholeFleet) -> tuple[Reason, ...]:
    """Return a reason for every crate of the manifest, sorted by name."""
    if isinstance(change, WholeFleet):
        return _reasons(manifest, dict.fromkeys(_names(manifest), change.reason))
    if (whole_fleet := _whole_fleet_reason(manifest, change)) is not None:
        return _reasons(manifest, dict.fromkeys(_names(manifest), whole_fleet))
    canaries = _canaries(manifest, change)
    built = {**canaries, **_with_dependents(manifest, _changed(manifest, change))}
    if len(built) < len(manifest.crates) and not fits_in_variable(built):
        too_many = "the names of the affected crates are too long for a variable, so the whole fleet is built"
        built = {name: built.get(name, too_many) for name in _names(manifest)}
    beside = "; canaries are built for the change of cratematrix itself" if canaries else ""
    return _reasons(manifest, built, f"nothing that it is built from changed since {change.since}{beside}")


def fits_in_variable(names: Iterable[str]) -> bool:
    """Return True if one environment variable can hold these names."""
    return len(" ".join(names)) <= MAX_NAMES_BYTES


def _names(manifest: Manifest) -> list[str]:
    return [crate.name for crate in manifest.crates]


def _reasons(manifest: Manifest, built: Mapping[str, str], left_out: str = "") -> tuple[Reason, ...]:
    return tuple(
        Reason(crate=name, built=name in built, reason=built.get(name, left_out)) for name in sorted(_names(manifest))
    )


def _whole_fleet_reason(manifest: Manifest, change: Change) -> str | None:
    """Return a change that affects every crate, or None."""
    # The template affects only backends that have one: `change` has it.
    for key in sorted(Fleet.keys(Effect.ENVIRONMENT) - {"template"}):
        before, now = getattr(change.manifest.fleet, key), getattr(manifest.fleet, key)
        if before != now:
            return f"the {key} changed from {before} to {now}"
    if change.holds_action and (found := package_code(change.paths)):
        return f"code that decides what packages hold changed: {first_path(found)}"
    if change.holds_action and not manifest.fleet.canaries and (found := own_code(change.paths)):
        return f"cratematrix itself changed: {first_path(found)}"
    return f"the sandbox template changed: {change.template_reason}" if change.template_reason else None


def _canaries(manifest: Manifest, change: Change) -> dict[str, str]:
    """Return the crates that are built because code of the tool itself changed, each with the reason."""
    found = own_code(change.paths) if change.holds_action else []
    if not found:
        return {}
    return dict.fromkeys(
        manifest.fleet.canaries, f"it is a canary, and cratematrix itself changed: {first_path(found)}"
    )


def _changed(manifest: Manifest, change: Change) -> dict[str, str]:
    """Return the crates that changed themselves, each with its reason."""
    before = {crate.name: _build_input(change.manifest.fleet, crate) for crate in change.manifest.crates}
    reasons = {}
    for crate in manifest.crates:
        reason = _settings_reason(before.get(crate.name), _build_input(manifest.fleet, crate))
        reason = reason or change.file_reasons.get(crate.name)
        if reason is not None:
            reasons[crate.name] = reason
    return reasons


def _build_input(fleet: Fleet, crate: Crate) -> dict[str, object]:
    return build_input(crate, settings(fleet, crate))


def _settings_reason(before: Mapping[str, object] | None, now: Mapping[str, object]) -> str | None:
    if before is None:
        return "it is new in the manifest"
    different = [key for key in now if now[key] != before[key]]
    return f"its settings in the manifest changed: {', '.join(different)}" if different else None


def _with_dependents(manifest: Manifest, changed: Mapping[str, str]) -> dict[str, str]:
    """Add all dependents of the changed crates. The reason of each names its first dependency that is built."""
    dependents: dict[str, list[str]] = {}
    for crate in manifest.crates:
        for needed in crate.depends_on:
            dependents.setdefault(needed, []).append(crate.name)
    reasons, queue = dict(changed), sorted(changed)
    for needed in queue:  # The loop appends to its own queue, so the nearest dependents come first.
        for name in sorted(dependents.get(needed, ())):
            if name not in reasons:
                reasons[name] = f"it depends on {needed}, which is built"
                queue.append(name)
    return reasons


def first_path(paths: Sequence[str]) -> str:
    """Return the first of some paths, escaped for messages, and the number of the others."""
    more = len(paths) - 1
    return escaped(paths[0][:MAX_PATH_SHOWN]) + (f" and {counted(more, 'more file')}" if more else "")
