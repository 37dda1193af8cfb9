"""The needs of a manifest's crates. The doctor checks a machine for these alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.doctor.findings import Finding
from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.reading import cli_command, load_manifest
from generator.manifest.settings import settings
from generator.platforms import PLATFORM_NAMES, PLATFORMS_OF_KIND, Kind, PlatformName
from generator.text import counted


@dataclass(frozen=True)
class Needs:
    """The kinds of crates for each platform, the platforms that may not be skipped, and whether to measure coverage."""

    kinds: Mapping[PlatformName, frozenset[Kind]]
    required: frozenset[PlatformName] = frozenset()
    coverage: bool = True


# Without a manifest, every platform may be needed.
EVERYTHING = Needs({platform: frozenset(PLATFORMS_OF_KIND) for platform in PLATFORM_NAMES})


def needs_of(manifest: Manifest) -> Needs:
    """Return what the crates of a manifest need."""
    merged = [(crate.kind, settings(manifest.fleet, crate)) for crate in manifest.crates]
    return Needs(
        kinds={
            platform: kinds
            for platform in PLATFORM_NAMES
            if (kinds := frozenset(kind for kind, each in merged if platform in each.platforms))
        },
        required=frozenset(platform for _, each in merged for platform in each.required),
        coverage=any(each.coverage for _, each in merged),
    )


def manifest_needs(path: Path) -> tuple[Finding, Needs]:
    """Return the finding on a manifest, and what it needs: everything, if there is none that can be read."""
    if not path.exists():
        message = "there is none here, so every platform is checked"
        return Finding("manifest", "note", message, cli_command("init", path)), EVERYTHING
    try:
        manifest = load_manifest(path)
    except InputError as error:
        return Finding("manifest", "missing", error.message, cli_command("check", path)), EVERYTHING
    return Finding("manifest", "ok", f"{path}: {', '.join(_counts(manifest))}"), needs_of(manifest)


def _counts(manifest: Manifest) -> Iterator[str]:
    yield counted(len(manifest.crates), "crate")
    for kind, count in sorted(Counter(crate.kind for crate in manifest.crates).items()):
        yield f"{count} {kind}"
