"""The inputs that builds would have now, for a plan: a source is collected, and thrown away again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.backends.local import local_conditions
from generator.builds.environment import Conditions
from generator.builds.inputs import BuildInputs, build_inputs, unmet_needs
from generator.files.private_directories import create_private_directory
from generator.files.user_cache import cache_directory
from generator.manifest.crate_models import Crate
from generator.manifest.finding import default_output
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.manifest.values import BackendName
from generator.sandboxes.e2b.template.definition import load_definition
from generator.sources.collect import collect, source_locations


@contextmanager
def current_inputs(loaded: Manifest, manifest: Path, backend: BackendName) -> Iterator[Callable[[Crate], BuildInputs]]:
    """Give a function that returns the inputs of a crate, for a build on this machine or at E2B.

    InputError for a toolchain that cannot be read. The function raises InputError or Unavailable for such a source.
    """
    conditions, cache = _conditions(loaded, manifest, backend), cache_directory(os.environ)
    locations = source_locations(loaded, manifest, cache / "git", default_output())
    scratch = create_private_directory(cache / "scratch", "plan")

    def read(crate: Crate) -> BuildInputs:
        merged = settings(loaded.fleet, crate)
        unmet = unmet_needs(crate, merged, conditions.toolchain)
        source = collect(crate, locations, scratch.path / "source.tar")
        platforms = tuple(each for each in merged.platforms if each not in unmet)
        return build_inputs(crate, merged, conditions, os.environ, platforms, source)

    try:
        yield read
    finally:
        scratch.remove()


def _conditions(loaded: Manifest, manifest: Path, backend: BackendName) -> Conditions:
    if backend == "local":
        return local_conditions(os.environ)
    from generator.backends.e2b import e2b_conditions  # noqa: PLC0415  local builds need no E2B SDK

    return e2b_conditions(loaded, load_definition(manifest.resolve().parent))
