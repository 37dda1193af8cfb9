"""The command `release resume`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from generator.commands.options import json_option, out_option
from generator.commands.release_options import github_retry, open_releases, release_id_option
from generator.console.output import print_data, print_message
from generator.planning.plan import shard_numbers
from generator.releases.records import resume as resume_shard
from generator.text import counted


@click.command()
@release_id_option
@click.option("--shard", required=True, metavar="I/N", help="Part I of N, as an earlier job has built it.")
@out_option("Directory for the packages and their report, another one than that of `build`.")
@json_option("CRATEMATRIX_RELEASE_RESUME_JSON")
def resume(release_id: int, shard: str, out: Path, as_json: bool) -> None:
    """Download what the draft has of a shard, for `build --reuse`.

    An earlier job may have ended before its shard was complete. Crates whose packages are on the draft, with the
    recorded size and SHA-256, are not built again, if their input is still the same.
    """
    shard_numbers(shard)
    with open_releases() as releases:
        crates = resume_shard(releases, release_id, shard, out, github_retry())
    if as_json:
        print_data(json.dumps({"shard": shard, "crates": crates}, indent=2))
    print_message(f"{counted(len(crates), 'crate')} of shard {shard} on the draft {release_id}, verified")
