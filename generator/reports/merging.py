"""One report of a whole run from those of its shards, as `download-artifact` leaves them: one directory each."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from pydantic import ValidationError

from generator.errors import InputError
from generator.files.directory import Directory
from generator.files.output import output_directory
from generator.reports.models import Report

# A crate's part is some thousand bytes.
MAX_REPORT: Final = 64 * 1024 * 1024

_REPORT: Final = re.compile(r"report.*\.json", re.DOTALL)

Value = TypeVar("Value")


def merge_directory(directory: Path, run: str | None = None) -> Report:
    """Read every shard's report below a directory and merge them; InputError when there is none, or a broken one.

    A report that is of no shard is the run's own already: it is returned where there is no other. Where `run` is given,
    every report must be of that run: what lies there may be of an earlier one, or somebody else's.
    """
    return run_report(tuple(report for _, report in reports_below(directory, run)))


def reports_below(directory: Path, run: str | None = None) -> tuple[tuple[Path, Report], ...]:
    """Return the reports below a directory that count, each with the directory it is in; InputError as above.

    Of a shard that ran several times the last attempt counts.
    """
    with output_directory(directory) as results:
        named = sorted(name for name in results.walk_files() if _REPORT.fullmatch(PurePosixPath(name).name))
        found = [((directory / name).parent, _read(results, name, run)) for name in named]
    shards = sorted((each for each in found if each[1].shard), key=lambda each: each[1].run_attempt)
    if shards:
        return tuple({_index(report): (place, report) for place, report in shards}.values())
    if len(found) == 1:
        return tuple(found)
    raise InputError(f"{directory} holds {'no report' if not found else 'several reports that are of no shard'}")


def run_report(reports: tuple[Report, ...]) -> Report:
    """Return the report of a run from those that count, which may be one of no shard."""
    return merge(reports) if reports[0].shard else reports[0]


def merge(reports: Iterable[Report]) -> Report:
    """Merge reports of shards; of a shard that ran several times, the last attempt counts.

    InputError when they are of different runs: divided into another number of shards, or otherwise, or with another
    backend.
    """
    ordered = sorted(reports, key=lambda report: report.run_attempt)
    count = _same((_count(report) for report in ordered), "are divided into different numbers of shards")
    last = {_index(report): report for report in ordered}
    parts = [last[index] for index in sorted(last)]
    backend = _same((part.backend for part in parts), "have different backends")
    counted = Counter(crate.name for part in parts for crate in part.crates)
    if twice := [name for name, times in sorted(counted.items()) if times > 1]:
        raise InputError(f"the reports of several shards tell of {', '.join(twice)}: they are not of one plan")
    dearest = max(parts, key=lambda part: part.cost)
    return Report(
        backend=backend,
        isolated=all(part.isolated for part in parts),
        interrupted=any(part.interrupted for part in parts),
        seconds=max(part.seconds for part in parts),
        run=parts[0].run,
        run_attempt=max(part.run_attempt for part in parts),
        cost=_sum(part.cost for part in parts),
        retry_cost=_sum(part.retry_cost for part in parts),
        currency=dearest.currency,
        prices_of=dearest.prices_of,
        missing_shards=tuple(f"{index}/{count}" for index in range(1, count + 1) if index not in last),
        crates=tuple(sorted((crate for part in parts for crate in part.crates), key=lambda crate: crate.name)),
    )


def _read(results: Directory, name: str, run: str | None) -> Report:
    path = results.path / name
    try:
        report = Report.model_validate_json(results.read(name, MAX_REPORT) or b"")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} is no report of this version of cratematrix: {where}: {first['msg']}") from None
    if run is not None and report.run != run:
        raise InputError(f"{path} is not of this run, {run}", fix=f"rm {shlex.quote(str(path))}")
    return report


def _index(report: Report) -> int:
    return int((report.shard or "1/1").partition("/")[0])


def _count(report: Report) -> int:
    return int((report.shard or "1/1").partition("/")[2])


def _same(values: Iterable[Value], otherwise: str) -> Value:
    found = set(values)
    if len(found) != 1:
        raise InputError(f"the reports {otherwise}: they are not of one run")
    return found.pop()


def _sum(amounts: Iterable[float]) -> float:
    return round(math.fsum(amounts), 6)
