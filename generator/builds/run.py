"""The whole of `build`: from the manifest and a choice of crates to packages and a report."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import FrameType

from generator.builds.context import BuildContext, CrateBuild
from generator.builds.environment import BuildEnvironment
from generator.builds.fleet import build_fleet
from generator.builds.observer import Observer
from generator.builds.tool_cache import ToolCache
from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import output_directory
from generator.files.user_cache import cache_directory
from generator.github_actions.step_files import github_run
from generator.manifest.models import Crate, Manifest
from generator.manifest.names import log_name, sbom_name, tarball_names
from generator.manifest.settings import Settings, settings
from generator.planning.plan import longest_first, make_plan, only, shard_crates
from generator.redaction import Redactor
from generator.reports.models import CrateReport, Report
from generator.files.private_directories import claim
from generator.sources.collect import SourceLocations, repository_top


@dataclass(frozen=True)
class Selection:
    """Which crates to build: those with these names, or all where there are none; of them the part "I/N", if any."""

    shard: str | None = None
    crates: tuple[str, ...] = ()

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the chosen crates, longest first; InputError for a crate or a shard that does not exist."""
        minutes = {crate.name: crate.expected_minutes for crate in manifest.crates}
        wanted = frozenset(self.crates or minutes)
        if unknown := sorted(wanted - minutes.keys()):
            near = get_close_matches(unknown[0], minutes, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise InputError(f"the manifest has no crate {', '.join(unknown)}{hint}", fix="cratematrix plan")
        if self.shard:
            index, slots = _shard(self.shard)
            return shard_crates(make_plan(only(manifest, wanted), slots), index)
        return tuple(name for name in longest_first(minutes) if name in wanted)

    @property
    def report_name(self) -> str:
        """Name of the report: shards of one run must not overwrite each other's."""
        return f"report-{_shard(self.shard)[0]}.json" if self.shard else "report.json"


def _shard(text: str) -> tuple[int, int]:
    if not (found := re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)):
        raise InputError(f"{text!r} is not a shard: write I/N, such as 1/30")
    return int(found[1]), int(found[2])


@dataclass(frozen=True)
class RunContext:
    """Where a run works: the manifest, the output directory, the user's environment and the secrets in it."""

    manifest: Path
    out: Path
    variables: Mapping[str, str]
    redactor: Redactor


@dataclass(frozen=True)
class RunOptions:
    """How a run builds: so many crates at once, and whether it leaves the sandboxes of failed ones."""

    jobs: int
    keep_failed: bool = False


OpenEnvironment = Callable[[RunContext, threading.Event, Observer], AbstractContextManager[BuildEnvironment]]


def build(
    manifest: Manifest,
    choice: Selection,
    place: RunContext,
    options: RunOptions,
    open_environment: OpenEnvironment,
    observer: Observer,
) -> Report:
    """Build the chosen crates in the sandboxes of a site, write the report into `place.out`, and return it."""
    names = choice.names(manifest)
    stop = threading.Event()
    started = time.monotonic()
    crates = {crate.name: crate for crate in manifest.crates}
    own = {name: settings(manifest.fleet, crates[name]) for name in names}
    with output_directory(place.out, repository_top(place.manifest.resolve().parent)) as out:
        _check(out, (choice.report_name, *(file for name in names for file in _results(crates[name], own[name]))))
        with contextlib.ExitStack() as stack:
            stack.enter_context(_stopping_on_signals(stop))
            environment = stack.enter_context(open_environment(place, stop, observer))
            context = _build_context(environment, place, options, stop, observer, out, stack)
            reports = build_fleet([CrateBuild(crates[name], own[name], context) for name in names], options.jobs)
        report = _report(environment, choice, place, reports, time.monotonic() - started, interrupted=stop.is_set())
        text = place.redactor.in_json(report.model_dump_json(indent=2))
        out.write(choice.report_name, f"{text}\n".encode())
    return report


def _report(
    environment: BuildEnvironment,
    choice: Selection,
    place: RunContext,
    reports: Sequence[CrateReport],
    seconds: float,
    *,
    interrupted: bool,
) -> Report:
    return Report(
        backend=environment.backend.name,
        isolated=environment.isolated,
        shard=choice.shard,
        run_attempt=_run_attempt(place.variables),
        interrupted=interrupted,
        seconds=round(seconds, 3),
        run=environment.run or github_run(place.variables),
        cost=round(sum(each.cost for each in reports), 6),
        retry_cost=round(sum(each.retry_cost for each in reports), 6),
        currency=environment.prices.currency if environment.prices else None,
        prices_of=environment.prices.date if environment.prices else None,
        crates=tuple(sorted(reports, key=lambda each: each.name)),
    )


def _run_attempt(environment: Mapping[str, str]) -> int:
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "")
    return int(attempt) if attempt.isdecimal() else 1


def _build_context(
    environment: BuildEnvironment,
    place: RunContext,
    options: RunOptions,
    stop: threading.Event,
    observer: Observer,
    out: Directory,
    stack: contextlib.ExitStack,
) -> BuildContext:
    directory = place.manifest.resolve().parent
    top = repository_top(directory)
    relative = directory.relative_to(top).as_posix()
    cache = cache_directory(place.variables)
    scratch = claim(cache / "scratch", "run")
    stack.callback(scratch.remove)
    return BuildContext(
        environment=environment,
        tool_cache=ToolCache(
            cache / "tools", environment.backend, environment.sizes["standard"], environment.tool_cache_key
        ),
        sources=SourceLocations(top, relative, cache / "git", stop, place.out.resolve()),
        variables=place.variables,
        redactor=place.redactor,
        out=out,
        scratch=scratch.path,
        cache=cache / "receipts",
        stop=stop,
        observer=observer,
        keep_failed=options.keep_failed,
    )


def _results(crate: Crate, own: Settings) -> tuple[str, ...]:
    """Name every file that may come of a crate."""
    tarballs = tarball_names(crate, own.npm_name, own.platforms, own.layout)
    return (log_name(crate.name), sbom_name(crate.name), *tarballs)


def _check(out: Directory, names: Iterable[str]) -> None:
    """InputError when results cannot be written, before anything is built."""
    for name in names:
        out.check(name)
    out.check_room(log_name("any"))


@contextlib.contextmanager
def _stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP stop the sandboxes, then write the report; the next ends at once."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for each in before:
            signal.signal(each, signal.SIG_DFL)

    for each in before:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
