"""Reading a manifest: from a file to the validated model, or to an error that has every problem."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from generator.errors import InputError
from generator.manifest.checks import check_manifest
from generator.manifest.crate_files import CrateFiles, check_crate_files, files_of_checkout, with_values_of_files
from generator.manifest.document import Document, Event, MalformedText, build_document
from generator.manifest.json_text import json_events
from generator.manifest.models import Manifest
from generator.manifest.path_sources import check_path_sources, repository_of
from generator.manifest.problems import Problem, manifest_error
from generator.manifest.sentences import model_problems
from generator.text import escaped, quoted

# 10,000 crates are 3 to 4 MB.
MAX_BYTES: Final = 8_000_000

_SUFFIXES: Final = (".json", ".yaml", ".yml")
# Control characters, characters that only some programs read as the end of a line, and invisible marks.
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def load_manifest(
    path: Path, more: Callable[[Manifest], Iterable[Problem]] = lambda _manifest: (), *, compare_files: bool = False
) -> Manifest:
    """Read a .json, .yaml or .yml file, with all checks; `more` are checks that only one command makes.

    `compare_files` also compares its names and versions with the files of path sources. InputError for an invalid
    manifest, with one line for each problem, and for a file that cannot be read.
    """
    _check_name(path)
    document = _document(path, _bytes(path))
    directory = path.resolve().parent
    top = repository_of(directory)
    files = files_of_checkout(top, directory.relative_to(top).as_posix())
    document = with_values_of_files(document, files)
    manifest, problems = _validated(document)
    if manifest is not None and not problems:
        problems = [*check_manifest(manifest), *check_path_sources(manifest, directory)]
    if manifest is not None and not problems:
        problems = [*(check_crate_files(manifest, files) if compare_files else ()), *more(manifest)]
    if manifest is None or problems:
        raise manifest_error(path, problems, document.line)
    return manifest


def parse_past_manifest(path: Path, data: bytes, files: CrateFiles) -> Manifest:
    """Parse a manifest of an earlier commit, which is only compared and never built: its values are checked singly.

    `files` are those of that commit. InputError if this version cannot read it.
    """
    _check_name(path)
    document = with_values_of_files(_document(path, data), files)
    manifest, problems = _validated(document)
    if manifest is None or problems:
        raise manifest_error(path, problems, document.line)
    return manifest


def cli_command(name: str, path: Path) -> str:
    """Return a command line for this manifest, for messages."""
    option = "" if path == Path("crates.json") else f" --manifest {shlex.quote(path.as_posix())}"
    return f"cratematrix {name}{option}"


def _check_name(path: Path) -> None:
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{escaped(str(path))} cannot be the name of a manifest: use .json, .yaml or .yml")


def _document(path: Path, data: bytes) -> Document:
    try:
        return build_document(_events(path, _text(data)))
    except MalformedText as error:
        raise manifest_error(path, [error.problem], Document().line) from None


def _events(path: Path, text: str) -> Iterator[Event]:
    if path.suffix.lower() == ".json":
        return json_events(text)
    # With a manifest in JSON, most commands need no parser of YAML, which takes long to import.
    from generator.manifest.yaml_text import yaml_events  # noqa: PLC0415

    return yaml_events(text)


def _bytes(path: Path) -> bytes:
    name = escaped(str(path))
    try:
        if not path.exists():
            raise InputError(f"there is no manifest {name}", fix=cli_command("init", path))
        if not path.is_file():
            raise InputError(f"{name} is not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is invalid"
        raise InputError(f"{name} cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB, the limit for a manifest")
    return data


def _text(data: bytes) -> str:
    """Decode the text and normalize line ends, so that all parsers count the same lines."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MalformedText(
            line, f"the byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8 text"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _INVISIBLE.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise MalformedText(line, f"the invisible character U+{ord(match[0]):04X} is not text; remove it")
    return text


def _validated(document: Document) -> tuple[Manifest | None, list[Problem]]:
    """Return the manifest, or None if the models reject the document, and the problems of single values."""
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
    """Return the problem of an unknown format version, or None. The models report a missing version."""
    if not isinstance(document.plain, dict) or "schema_version" not in document.plain:
        return None
    version = document.plain["schema_version"]
    if type(version) is int and version == 1:
        return None
    return Problem(("schema_version",), f"must be 1, the only supported version, not {quoted(version)}")
