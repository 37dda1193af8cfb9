"""The file of a plan, from `plan --json`: read by the jobs of a run, and compared with their manifest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.planning.plan import Plan
from generator.text import message_text

MAX_PLAN_BYTES: Final = 64 * 1024 * 1024
"""Largest plan in bytes; one of 10,000 crates has about ten million."""
_FIX: Final = "cratematrix plan --json >plan.json"


def load_plan(path: Path, manifest: Manifest | None) -> Plan:
    """Return the plan in a file; InputError when it is none, cannot be read, or is not of this manifest.

    Each crate of the manifest must be in one shard, or left out with a reason: no crate may be lost silently. Without
    a manifest, nothing is compared.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PLAN_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    plan = read_plan(content, str(path))
    if manifest and (problems := tuple(_problems(plan, manifest))):
        raise InputError(f"{path} is not a plan of this manifest", problems=problems, fix=_FIX)
    return plan


def read_plan(content: bytes, origin: str) -> Plan:
    """Return the plan in the content of a file; `origin` names it in an InputError for anything else."""
    if len(content) > MAX_PLAN_BYTES:
        raise InputError(f"{origin} is larger than {MAX_PLAN_BYTES >> 20} MiB, so it is no plan")
    try:
        return Plan.model_validate_json(content, extra="ignore")  # the JSON has computed values, too
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        problem = message_text(f"{key}: {first['msg']}")
        raise InputError(f"{origin} is not a plan of this version of cratematrix: {problem}", fix=_FIX) from None


def _problems(plan: Plan, manifest: Manifest) -> list[str]:
    names = {crate.name for crate in manifest.crates}
    assigned = Counter(name for shard in plan.shards for name in shard.crates)
    left_out = {reason.crate for reason in plan.reasons if not reason.built}
    numbers = [shard.index for shard in plan.shards]
    return [
        *(["its shards are not numbered from 1"] if numbers != [*range(1, len(numbers) + 1)] else []),
        *_listed("the manifest has no crate", assigned.keys() - names),
        *_listed("in several shards:", {name for name, count in assigned.items() if count > 1}),
        *_listed("in no shard and without a reason:", names - assigned.keys() - left_out),
    ]


def _listed(words: str, names: set[str]) -> list[str]:
    return [f"{words} {message_text(', '.join(sorted(names)))}"] if names else []
