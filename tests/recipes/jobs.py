"""Build jobs for tests of recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet
from generator.manifest.settings import settings
from generator.recipes.job import BuildJob
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import Toolchain


def job_of(root: Path, toolchain: Toolchain | None = None, **crate: Any) -> BuildJob:
    """Return the build job of one crate for the host alone, in a sandbox with the directory `root`."""
    entry = {"name": "x", "version": "1.0.0", "kind": "bin", "source": {"path": "crate"}, **crate}
    model = Crate.model_validate_json(json.dumps(entry))
    merged = settings(Fleet(npm_scope="@demo"), model)
    source = CollectedSource(None, "crate", "crate", "", has_lock=False)
    bare = Toolchain("linux-x64-gnu", frozenset())
    return BuildJob(model, merged, source, ("linux-x64-gnu",), toolchain or bare, str(root))
