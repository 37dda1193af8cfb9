"""The command `release upload`."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from generator.commands.options import json_option
from generator.commands.release_options import (
    github_retry,
    open_releases,
    print_modified,
    release_id_option,
    reports_option,
)
from generator.console.output import print_data, print_message
from generator.errors import InputError
from generator.files.output import output_directory
from generator.github_actions.step_files import github_run_attempt, github_run_id, write_step_outputs
from generator.github_api.retry import WRITES_A_MINUTE
from generator.planning.plan import shard_numbers
from generator.releases.complete_upload import upload as upload_packages
from generator.releases.early_upload import EarlyUpload, RunningBuild
from generator.releases.expected_assets import Decision
from generator.releases.records import record_of
from generator.releases.taking import packages_to_take, take
from generator.releases.uploading import packages_of
from generator.reports.merging import reports_below, run_report
from generator.text import counted


@click.command()
@release_id_option
@reports_option
@click.option(
    "--writes-per-minute",
    type=click.IntRange(1),
    default=WRITES_A_MINUTE,
    show_default=True,
    help="Rate limit for all shards together; a GitHub Enterprise server may allow more.",
)
@click.option(
    "--during-build",
    "building",
    metavar="I/N",
    help="e2b: upload each crate that the running `build` of this shard finishes, until its report is complete. "
    "Upload once more after it.",
)
@json_option("CRATEMATRIX_RELEASE_UPLOAD_JSON")
def upload(release_id: int, out: Path, writes_per_minute: int, building: str | None, as_json: bool) -> None:
    """Upload the packages of the reports to the draft.

    Skips an asset with the same digest, and replaces one in another state. The packages of crates that were not built,
    because they did not change, come from the release before: each is downloaded and checked first.

    A shard built at E2B also leaves a record of its crates on the draft, for `release resume`.
    """
    if building:
        _upload_during_build(release_id, out, writes_per_minute, building, as_json)
        return
    reports = reports_below(out, github_run_id(os.environ))
    for tag, wanted in packages_to_take(reports).items():
        with open_releases() as releases:
            take(releases, tag, wanted, out, github_retry())
        print_message(f"{counted(len(wanted), 'package')} of unchanged crates taken from {tag}, verified")
    packages = packages_of(reports, out)
    if not packages and not any(record_of(report) for _, report in reports):
        print_message("no package was built, so nothing is uploaded")
        if as_json:
            _print_json(Counter(), [])
        return
    merged = run_report(tuple(report for _, report in reports))
    # Shards without a report here may upload at the same time.
    shards = 1 + len(merged.missing_shards)
    print_modified(merged)
    with open_releases() as releases:
        done = upload_packages(
            releases, release_id, packages, shards, writes_per_minute, github_retry(), reports, merged.commit
        )
    assets = [package.file.file for package in packages]
    write_step_outputs(os.environ, {"assets": json.dumps(assets)})
    if as_json:
        _print_json(done, assets)
    print_message(f"{done['upload']} uploaded, {done['skip']} skipped, {done['replace']} replaced")


def _upload_during_build(release_id: int, out: Path, writes_per_minute: int, shard: str, as_json: bool) -> None:
    _, shards = shard_numbers(shard)
    with output_directory(out):  # refuses a directory with files of the checkout, as the upload after the build does
        pass
    if (run := github_run_id(os.environ)) is None:
        raise InputError(
            "--during-build knows the report of the running build by GITHUB_RUN_ID, which is not set",
            fix="upload after the build, or set it to a number for both commands, as GitHub Actions does",
        )
    build = RunningBuild(out, shard, run, github_run_attempt(os.environ))
    with open_releases() as releases:
        early = EarlyUpload(releases, release_id, build, shards, writes_per_minute, github_retry())
        early.run()
    if as_json:
        print_data(json.dumps({"shard": shard, "crates": sorted(early.uploaded)}, indent=2))
    print_message(
        f"the report of shard {shard} is complete; uploaded until then: {counted(len(early.uploaded), 'crate')}"
    )


def _print_json(done: Counter[Decision], assets: Sequence[str]) -> None:
    counts = {"uploaded": done["upload"], "skipped": done["skip"], "replaced": done["replace"]}
    print_data(json.dumps({**counts, "assets": assets}, indent=2))
