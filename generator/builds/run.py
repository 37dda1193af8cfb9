"""A run of `build`: from the manifest and a selection of crates to packages and a report."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from generator.builds.cache import has_entry
from generator.builds.context import BuildContext, CrateBuild
from generator.builds.earlier import EarlierBuild
from generator.builds.environment import BuildEnvironment
from generator.builds.fleet import build_fleet
from generator.builds.observer import Observer
from generator.builds.run_report import RunReport
from generator.builds.selection import Selection, known_minutes
from generator.builds.signals import stopping_on_signals
from generator.builds.spending import SpendingLimit
from generator.builds.tool_cache import ToolCache
from generator.files.directory import Directory
from generator.files.output import output_directory
from generator.files.private_directories import create_private_directory
from generator.files.user_cache import cache_directory
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.manifest.settings import Settings, settings
from generator.planning.git_history import checked_out
from generator.planning.plan import shard_numbers, sizes_of
from generator.planning.prediction import Prediction
from generator.redaction import Redactor
from generator.reports.index import FleetIndex
from generator.reports.models import Report
from generator.sources.collect import repository_top, source_locations


@dataclass(frozen=True)
class RunContext:
    """The paths of the manifest and the output directory, the user's environment variables, and their redactor.

    `now` is the time of the run's start in UTC, whose day decides the state of quarantines.
    """

    manifest: Path
    out: Path
    variables: Mapping[str, str]
    redactor: Redactor
    now: datetime


@dataclass(frozen=True)
class RunOptions:
    """The number of concurrent crates; with `keep_failed` the sandboxes of failed crates stay open.

    Crates that did not change since the release of the index `previous` are not built, nor are those that earlier runs
    built, `earlier`. `predictions` are those of all crates of the manifest, with the measurements of earlier builds.
    `max_cost` is the most that the sandboxes of all shards may cost together.
    """

    jobs: int
    keep_failed: bool = False
    previous: FleetIndex | None = None
    earlier: Mapping[str, EarlierBuild] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()
    max_cost: float | None = None


OpenEnvironment = Callable[[RunContext, threading.Event, Observer], AbstractContextManager[BuildEnvironment]]


def build(
    manifest: Manifest,
    selection: Selection,
    run: RunContext,
    options: RunOptions,
    open_environment: OpenEnvironment,
    observer: Observer,
) -> Report:
    """Build the selected crates, write the report into the run's output directory, and return it.

    It is written after each built crate, too, and then says that the run was interrupted.
    """
    names = selection.names
    stop = threading.Event()
    started = time.monotonic()
    crates = {crate.name: crate for crate in manifest.crates}
    crate_settings = {name: settings(manifest.fleet, crates[name]) for name in names}
    top = repository_top(run.manifest.resolve().parent)
    checkout = checked_out(top, run.variables.get("GITHUB_SHA", ""))
    with output_directory(run.out, top) as out:
        files = [file for name in names for file in _output_files(crates[name], crate_settings[name])]
        _check_writable(out, (selection.report_name, *files))
        with contextlib.ExitStack() as stack:
            stack.enter_context(stopping_on_signals(stop))
            environment = stack.enter_context(open_environment(run, stop, observer))
            context = _build_context(
                manifest, selection, environment, run, options, stop, observer, out, started, stack
            )
            if options.max_cost is not None:
                context = _with_limit(context, manifest, selection, options.max_cost)
            builds = [CrateBuild(crates[name], crate_settings[name], context) for name in names]
            _check_cost(context, builds)
            report = RunReport(manifest, selection, checkout, run.now, options.predictions, context, builds)
            build_fleet(builds, options.jobs, report.add)
        return report.write(interrupted=stop.is_set())


def _with_limit(context: BuildContext, manifest: Manifest, selection: Selection, max_cost: float) -> BuildContext:
    """Return the context with the run's part of the limit for all shards, by the likely costs of their crates.

    Crates that the plan takes for unchanged have no part. Where it does so with all, each shard has the same part.
    """
    prices, crates = context.environment.prices, {crate.name: crate for crate in manifest.crates}
    if prices is None:
        return context

    def likely(names: Iterable[str]) -> float:
        each = (CrateBuild(crates[name], settings(manifest.fleet, crates[name]), context) for name in names)
        return math.fsum(build.likely_cost() for build in each)

    planned = {name for name, minutes in selection.minutes.items() if minutes}
    whole = likely(planned)
    _, shards = shard_numbers(selection.shard or "1/1")
    share = likely(planned.intersection(selection.names)) / whole if whole else 1 / shards
    return replace(context, spending=SpendingLimit(max_cost * share, prices.currency))


def _check_cost(context: BuildContext, builds: Sequence[CrateBuild]) -> None:
    """InputError when the crates that were never built before, here or elsewhere, likely cost too much."""
    indexed = context.previous.crates if context.previous else ()
    known = {*context.earlier, *(crate.name for crate in indexed if crate.state == "built")}
    new = (build for build in builds if build.crate.name not in known and not has_entry(build))
    context.spending.check(math.fsum(build.likely_cost() for build in new))


def _build_context(
    manifest: Manifest,
    selection: Selection,
    environment: BuildEnvironment,
    run: RunContext,
    options: RunOptions,
    stop: threading.Event,
    observer: Observer,
    out: Directory,
    started: float,
    stack: contextlib.ExitStack,
) -> BuildContext:
    cache = cache_directory(run.variables)
    scratch = create_private_directory(cache / "scratch", "run")
    stack.callback(scratch.remove)
    return BuildContext(
        environment=environment,
        tool_cache=ToolCache(
            cache / "tools", environment.backend, environment.sizes["standard"], environment.tool_cache_key, stop
        ),
        sources=source_locations(manifest, run.manifest, cache / "git", run.out, stop),
        variables=run.variables,
        redactor=run.redactor,
        out=out,
        scratch=scratch.path,
        cache=cache / "builds",
        stop=stop,
        observer=observer,
        started=started,
        # A crate without minutes is unchanged by the plan. If it is built all the same, it takes its usual ones.
        minutes=known_minutes(manifest, ()) | {name: each for name, each in selection.minutes.items() if each},
        sizes=sizes_of(options.predictions),
        keep_failed=options.keep_failed,
        previous=options.previous,
        earlier=options.earlier,
    )


def _output_files(crate: Crate, crate_settings: Settings) -> tuple[str, ...]:
    """Return the names of all files that a crate's build may write."""
    platforms, layout = crate_settings.platforms, crate_settings.layout
    tarballs = tarball_names(crate, crate_settings, platforms, layout)
    return (log_name(crate.name), sbom_name(crate.name), *tarballs)


def _check_writable(out: Directory, names: Iterable[str]) -> None:
    """InputError when a file cannot be written, before anything is built."""
    for name in names:
        out.check_file(name)
    out.check_writable(log_name("any"))
