"""Measurements and inputs of crates in files: in a fleet index, or in a report of a shard or a fleet.

Only these and names are read. Everything else in these files may be of another version of cratematrix.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.errors import InputError
from generator.files.output import open_output
from generator.manifest.models import Manifest
from generator.manifest.values import CrateName
from generator.planning.explanation import InputDigests
from generator.planning.measurements import Measurements, Memory
from generator.strict import Loose
from generator.text import message_text

REPORT: Final = "report.json"
"""Name of the report of a fleet in the output directory."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest file in bytes, as for reports."""


def report_name(shard: str | None) -> str:
    """Return the name of the report of a shard, written I/N, or of a fleet; each shard of a run has its own."""
    return f"report-{shard.partition('/')[0]}.json" if shard else REPORT


class _Crate(Loose):
    name: CrateName
    measurements: Measurements = ()
    inputs: InputDigests | None = None


class _File(Loose):
    """The common part of both files."""

    index_version: int | None = None
    report_version: int | None = None
    crates: tuple[_Crate, ...]
    remembered: tuple[_Crate, ...] = ()


def load_memory(path: Path) -> Memory:
    """Return the measurements in a fleet index or a report; InputError for any other file."""
    return read_memory(_content(path), str(path))


def load_inputs(path: Path, crate: str) -> dict[str, str] | None:
    """Return the inputs of a crate in a fleet index or a report, None without them; InputError for any other file."""
    return _inputs(_read(_content(path), str(path)), crate)


def find_inputs(out: Path, crate: str) -> dict[str, str] | None:
    """Return the inputs of a crate in the report of an output directory; InputError for a file that is no report."""
    path = out / REPORT
    if not path.is_file():
        return None
    with open_output(out) as directory:
        content = directory.read(REPORT, MAX_BYTES) or b""
    return _inputs(_read(content, str(path)), crate)


def find_memory(out: Path, manifest: Manifest) -> tuple[Memory, str | None]:
    """Return the measurements in the report of an output directory, and a note if it has one that is of no use.

    A report without a crate of the manifest is of another fleet.
    """
    path = out / REPORT
    try:
        if not path.is_file():
            return {}, None
        with open_output(out) as directory:
            content = directory.read(REPORT, MAX_BYTES) or b""
        memory = read_memory(content, str(path))
    except (InputError, OSError) as error:
        return {}, f"{error}: nothing is predicted from it"
    if memory.keys().isdisjoint(crate.name for crate in manifest.crates):
        return {}, f"{path} measured no crate of this manifest: nothing is predicted from it" if memory else None
    return memory, None


def read_memory(content: bytes, origin: str) -> Memory:
    """Return the measurements in the content of a file; `origin` names it in an InputError."""
    found = _read(content, origin)
    return {each.name: each.measurements for each in (*found.remembered, *found.crates) if each.measurements}


def _inputs(found: _File, crate: str) -> dict[str, str] | None:
    return next((each.inputs for each in found.crates if each.name == crate), None)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _read(content: bytes, origin: str) -> _File:
    if len(content) > MAX_BYTES:
        raise InputError(f"{origin} is larger than {MAX_BYTES >> 20} MiB, so it is no report")
    try:
        found = _File.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        problem = message_text(f"{key}: {first['msg']}")
        raise InputError(f"{origin} is neither a report nor a fleet index: {problem}") from None
    if 1 not in (found.index_version, found.report_version):
        raise InputError(f"{origin} is neither a report nor a fleet index that this version of cratematrix reads")
    return found
