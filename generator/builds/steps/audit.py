"""Auditing everything of a package that a machine executes, before it is packed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from generator.audit.findings import Audit
from generator.audit.magic import is_binary
from generator.audit.reading import read_facts
from generator.audit.rules import MinimumVersions, audit
from generator.builds.artifacts import unit_artifacts
from generator.errors import Unbuildable
from generator.platforms import PLATFORMS_OF_KIND, Kind, PlatformName
from generator.reports.models import Unit

# How many violations the failure's sentence tells; the log and the report have them all.
TOLD: Final = 3
# Of one platform: each costs a process that reads it.
MAX_BINARIES: Final = 50


def audit_unit(unit: Unit, staged: Path, kind: Kind, minimum: MinimumVersions, say: Callable[[str], object]) -> Unit:
    """Audit a unit's artifacts and say what was found; a violation fails it. Unbuildable when they are too many."""
    if len(unit.artifacts) > MAX_BINARIES:
        raise Unbuildable(
            f"the build left {len(unit.artifacts)} binaries for {unit.platform}: at most {MAX_BINARIES} may be"
        )
    facts = (read_facts(staged / each.file, each.file) for each in unit.artifacts)
    audits = tuple(audit(each, unit.platform, kind, minimum) for each in facts)
    for finding in (finding for each in audits for finding in each.findings):
        say(f"{'error' if finding.severity == 'violation' else 'note'}: {finding.message}")
    found = violations(audits)
    state = {"state": "failed", "reason": summary(found)} if found else {}
    return unit.model_copy(update={"audit": audits, **state})


def violations(audits: Iterable[Audit]) -> list[str]:
    """Return the sentences on what must not be packed."""
    return [each.message for found in audits for each in found.findings if each.severity == "violation"]


def summary(sentences: list[str]) -> str:
    """Return the first sentences as one, and how many more there are."""
    more = [f"and {len(sentences) - TOLD} more"] if len(sentences) > TOLD else []
    return "; ".join([*sentences[:TOLD], *more])


def unassigned_binaries(staged: Path, named: Iterable[Unit]) -> list[str]:
    """Return a sentence on each binary that no platform's naming covers: nothing says what it would have to be."""
    known = {artifact.file for unit in named for artifact in unit.artifacts}
    files = {path.relative_to(staged).as_posix(): path for path in staged.rglob("*") if path.is_file()}
    found = sorted(name for name, path in files.items() if name not in known and is_binary(_head(path)))
    told = "is a binary for no platform of the crate: leave it out, or name it for its platform"
    return [f"{name} {told}" for name in found]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def binaries_from_source(staged: Path, built: Iterable[PlatformName], kind: Kind) -> tuple[Unit, ...]:
    """Return the binaries of platforms that were not built here: they lay in the source, and would be packed."""
    found = ((name, unit_artifacts(staged, name)) for name in PLATFORMS_OF_KIND[kind] if name not in built)
    return tuple(Unit(platform=name, state="not_run", artifacts=each) for name, each in found if each)
