"""From a file to a manifest, or to every error in it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.errors import InputError
from generator.manifest.checks import check_manifest
from generator.manifest.document import Document, Malformed, build
from generator.manifest.json_text import json_events
from generator.manifest.models import Manifest
from generator.manifest.path_sources import check_sources
from generator.manifest.problems import Problem, refusal
from generator.manifest.sentences import model_problems
from generator.manifest.yaml_text import yaml_events
from generator.text import escaped, quoted

# 10,000 crates are 3 to 4 MB.
MAX_BYTES: Final = 8_000_000

_FORMATS: Final = {".json": json_events, ".yaml": yaml_events, ".yml": yaml_events}
# Besides control characters, what ends a line to some programs and not to others, and marks that nobody sees.
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def load_manifest(path: Path) -> Manifest:
    """The manifest in a .json, .yaml or .yml file, checked in full.

    InputError otherwise: with one line for every problem, or with none when the file cannot be read at all.
    """
    _check_name(path)
    document = _document(path, _bytes(path))
    manifest, problems = _validated(document)
    if manifest is not None and not problems:
        problems = [*check_manifest(manifest), *check_sources(manifest, path.resolve().parent)]
    if manifest is None or problems:
        raise refusal(path, problems, document.line)
    return manifest


def past_manifest(path: Path, data: bytes) -> Manifest:
    """What a manifest once was, its values checked one by one only: it is compared with, and never built from.

    InputError when this version cannot read it.
    """
    _check_name(path)
    document = _document(path, data)
    manifest, problems = _validated(document)
    if manifest is None or problems:
        raise refusal(path, problems, document.line)
    return manifest


def command_for(name: str, path: Path) -> str:
    """A command on this manifest as somebody would type it."""
    option = "" if path == Path("crates.json") else f" --manifest {shlex.quote(str(path))}"
    return f"cratematrix {name}{option}"


def _check_name(path: Path) -> None:
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{escaped(str(path))} is not a manifest's name: it ends in .json, .yaml or .yml")


def _document(path: Path, data: bytes) -> Document:
    try:
        return build(_FORMATS[path.suffix.lower()](_text(data)))
    except Malformed as error:
        raise refusal(path, [error.problem], Document().line) from None


def _bytes(path: Path) -> bytes:
    name = escaped(str(path))
    try:
        if not path.exists():
            raise InputError(f"there is no manifest {name}", fix=command_for("init", path))
        if not path.is_file():
            raise InputError(f"{name} is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not one"
        raise InputError(f"{name} cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB, the most a manifest may have")
    return data


def _text(data: bytes) -> str:
    """The text with one kind of line end, so that all readers count the same lines."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Malformed(line, f"the byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8 text") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _INVISIBLE.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise Malformed(line, f"the invisible character U+{ord(match[0]):04X} is not text; remove it")
    return text


def _validated(document: Document) -> tuple[Manifest | None, list[Problem]]:
    """The manifest where the models accept the document, and what is wrong with the single values."""
    wrong_version = _wrong_version(document)
    if wrong_version:
        return None, [*document.problems, wrong_version]
    problems = list(document.problems)
    try:
        manifest = Manifest.model_validate_json(json.dumps(document.plain), by_alias=True, by_name=False)
    except ValidationError as invalid:
        named = {problem.loc for problem in problems}
        return None, problems + [problem for problem in model_problems(invalid) if problem.loc not in named]
    return manifest, problems


def _wrong_version(document: Document) -> Problem | None:
    """A version of the format that is not ours, so that nothing else can be judged; a missing one is like any key."""
    if not isinstance(document.plain, dict) or "schema_version" not in document.plain:
        return None
    version = document.plain["schema_version"]
    if type(version) is int and version == 1:
        return None
    return Problem(("schema_version",), f"must be 1, the only version there is, not {quoted(version)}")
