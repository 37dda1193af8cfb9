"""The result of a run, printed by `build` and `report`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from generator.console.output import print_message, print_workflow_command, redacted
from generator.console.tables import print_table
from generator.errors import BuildFailed
from generator.github_actions.links import run_links
from generator.github_actions.step_files import in_github_actions, write_step_outputs, write_step_summary
from generator.manifest.models import Manifest
from generator.reports.annotations import local_crates, quarantined_crates, skipped_crates, worst_failures
from generator.reports.markdown import page
from generator.reports.models import Report
from generator.reports.predictions import times_line
from generator.reports.quarantines import quarantine_words
from generator.reports.table import COLUMNS, reason_of, report_notes, rows, summary
from generator.text import counted


def print_report(report: Report, path: Path, manifest: Manifest | None) -> None:
    """Print a report as a table; in GitHub Actions also as outputs, annotations and a step summary."""
    print_table(COLUMNS, rows(report), to_stderr=True)
    for remark in report_notes(report):
        print_message(remark)
    if times := times_line(report):
        print_message(times)
    print_message(f"{summary(report)}; report: {path}")
    if not in_github_actions(os.environ):
        return
    for annotation in (*worst_failures(report, manifest), *quarantined_crates(report), *skipped_crates(report)):
        print_workflow_command(annotation.command)
    states = [crate.state for crate in report.crates]
    counts = {state: str(states.count(state)) for state in ("built", "failed")}
    write_step_outputs(os.environ, {"report": str(path), **counts})
    links = run_links(os.environ, report.commit)
    write_step_summary(os.environ, redacted(page(report, links, local_crates(manifest))))


def raise_failed(report: Report, fix: Callable[[str], str]) -> None:
    """Raise BuildFailed when a crate failed whose failure blocks, when one was not built, or when none was.

    `fix` takes the name of the first failed crate whose log says more than its line. The log of a crate without a
    finished command repeats the report's sentence, or does not exist. A shard may build nothing: a crate that is alone
    in its shard and in quarantine does not stop a release, and `report` sees the whole run.
    """
    failed = [crate for crate in report.crates if crate.state == "failed"]
    blocking = [crate for crate in failed if not crate.failed_in_quarantine]
    not_run = [crate for crate in report.crates if crate.state == "not_run"]
    crates = counted(len(report.crates), "crate")
    if blocking:
        message = f"{len(blocking)} of {crates} failed"
    elif not_run:
        were = "was" if len(not_run) == 1 else "were"
        message = f"{len(not_run)} of {crates} {were} not built: {reason_of(not_run[0])}"
        raise BuildFailed(
            message, fix=f"{'' if report.interrupted else 'raise --max-cost, and '}build again to continue"
        )
    elif failed and report.shard is None and not any(crate.state == "built" for crate in report.crates):
        message = f"no crate was built; {len(failed)} of {crates} failed in quarantine"
    else:
        return
    logged = (crate.name for crate in blocking or failed if any(phase.exit_code is not None for phase in crate.phases))
    name = next(logged, None)
    ended = ((crate.name, quarantine_words(crate)) for crate in blocking if crate.quarantine)
    problems = tuple(f"{crate} failed, and {words}" for crate, words in ended)
    raise BuildFailed(message, problems=problems, fix=fix(name) if name else None)
