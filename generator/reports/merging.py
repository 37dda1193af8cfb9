"""One report of a whole run, merged from the reports of its shards: `download-artifact` makes a directory for each."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from pydantic import ValidationError

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import output_directory
from generator.reports.models import CrateReport, Report
from generator.reports.predictions import shard_times

# Bytes; the part of one crate has a few thousand.
MAX_REPORT: Final = 64 * 1024 * 1024

# Not the SBOM of a crate whose name begins so.
_REPORT: Final = re.compile(r"report.*(?<!\.cdx)\.json", re.DOTALL)
_ONE_RUN: Final = "remove the reports of other runs, or build into a new directory with --out"

Value = TypeVar("Value")


def merge_directory(directory: Path, run: str | None = None) -> Report:
    """Read and merge the shards' reports below a directory; InputError without a report, or with an invalid one.

    A report without a shard is returned when it is the only one. With `run`, every report must have this run ID:
    reports of an earlier run may be in the directory.
    """
    return run_report(tuple(report for _, report in reports_below(directory, run)))


def reports_below(directory: Path, run: str | None = None) -> tuple[tuple[Path, Report], ...]:
    """Return the reports below a directory, each with its own directory; InputError as in `merge_directory`.

    When a shard ran several times, only its last attempt is returned.
    """
    fix = "cratematrix build --all; or name the directory of the results with --out"
    if not directory.is_dir():
        raise InputError(f"there is no directory {directory}", fix=fix)
    with output_directory(directory) as results:
        names = report_names(results)
        found = [((directory / name).parent, read_below(results, name, run)) for name in names]
    shards = sorted((each for each in found if each[1].shard), key=lambda each: each[1].run_attempt)
    if shards:
        return tuple({_index(report): (path, report) for path, report in shards}.values())
    if len(found) == 1:
        return tuple(found)
    if not found:
        raise InputError(f"{directory} holds no report", fix=fix)
    raise InputError(
        f"{directory} holds the reports of several runs: {', '.join(names)}",
        fix="name the directory of one of them with --out",
    )


def run_report(reports: tuple[Report, ...]) -> Report:
    """Return the report of a run: the merged reports of its shards, or the only report without a shard."""
    return merge(reports) if reports[0].shard else reports[0]


def merge(reports: Iterable[Report]) -> Report:
    """Merge reports of shards; when a shard ran several times, only its last attempt counts.

    InputError when the number of shards, the plan, the backend or the commit differs.
    """
    ordered = sorted(reports, key=lambda report: report.run_attempt)
    count = _same((_count(report) for report in ordered), "have different numbers of shards")
    last = {_index(report): report for report in ordered}
    parts = [last[index] for index in sorted(last)]
    backend = _same((part.backend for part in parts), "have different backends")
    counted = Counter(crate.name for part in parts for crate in part.crates)
    if twice := [name for name, times in sorted(counted.items()) if times > 1]:
        raise InputError(
            f"the reports of several shards contain {', '.join(twice)}: they are not of one plan",
            fix="build every shard again from one manifest, into a new directory",
        )
    estimates = [part.estimated_cost for part in parts if part.estimated_cost is not None]
    most_expensive = max(parts, key=lambda part: part.cost)
    started = min((part.started for part in parts if part.started is not None), default=None)
    return Report(
        backend=backend,
        isolated=all(part.isolated for part in parts),
        interrupted=any(part.interrupted for part in parts),
        started=started,
        seconds=max(part.seconds + _delay(part, started) for part in parts),
        run=parts[0].run,
        run_attempt=max(part.run_attempt for part in parts),
        cost=_sum(part.cost for part in parts),
        retry_cost=_sum(part.retry_cost for part in parts),
        currency=most_expensive.currency,
        prices_of=most_expensive.prices_of,
        estimated_cost=_sum(estimates) if estimates else None,
        commit=_commit(parts),
        modified=any(part.modified for part in parts),
        code=parts[0].code if len({part.code for part in parts}) == 1 else None,
        shards=tuple(times for part in parts if (times := shard_times(part))),
        missing_shards=tuple(f"{index}/{count}" for index in range(1, count + 1) if index not in last),
        crates=tuple(
            sorted(chain.from_iterable(_placed(part, started) for part in parts), key=lambda crate: crate.name)
        ),
    )


def read_report(content: bytes, path: Path) -> Report:
    """Return the report in a file; InputError when it is none of this version."""
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path} is not a report of this version of cratematrix: {key}: {first['msg']}",
            fix="remove it, or build again with this version",
        ) from None


def _placed(part: Report, started: float | None) -> Iterator[CrateReport]:
    """Yield the crates of a shard, each with the shard and its start in the whole run."""
    for crate in part.crates:
        began = None if crate.started is None else round(crate.started + _delay(part, started), 3)
        yield crate.model_copy(update={"shard": part.shard, "started": began})


def _delay(part: Report, started: float | None) -> float:
    """Return the seconds from the start of the run to that of a shard."""
    return 0.0 if started is None or part.started is None else part.started - started


def report_names(results: Directory) -> list[str]:
    """Return the names of the reports below a directory, in order."""
    return sorted(name for name in results.walk_files() if _REPORT.fullmatch(PurePosixPath(name).name))


def read_below(results: Directory, name: str, run: str | None = None) -> Report:
    """Return the report of this name; InputError when it is none, or with `run` that of another run."""
    path = results.path / name
    report = read_report(results.read(name, MAX_REPORT) or b"", path)
    if run is not None and report.run != run:
        raise InputError(f"{path} is not of this run, {run}", fix=f"rm {shlex.quote(str(path))}")
    return report


def _index(report: Report) -> int:
    return int((report.shard or "1/1").partition("/")[0])


def _count(report: Report) -> int:
    return int((report.shard or "1/1").partition("/")[2])


def _same(values: Iterable[Value], difference: str) -> Value:
    found = set(values)
    if len(found) != 1:
        each = ", ".join(sorted(map(str, found)))
        raise InputError(f"the reports {difference} ({each}): they are not of one run", fix=_ONE_RUN)
    return found.pop()


def _commit(parts: Iterable[Report]) -> str | None:
    """Return the commit of all shards; those that do not know theirs do not count."""
    commits = sorted({part.commit for part in parts if part.commit})
    if len(commits) > 1:
        raise InputError(
            f"the reports are of different commits: {', '.join(commits)}", fix="build every shard at one commit"
        )
    return commits[0] if commits else None


def _sum(amounts: Iterable[float]) -> float:
    return round(math.fsum(amounts), 6)
