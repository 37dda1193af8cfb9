"""The crates that did not change since the builds of --previous, for `plan --skip-unchanged`."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from generator.builds.unchanged import Unchanged, find_unchanged
from generator.commands.current_inputs import current_inputs
from generator.console.counting import counting
from generator.console.output import print_message
from generator.errors import CratematrixError, InputError
from generator.files.output import open_output
from generator.manifest.finding import default_output
from generator.manifest.models import Manifest
from generator.manifest.values import BackendName
from generator.reports.index import FleetIndex, fleet_index, read_index
from generator.reports.memory import REPORT
from generator.reports.merging import MAX_REPORT, read_report
from generator.text import counted

LAST_BUILD: Final = "the last build"
"""The name of a report's builds, where a release has its tag."""


def unchanged_crates(
    loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None, names: Collection[str]
) -> dict[str, str]:
    """Return the crates of these names that did not change, each with the builds since which it did not.

    A crate whose cache key is not known here counts as changed, and a note says why. No problem is an error: the build
    decides for itself.
    """
    crates = [crate for crate in loaded.crates if crate.name in names]
    try:
        index = _index(loaded, previous)
        if not index.crates:  # `release prepare` writes it for the first release
            print_message("every crate counts as built: no release comes before this one")
            return {}
        print_message(f"comparing {counted(len(crates), 'crate')} with {index.tag}")
        with current_inputs(loaded, manifest, backend) as read:
            found = find_unchanged(loaded.fleet, counting(crates, "compared"), index, read, os.environ)
    except (CratematrixError, OSError) as error:
        print_message(f"note: every crate counts as built: {error}")
        return {}
    if note := _note(found):
        print_message(note)
    if not found.names:
        print_message(f"no crate is unchanged since {index.tag}")
    return dict.fromkeys(found.names, index.tag)


def _note(found: Unchanged) -> str | None:
    if not found.unknown:
        return None
    (first, reason), *others = found.unknown.items()
    if not others:
        return f"note: {first} counts as built, because its cache key is not known here: {reason}"
    crates = f"{first} and {counted(len(others), 'more crate')} count as built"
    return f"note: {crates}, because their cache keys are not known here; that of {first}: {reason}"


def _index(loaded: Manifest, previous: Path | None) -> FleetIndex:
    """Return the index in a file, or that of a report, by default of the last one in the output directory.

    InputError without a file, and for one that is neither.
    """
    path = previous or default_output() / REPORT
    if not path.is_file():
        raise InputError(f"there is no {path} of an earlier build")
    content = path.read_bytes() if previous else _content(path)
    try:
        return read_index(content, str(path))
    except InputError as error:
        try:
            return fleet_index(loaded, read_report(content, path), LAST_BUILD, "")
        except InputError:
            raise error from None


def _content(path: Path) -> bytes:
    with open_output(path.parent) as directory:
        return directory.read(path.name, MAX_REPORT) or b""
