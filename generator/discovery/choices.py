"""The choices for a first manifest, parsed from options or answers."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import cast

from generator.cargo.manifests import manifest_path
from generator.discovery.crates import Discovery, FoundCrate
from generator.discovery.scan import SkippedFile
from generator.discovery.scopes import is_valid
from generator.errors import InputError
from generator.manifest.values import ActionRef, BackendName, NpmScope
from generator.platforms import DEFAULT_PLATFORMS, PLATFORM_NAMES, PLATFORMS_OF_KIND, PlatformName


@dataclass(frozen=True)
class Choices:
    """The choices for a first manifest; None stands for what the repository says, or for the default."""

    scope: str | None = None
    platforms: tuple[PlatformName, ...] | None = None
    action: str | None = None
    backend: BackendName = "local"


def parse_scope(text: str) -> str:
    """Return an npm scope; InputError if it is none."""
    if not is_valid(NpmScope, text):
        raise InputError(f"{text[:120]!r} is not an npm scope", fix="give one like @your-scope, in lower case")
    return text


def parse_platforms(text: str) -> tuple[PlatformName, ...]:
    """Return the platforms of a list with commas or spaces; InputError for an unknown name."""
    names = [each for each in re.split(r"[,\s]+", text) if each]
    for name in names:
        if name not in PLATFORM_NAMES:
            near = difflib.get_close_matches(name, PLATFORM_NAMES, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"{name[:60]!r} is not one of {', '.join(PLATFORM_NAMES)}{hint}")
    if not names:
        raise InputError(f"no platform is named; there are {', '.join(PLATFORM_NAMES)}")
    return tuple(each for each in PLATFORM_NAMES if each in names)


def parse_action(text: str) -> str | None:
    """Return where workflows find cratematrix, None for an empty text; InputError for anything else."""
    if text and not is_valid(ActionRef, text):
        raise InputError(f"{text[:120]!r} is not an action", fix="give ./ or OWNER/REPOSITORY@REF")
    return text or None


def parse_backend(text: str) -> BackendName:
    """Return a backend; InputError for an unknown one."""
    if text not in ("local", "e2b"):
        raise InputError(f"{text[:60]!r} is not one of local, e2b")
    return cast(BackendName, text)


def platforms_of(crates: tuple[FoundCrate, ...]) -> tuple[PlatformName, ...]:
    """Return the platforms that some crate wants: by its `napi.targets`, or else the default ones of its kind."""
    defaults = {kind: set(DEFAULT_PLATFORMS) & {*valid} for kind, valid in PLATFORMS_OF_KIND.items()}
    wanted = {platform for crate in crates for platform in crate.platforms or defaults[crate.kind]}
    return tuple(name for name in PLATFORM_NAMES if name in wanted)


def for_platforms(discovery: Discovery, platforms: tuple[PlatformName, ...]) -> Discovery:
    """Return a discovery without the crates whose kind has none of the platforms; they are skipped files then."""
    kept = tuple(each for each in discovery.crates if not {*PLATFORMS_OF_KIND[each.kind]}.isdisjoint(platforms))
    names = {each.name for each in kept}
    reason = "its kind, {}, has none of the chosen platforms"
    left_out = (
        SkippedFile(manifest_path(each.path), reason.format(each.kind))
        for each in discovery.crates
        if each.name not in names
    )
    crates = (replace(each, depends_on=tuple(to for to in each.depends_on if to in names)) for each in kept)
    skipped = sorted([*discovery.skipped, *left_out], key=lambda each: each.path)
    return replace(discovery, crates=tuple(crates), skipped=tuple(skipped))
