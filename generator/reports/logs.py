"""The ends of crates' logs, for people who look at a failure."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import output_directory
from generator.manifest.names import log_name
from generator.reports.models import Report
from generator.text import plain

MAX_LINES: Final = 60
MAX_BYTES: Final = 16 * 1024
"""The end of one log on the page: 110 failures stay below 2 MB."""


def log_ends(reports: Iterable[tuple[Path, Report]]) -> dict[str, str]:
    """Return the last lines of the logs of failed crates; a log lies below the directory of its shard's report.

    A crate without a log that can be read is left out.
    """
    ends: dict[str, str] = {}
    for path, report in reports:
        with output_directory(path) as directory:
            for crate in report.crates:
                if crate.state == "failed" and (end := _end(directory, log_name(crate.name))):
                    ends[crate.name] = end
    return ends


def _end(directory: Directory, name: str) -> str:
    try:
        with directory.open(name) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_BYTES))
            text = file.read(MAX_BYTES).decode(errors="replace")
    except (OSError, InputError):
        return ""
    lines = text.split("\n")[1 if size > MAX_BYTES else 0 :]
    return "\n".join(plain(line) for line in lines[-MAX_LINES:]).strip("\n")
