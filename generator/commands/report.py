"""The command `report`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from generator.commands.options import json_option, out_option
from generator.commands.results import print_report, raise_failed
from generator.console.output import print_data
from generator.errors import BuildFailed
from generator.files.output import output_directory
from generator.github_actions.step_files import github_run_id
from generator.reports.merging import merge_directory
from generator.text import counted


@click.command()
@out_option(
    "Directory with the shards' reports, also in its subdirectories. The merged one becomes its report.json.",
    exists=True,
)
@json_option("CRATEMATRIX_REPORT_JSON")
def report(out: Path, as_json: bool) -> None:
    """Merge the reports of a run's shards into one.

    When a shard ran several times, only its last attempt counts. Exits with 1 when a crate failed.
    """
    merged = merge_directory(out, github_run_id(os.environ))
    with output_directory(out) as directory:
        directory.write("report.json", f"{merged.model_dump_json(indent=2)}\n".encode())
    if as_json:
        print_data(merged.model_dump_json(indent=2))
    print_report(merged, out / "report.json", None)
    if merged.missing_shards:
        missing = counted(len(merged.missing_shards), "shard")
        raise BuildFailed(f"{missing} without a report: see the logs of the jobs")
    raise_failed(merged, lambda crate: f"read logs/{crate}.log beside its shard's report")
