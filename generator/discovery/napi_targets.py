"""The targets that an addon's package.json names, as platforms."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from generator.discovery.package_json import PackageJson
from generator.discovery.scan import printable
from generator.platforms import PLATFORM_NAMES, PLATFORMS, PlatformName

# What napi's version 2 builds with `napi.triples.defaults`.
_DEFAULTS: Final = ("x86_64-pc-windows-msvc", "x86_64-apple-darwin", "x86_64-unknown-linux-gnu")
_NAMES: Final[dict[str, PlatformName]] = {each.target: name for name, each in PLATFORMS.items()}
MAX_NAMED: Final = 10


@dataclass(frozen=True)
class NapiTargets:
    """The platforms of an addon, None if its package.json names no target, and the targets that no platform has."""

    platforms: tuple[PlatformName, ...] | None = None
    unknown: tuple[str, ...] = ()


def target_notes(found: Iterable[tuple[str, NapiTargets]]) -> tuple[str, ...]:
    """Return a note on targets that cannot be built, one for all directories of addons with the same targets."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for directory, targets in found:
        if targets.unknown:
            rest = "" if targets.platforms else ", so all platforms are taken"
            alike.setdefault((targets.unknown, rest), []).append(posixpath.normpath(f"{directory}/package.json"))
    return tuple(
        printable(f"{_listed(paths)}: cratematrix cannot build these napi.targets: {_listed(unknown)}{rest}")
        for (unknown, rest), paths in alike.items()
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def napi_targets(package: PackageJson | None) -> NapiTargets:
    """Return the targets of `napi.targets`, or of `napi.triples` as napi's version 2 has them."""
    wanted = _wanted(package.napi or {}) if package else []
    platforms = {platform for target in wanted if (platform := _platform(target))}
    return NapiTargets(
        tuple(name for name in PLATFORM_NAMES if name in platforms) or None,
        tuple(target for target in wanted if _platform(target) is None),
    )


def _wanted(napi: dict[str, Any]) -> list[str]:
    if isinstance(targets := napi.get("targets"), list):
        return _texts(targets)
    triples = napi.get("triples")
    if not isinstance(triples, dict):
        return []
    defaults = [] if triples.get("defaults") is False else [*_DEFAULTS]
    return [*defaults, *_texts(triples.get("additional"))]


def _texts(values: object) -> list[str]:
    return [*dict.fromkeys(each for each in values if isinstance(each, str))] if isinstance(values, list) else []


def _platform(target: str) -> PlatformName | None:
    return "wasm32" if target.startswith("wasm32-wasi") else _NAMES.get(target)
