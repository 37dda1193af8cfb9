"""Rendering of all generated files from a manifest and its shards; only templates are read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter, ValidationError

from generator.errors import InputError
from generator.files.templates import template_environment
from generator.manifest.fleet_models import Fleet
from generator.manifest.headers import referenced_variables
from generator.manifest.models import Manifest
from generator.manifest.settings import passed_variables, settings
from generator.manifest.values import RelativePath
from generator.planning.balance import Shard
from generator.planning.limits import jobs_at_once
from generator.sandboxes.e2b.template.dockerfile import prefetch_lines, render_dockerfile
from generator.workflows import limits
from generator.workflows.header import header
from generator.workflows.pins import pins
from generator.workflows.values import Comment, Name, Part, yaml_value

# The runner sets these for every step. GitHub refuses secrets and variables whose names begin with GITHUB_.
_RUNNER_VARIABLES: Final = re.compile(r"CI|(GITHUB|RUNNER)_.*")
# Minutes to install the tool and to fill a sandbox's download caches.
SETUP_MINUTES: Final = 20
WORKFLOWS: Final = ".github/workflows"
SETUP: Final = ".github/actions/setup"


def render(manifest: Manifest, shards: Sequence[Shard], manifest_path: str) -> dict[str, str]:
    """Return the text of every generated file by its path from the repository's root.

    `manifest_path` is relative to that root. InputError for a path that is unsafe in a workflow, and for a result over
    GitHub's limits.
    """
    _check_path(manifest_path)
    limits.check_shards(len(shards))
    environment = template_environment(yaml_value)
    values = _values(manifest, shards, manifest_path)
    rendered = {
        f"{WORKFLOWS}/{file}": header(manifest_path)
        + environment.get_template(f"{WORKFLOWS}/{workflow}.yml.j2").render(values)
        for workflow, file in manifest.fleet.workflows.model_dump().items()
    }
    limits.check_workflows(rendered)
    image = f"e2b/{manifest.fleet.template}.Dockerfile"
    return {**rendered, image: header(manifest_path) + render_dockerfile(prefetch_lines(manifest))}


def job_minutes(manifest: Manifest, shards: int) -> int:
    """Return the timeout in minutes of a shard's job.

    The expected time of a slot is at most the mean plus the longest crate (Graham, 1966: longest crate first). The
    timeout is twice that, plus one crate's timeout and the setup. It is rounded up to tens, so that a new estimate
    seldom changes the file, and never exceeds GitHub's limit.
    """
    expected = [crate.expected_minutes for crate in manifest.crates]
    longest_attempt = max(settings(manifest.fleet, crate).timeout_minutes for crate in manifest.crates)
    slots = shards * manifest.fleet.slots_per_job
    allowed = 2 * (math.fsum(expected) / slots + max(expected)) + longest_attempt + SETUP_MINUTES
    return min(math.ceil(allowed / 10) * 10, limits.JOB_MINUTES)


def _values(manifest: Manifest, shards: Sequence[Shard], manifest_path: str) -> dict[str, object]:
    fleet = manifest.fleet
    return {
        "manifest": manifest_path,
        # In path filters + repeats the character before it; a manifest's path has no other special character.
        "manifest_pattern": manifest_path.replace("+", r"\+"),
        # One repository may have several manifests.
        "cache": Part(path=manifest_path),
        "action": fleet.action,
        "setup": _setup(fleet.action),
        "sources": _trigger_paths(fleet),
        "backend": fleet.backend,
        "uses_e2b": fleet.backend == "e2b",
        "measures_coverage": fleet.backend == "local"
        and any(settings(fleet, crate).coverage for crate in manifest.crates),
        "variables": [Name(name=name) for name in _build_variables(manifest)],
        "schedule": fleet.schedule,
        "pages": fleet.pages,
        "release_tags": fleet.release_tags,
        "shards": _shards(manifest, shards),
        "max_parallel": jobs_at_once(fleet, fleet.backend, fleet.jobs or fleet.slots),
        "timeout_minutes": job_minutes(manifest, len(shards)),
        "pins": pins(),
    }


def _setup(action: str) -> str:
    """Return the action that only installs the command: a folder of the action that builds."""
    name, at, ref = action.partition("@")
    return f"{name.rstrip('/')}/{SETUP}{at}{ref}"


def _trigger_paths(fleet: Fleet) -> list[str]:
    """Return path filters for the generated files and for their sources besides the manifest."""
    own = ["generator/**", "templates/**"] if fleet.action == "./" else []
    return [".github/workflows/**", "e2b/**", *own]


def _build_variables(manifest: Manifest) -> list[str]:
    """Return names of the repository's secrets and variables for a build: `env` of crates, and gateway headers."""
    named = {name for value in manifest.fleet.e2b.headers.values() for name in referenced_variables(value)}
    return sorted(name for name in passed_variables(manifest) | named if not _RUNNER_VARIABLES.fullmatch(name))


def _shards(manifest: Manifest, shards: Sequence[Shard]) -> list[dict[str, object]]:
    """Return the matrix; each shard has its crates and versions in a comment for reviewers."""
    versions = {crate.name: crate.version for crate in manifest.crates}
    return [
        {
            "index": shard.index,
            "name": f"{shard.index}/{len(shards)}",
            "crates": Comment(text=", ".join(f"{name} {versions[name]}" for name in shard.crates) or "nothing"),
        }
        for shard in shards
    ]


def _check_path(manifest_path: str) -> None:
    # A space would end the manifest's name in the first line of generated files.
    if " " in manifest_path or not _is_path(manifest_path):
        raise InputError(
            f"the manifest's path {manifest_path!r} cannot be used in a workflow: it must be relative to the"
            " repository's root, without .., of letters, digits and . _ @ + - /"
        )


def _is_path(text: str) -> bool:
    try:
        TypeAdapter(RelativePath).validate_python(text)
    except ValidationError:
        return False
    return True
