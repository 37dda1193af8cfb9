"""The command `plan`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import click

from generator.commands.measurements import measurements, size_memory
from generator.commands.options import complete_crates, manifest_option, max_cost_option
from generator.console.output import print_data, print_message
from generator.console.tables import print_table
from generator.errors import InputError
from generator.github_actions.step_files import in_github_actions, write_step_outputs, write_step_summary
from generator.manifest.finding import default_output
from generator.manifest.models import Manifest
from generator.manifest.reading import load_manifest
from generator.manifest.values import BackendName
from generator.planning.affected import Reason, affected
from generator.planning.changes import changes
from generator.planning.costs import Rates, check_cost
from generator.planning.explanation import Explanation
from generator.planning.markdown import page
from generator.planning.plan import NONE_UNCHANGED, Plan, make_plan, with_costs
from generator.planning.table import cost_lines, quarantine_notes, summary, tables
from generator.prices import load_runner_prices, load_sandbox_prices
from generator.releases.budget import budget, check_budget
from generator.sandboxes.e2b.template.definition import load_definition


@click.command()
@manifest_option
@click.option("--slots", type=click.IntRange(1, 256), help="Number of slots, instead of the manifest's.")
@click.option(
    "--json", "as_json", is_flag=True, envvar="CRATEMATRIX_PLAN_JSON", help="Print the plan as JSON for programs."
)
@click.option(
    "--changed-since",
    metavar="REF",
    help="Only the crates changed since the merge base of REF and HEAD, and their dependents, each with a reason. "
    "Changes of tracked files count before a commit too.",
)
@click.option(
    "--backend",
    type=click.Choice(["local", "e2b"]),
    help="Sandboxes on GitHub's runners, or at E2B.  [default: the manifest's]",
)
@max_cost_option("Fail if the sandboxes likely cost more")
@click.option(
    "--previous",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Report or index of earlier builds, with their measured times.  [default: report.json in dist beside the "
    "manifest, if there is one]",
)
@click.option(
    "--skip-unchanged",
    is_flag=True,
    help="Count a crate that did not change since the builds of --previous with 0 minutes: its job takes its packages "
    "from there. Reads the sources of all crates, and fetches those of git.",
)
@click.option(
    "--explain",
    metavar="CRATE",
    shell_complete=complete_crates,
    help="Print only which inputs of this crate changed since the builds of --previous.",
)
def plan(
    manifest: Path,
    slots: int | None,
    as_json: bool,
    changed_since: str | None,
    backend: BackendName | None,
    max_cost: float | None,
    previous: Path | None,
    skip_unchanged: bool,
    explain: str | None,
) -> None:
    """Print the crates of each slot and the predicted minutes.

    Crates go onto the least loaded slot, the longest first. Then pairs of slots exchange crates. This ends at the
    lower bound, when no exchange helps, or after a fixed number of steps. The lower bound is proven: no assignment of
    these crates to these slots can be faster.

    The minutes of a crate are the median of its last builds. A crate that was never built is predicted from similar
    ones, and by expected_minutes of the manifest if there are none. The crates of a batch are in one slot. For the
    size auto, the plan chooses the smallest size that the peaks of the last builds fit, and prints them.

    Also prints the likely costs with their range, the limits of the accounts that bind, and the use of GitHub's limits
    by a release of the whole fleet. With --changed-since and --backend e2b, a change of the sandboxes' template affects
    every crate.

    With --explain, an input of a crate is a part of its cache key, such as its sources or a setting.
    """
    loaded, today = load_manifest(manifest), datetime.now(UTC).date()
    used = backend or loaded.fleet.backend
    explained = _explanation(explain, loaded, manifest, used, previous) if explain is not None else None
    if explained and not as_json:
        print_data("\n".join(explained.lines))
        return
    memory, sizes = measurements(loaded, previous, default_output()), size_memory(loaded, manifest, used)
    reasons = affected(loaded, changes(loaded, manifest, changed_since, used)) if changed_since is not None else ()
    per_job = loaded.fleet.slots_per_job if used == "e2b" else 1
    same = _unchanged(loaded, manifest, used, previous, reasons) if skip_unchanged else NONE_UNCHANGED
    made = make_plan(loaded, slots, reasons, memory, used, per_job, sizes, same)
    made = with_costs(made, loaded, _rates(used, manifest))
    release = None
    if changed_since is None:
        release = make_plan(loaded, memory=memory, backend=used, sizes=sizes, unchanged=same)
        made = made.model_copy(update={"limits": (*made.limits, *budget(loaded, release).limits())})
    _print_plan(made.model_copy(update={"explained": explained}), today, as_json=as_json)
    if release:
        _print_budget(loaded, release)
    _tell_github(made, today)
    if max_cost is not None and made.costs:
        check_cost(made.costs, max_cost)


def _print_plan(made: Plan, today: date, *, as_json: bool) -> None:
    """Print the plan as JSON or tables, and then its summary as messages."""
    if as_json:
        print_data(made.model_dump_json(indent=2))
    else:
        for _, columns, rows in tables(made):
            print_table(columns, rows)
    print_message("\n".join((summary(made), *quarantine_notes(made, today), *cost_lines(made))))


def _tell_github(made: Plan, today: date) -> None:
    """Write the outputs of the step and its summary, in GitHub Actions only."""
    if in_github_actions(os.environ):
        matrix = made.matrix.model_dump_json()
        write_step_outputs(os.environ, {"count": str(made.count), "crates": made.crates, "matrix": matrix})
        write_step_summary(os.environ, page(made, today))


def _explanation(
    crate: str, loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None
) -> Explanation:
    from generator.commands.explanation import explanation  # noqa: PLC0415  a plan needs no toolchain

    return explanation(crate, loaded, manifest, backend, previous)


def _unchanged(
    loaded: Manifest, manifest: Path, backend: BackendName, previous: Path | None, reasons: Iterable[Reason]
) -> Mapping[str, str]:
    from generator.commands.unchanged import unchanged_crates  # noqa: PLC0415  a plan needs no toolchain

    left_out = {each.crate for each in reasons if not each.built}
    names = {crate.name for crate in loaded.crates} - left_out
    return unchanged_crates(loaded, manifest, backend, previous, names)


def _rates(backend: BackendName, manifest: Path) -> Rates:
    """Return the prices for a backend; the sizes of E2B's sandboxes are in the template's definition."""
    runners = load_runner_prices()
    if backend == "local":
        return Rates(backend, runners)
    prices, sizes = load_sandbox_prices(), load_definition(manifest.resolve().parent).sizes
    minute = {size: prices.cost(each.cpus, each.memory_mib, 60) for size, each in sizes.items()}
    return Rates(backend, runners, minute, prices.date)


def _print_budget(manifest: Manifest, made: Plan) -> None:
    """Print the use of GitHub's limits by a release with this plan, or the exceeded limits."""
    try:
        print_message(f"a release: {check_budget(manifest, made)}")
    except InputError as error:
        print_message(f"note: a release is not possible: {'; '.join((*error.problems, error.message_with_fix))}")
