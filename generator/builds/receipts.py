"""Receipts: what was finished once is taken up again, never built twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from generator import __version__
from generator.builds.task import Task
from generator.directory import Directory
from generator.errors import InputError
from generator.files import write_atomically
from generator.manifest.names import sbom_name, tarball_names
from generator.platforms import PlatformName
from generator.reports.models import CrateReport
from generator.sources.collect import Collected
from generator.strict import Strict

MAX_RECEIPT: Final = 4 * 1024 * 1024


class Receipt(Strict):
    """That a crate was built from an input; `input` is the digest of everything that decides what comes out."""

    receipt_version: Literal[1] = 1
    input: str
    report: CrateReport


def input_digest(task: Task, platforms: tuple[PlatformName, ...], source: Collected) -> str:
    """Digest all that decides: source, manifest, toolchain, isolation, this tool, and the values of named variables."""
    workshop = task.workshop
    values = {name: workshop.environment.get(name) for name in task.settings.env}
    parts = [
        __version__,
        workshop.site.backend.name,
        workshop.site.fingerprint,
        workshop.site.isolated,
        astuple(workshop.site.oldest),
        list(platforms),
        # A report also has the platforms that are skipped, and `required` makes a failure of one.
        list(task.settings.platforms),
        list(task.settings.required),
        source.digest,
        source.directory,
        task.crate.model_dump(mode="json", exclude={"depends_on", "expected_minutes", "retries", "timeout_minutes"}),
        task.settings.npm_name,
        task.settings.layout,
        task.settings.tests,
        task.settings.coverage and (workshop.site.equipment.no_coverage or True),
        task.settings.foreign_tests,
        {platform: asdict(runtime) for platform, runtime in workshop.site.equipment.runtimes.items()},
        task.settings.glibc,
        values,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def take_up(task: Task, wanted: str) -> CrateReport | None:
    """Return the report of an earlier build of the same input whose packages are still there, unchanged."""
    path = _path(task)
    try:
        if not path.is_file() or path.stat().st_size > MAX_RECEIPT:
            return None
        receipt = Receipt.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if receipt.input != wanted or not _is_whole(task, receipt.report):
        return None
    return receipt.report.model_copy(update={"attempts": 0, "seconds": 0.0})


def leave(task: Task, wanted: str, report: CrateReport) -> None:
    """Keep a receipt for a crate that was built."""
    receipt = Receipt(input=wanted, report=report)
    write_atomically(_path(task), receipt.model_dump_json(indent=1).encode())


def _is_whole(task: Task, report: CrateReport) -> bool:
    if (report.name, report.version, report.state) != (task.crate.name, task.crate.version, "built"):
        return False
    if not report.packages:
        return task.crate.kind == "lib"
    tarballs = tarball_names(task.crate, task.settings.npm_name, task.settings.platforms, task.settings.layout)
    names = (*tarballs, sbom_name(task.crate.name))
    return report.packages[0].file == names[0] and all(
        each.file in names and _digest(task.workshop.out, each.file) == each.sha256
        for each in (*report.packages, *([report.sbom] if report.sbom else []))
    )


def _digest(out: Directory, name: str) -> str | None:
    """Return the SHA-256 of a regular file, or None where there is none."""
    try:
        with out.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, InputError):
        return None


def _path(task: Task) -> Path:
    """Receipts lie in the user's cache: what lies in the checkout may have come with a pull request."""
    out = hashlib.sha256(str(task.workshop.out.path.resolve()).encode()).hexdigest()[:16]
    return task.workshop.receipts / out / f"{task.crate.name}.json"
