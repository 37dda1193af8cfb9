"""Comparison of a crate's inputs with those of the run before, for `plan --explain`."""

from __future__ import annotations

import os
from pathlib import Path

from generator.backends.local import local_conditions
from generator.builds.environment import Conditions
from generator.builds.inputs import BuildInputs, build_inputs, unmet_needs
from generator.builds.selection import select_crates
from generator.console.output import print_message
from generator.files.private_directories import create_private_directory
from generator.files.user_cache import cache_directory
from generator.manifest.crate_models import Crate
from generator.manifest.finding import default_output
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.manifest.values import BackendName
from generator.planning.explanation import Explanation, explain
from generator.reports.memory import REPORT, find_inputs, load_inputs
from generator.sandboxes.e2b.template.definition import load_definition
from generator.sources.collect import collect, source_locations


def explanation(
    name: str, loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None
) -> Explanation:
    """Compare the inputs of a crate now with those in a report or an index, by default the last report in `dist`.

    InputError for an unknown crate, for a source that cannot be read, and for a file that is neither.
    """
    (name,) = select_crates(loaded, crates=(name,)).names
    out = default_output()
    before = load_inputs(previous, name) if previous else find_inputs(out, name)
    print_message(f"inputs of {name}, compared with {previous or out / REPORT}")
    if before is None:
        return explain(name, None, {}, ())
    crate = next(each for each in loaded.crates if each.name == name)
    now = _inputs(crate, loaded, manifest, _conditions(loaded, manifest, backend))
    return explain(name, before, now.digests, now.secret)


def _conditions(loaded: Manifest, manifest: Path, backend: BackendName) -> Conditions:
    if backend == "local":
        return local_conditions(os.environ)
    from generator.backends.e2b import e2b_conditions  # noqa: PLC0415  local builds need no E2B SDK

    return e2b_conditions(loaded, load_definition(manifest.resolve().parent))


def _inputs(crate: Crate, loaded: Manifest, manifest: Path, conditions: Conditions) -> BuildInputs:
    """Return the inputs that a build of the crate would have now; its source is collected and thrown away."""
    merged, cache = settings(loaded.fleet, crate), cache_directory(os.environ)
    unmet = unmet_needs(crate, merged, conditions.toolchain)
    scratch = create_private_directory(cache / "scratch", "plan")
    try:
        locations = source_locations(loaded, manifest, cache / "git", default_output())
        source = collect(crate, locations, scratch.path / "source.tar")
    finally:
        scratch.remove()
    platforms = tuple(each for each in merged.platforms if each not in unmet)
    return build_inputs(crate, merged, conditions, os.environ, platforms, source)
