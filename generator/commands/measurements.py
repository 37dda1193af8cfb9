"""The measured times that `plan` and `build` predict from."""

from __future__ import annotations

from pathlib import Path

from generator.console.output import print_message
from generator.manifest.models import Manifest
from generator.planning.measurements import Memory
from generator.reports.memory import find_memory, load_memory


def measurements(manifest: Manifest, previous: Path | None, out: Path) -> Memory:
    """Return the measurements in a file that the user names, else in the last report of the output directory.

    InputError for a named file without them; a report that is of no use is a note.
    """
    if previous is not None:
        return load_memory(previous)
    memory, note = find_memory(out, manifest)
    if note:
        print_message(f"note: {note}")
    return memory
