"""The command `report`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from generator.builds.earlier import keep as keep_packages
from generator.commands.options import json_option, out_option, plan_option
from generator.commands.results import print_report, raise_failed
from generator.console.output import print_data, print_message
from generator.errors import BuildFailed, CratematrixError
from generator.files.output import open_output, output_directory
from generator.github_actions.links import run_links
from generator.github_actions.step_files import github_run_id, in_github_actions
from generator.manifest.finding import find_manifest
from generator.manifest.models import Manifest
from generator.manifest.names import log_name
from generator.manifest.reading import load_manifest
from generator.planning.plan_file import load_plan
from generator.reports.logs import log_ends
from generator.reports.memory import REPORT
from generator.reports.merging import reports_below, run_report
from generator.reports.models import Report
from generator.reports.page.past import Past, load_past
from generator.reports.page.rendering import render_page
from generator.reports.page.timeline import timeline
from generator.reports.page.values import page_values
from generator.reports.predictions import remembered
from generator.reports.table import report_notes
from generator.text import counted, shell_word


@click.command()
@out_option(
    "Directory with the shards' reports, also in its subdirectories. The merged one becomes its report.json.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the report as one HTML file for a browser. It needs no other file and no network.",
)
@click.option(
    "--before",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="report.json or fleet.json of an earlier run, for trends and changes in size on the page; repeatable, the "
    "oldest first.",
)
@plan_option(
    "Plan of the run: the report keeps its measured times of crates that the run did not build.",
    "CRATEMATRIX_REPORT_PLAN",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    envvar="CRATEMATRIX_REPORT_KEEP",
    help="Directory for packages of built crates, from anywhere in --out, which `build --reuse` of later runs takes.",
)
@json_option("CRATEMATRIX_REPORT_JSON")
def report(
    out: Path,
    html: Path | None,
    before: tuple[Path, ...],
    plan_file: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Merge the reports of a run's shards into one.

    When a shard ran several times, only its last attempt counts. Exits with 1 when a crate failed.
    """
    past = [load_past(path) for path in before]
    reports = reports_below(out, github_run_id(os.environ))
    merged = run_report(tuple(each for _, each in reports))
    if plan_file:
        others = remembered(load_plan(plan_file, None).predictions, {crate.name for crate in merged.crates})
        merged = merged.model_copy(update={"remembered": others})
    with output_directory(out) as directory:
        directory.write(REPORT, f"{merged.model_dump_json(indent=2)}\n".encode())
        kept = keep_packages(keep, merged, directory) if keep else 0
    if html:
        page = _page(merged, log_ends(reports), past)
        with open_output(html.parent) as directory:
            directory.write(html.name, page.encode())
    if as_json:
        print_data(merged.model_dump_json(indent=2))
    print_report(merged, out / REPORT, _manifest())
    if html:
        print_message(f"page: {html}")
    if keep:
        print_message(f"packages of {counted(kept, 'crate')} kept in {keep}")
    if merged.missing_shards:
        raise _missing(merged.missing_shards, out)
    places = {crate.name: place for place, each in reports for crate in each.crates}
    raise_failed(merged, lambda crate: f"read {places[crate] / log_name(crate)}")


def _manifest() -> Manifest | None:
    """Return the manifest of this checkout, whose crates have their lines here; None without a valid one."""
    with suppress(CratematrixError):
        return load_manifest(find_manifest())
    return None


def _missing(shards: tuple[str, ...], out: Path) -> BuildFailed:
    """Return the error for shards without a report; a job of GitHub Actions cannot build them here."""
    message = f"{counted(len(shards), 'shard')} without a report"
    if in_github_actions(os.environ):
        return BuildFailed(message, fix="see the logs of their jobs")
    return BuildFailed(message, fix=f"cratematrix build --shard {shards[0]} --out {shell_word(str(out))}")


def _page(merged: Report, logs: dict[str, str], past: list[Past]) -> str:
    page = page_values(merged, run_links(os.environ, merged.commit), logs, past, report_notes(merged))
    return render_page(page, timeline(merged))
