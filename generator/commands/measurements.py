"""The measurements that `plan` and `build` predict from, and the sizes that they choose from."""

from __future__ import annotations

from pathlib import Path

from generator.console.output import print_message
from generator.manifest.models import Manifest
from generator.manifest.values import BackendName
from generator.planning.measurements import Memory
from generator.planning.sizes import NO_SIZES, SizeMemory
from generator.reports.memory import find_memory, load_memory
from generator.sandboxes.contract import SIZES
from generator.sandboxes.e2b.template.definition import load_definition


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


def size_memory(manifest: Manifest, file: Path, backend: BackendName) -> SizeMemory:
    """Return the memory of a backend's sandboxes by size; nothing if no crate of the manifest, in `file`, needs it."""
    if "auto" not in {manifest.fleet.size, *(crate.size for crate in manifest.crates)}:
        return NO_SIZES
    sizes = SIZES if backend == "local" else load_definition(file.resolve().parent).sizes
    return {size: each.memory_mib for size, each in sizes.items()}
