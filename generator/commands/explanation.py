"""Comparison of a crate's inputs with those of the run before, for `plan --explain`."""

from __future__ import annotations

from pathlib import Path

from generator.builds.selection import select_crates
from generator.commands.current_inputs import current_inputs
from generator.console.output import print_message
from generator.manifest.finding import default_output
from generator.manifest.models import Manifest
from generator.manifest.values import BackendName
from generator.planning.explanation import Explanation, explain
from generator.reports.memory import REPORT, find_inputs, load_inputs


def explanation(
    name: str, loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None
) -> Explanation:
    """Compare the inputs of a crate now with those in a report or an index, by default the last report in `dist`.

    InputError for an unknown crate, for a source that cannot be read, and for a file that is neither.
    """
    (name,) = select_crates(loaded, crates=(name,)).names
    out = default_output()
    before = load_inputs(previous, name) if previous else find_inputs(out, name)
    print_message(f"inputs of {name}, compared with {previous or out / REPORT}")
    if before is None:
        return explain(name, None, {}, ())
    crate = next(each for each in loaded.crates if each.name == name)
    with current_inputs(loaded, manifest, backend) as read:
        now = read(crate)
    return explain(name, before, now.digests, now.secret)
