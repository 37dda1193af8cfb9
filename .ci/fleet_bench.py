"""Measure three runs of a fleet whose builds sleep: its time against the bound, its predicted times and its costs.

The plan, the jobs, E2B's SDK and the reports are real; the service is the test server on this machine. Each run takes
the times of the run before. A build sleeps for the scaled minutes of a crate of crates.json, times a factor that the
manifest does not know, and times noise of its own in each run. Everything else that a build does takes processor time
of this machine, so a short fleet measures the machine and not the plan.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator.backends.e2b import template_references
from generator.console.output import print_message
from generator.console.tables import print_table
from generator.manifest.reading import load_manifest
from generator.planning.balance import lower_bound
from generator.planning.limits import jobs_at_once
from generator.reports.models import Report
from generator.reports.predictions import comparisons
from generator.sandboxes.e2b.template.definition import load_definition
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.mounts import Bind

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.builds.scripted import env_of, prepared, scripted_fleet
from tests.e2b_server import E2BServer, Record, Rules, TemplateSize
from tests.support import COMMAND, TOP

RUNS = 3
SLEEP = 'sleep "$(cat "/times/$(basename "$PWD")")"'
# The least and the largest factor that the manifest does not know, and the standard deviation of the noise of each run.
UNKNOWN, NOISE = (0.5, 1.5), 0.03
# Creates per second of E2B's Pro plan, which are scaled as the builds are.
CREATES = 5.0


@dataclass(frozen=True)
class Sleeps:
    """The seconds that each crate expects and sleeps without noise; one second stands for `scale` seconds."""

    expected: Mapping[str, float]
    seconds: Mapping[str, float]
    scale: float


@dataclass(frozen=True)
class Measured:
    """What one run took, in seconds and in the currency of the prices."""

    plan: Mapping[str, Any]
    report: Mapping[str, Any]
    slept: Mapping[str, float]
    wall: float
    around: float
    metered: float


def main() -> int:
    """Run the fleet three times, and print a table of the runs and one of the three figures of the last ones."""
    options = parsed()
    sleeps = sleeps_of(options.crates, options.slots, options.minutes)
    print_message(
        f"{options.crates} crates in {options.slots} slots of {options.jobs} jobs; 1 s stands for {sleeps.scale:.1f} s "
        f"of crates.json; noise {NOISE:.0%}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        (times := Path(folder) / "times").mkdir()
        times.chmod(0o755)
        Path(folder).chmod(0o755)
        top = fleet_of(Path(folder) / "repo", sleeps, options)
        with E2BServer(rules_of(top, options.slots, sleeps.scale), binds=[Bind(str(times), "/times")]) as server:
            runs = [run(number, top, server, times, sleeps) for number in range(1, RUNS + 1)]
    print_runs(runs, options.slots)
    print_figures(runs, options.slots)
    return 0 if all(crate["state"] == "built" for each in runs for crate in each.report["crates"]) else 1


def parsed() -> argparse.Namespace:
    """Return the options; without them the fleet is that of crates.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crates", type=int, default=110)
    parser.add_argument("--slots", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=3, help="jobs that share the slots")
    parser.add_argument("--minutes", type=float, default=8.0, help="lower bound of one run, without what a build costs")
    return parser.parse_args()


def sleeps_of(count: int, slots: int, minutes: float) -> Sleeps:
    """Scale crates of crates.json so that the lower bound of their sleeps is that many minutes."""
    draw = random.Random(1)  # noqa: S311
    crates = json.loads((TOP / "crates.json").read_text())["crates"]
    chosen = draw.sample(crates, count) if count < len(crates) else [crates[n % len(crates)] for n in range(count)]
    expected = {f"c{number}": 60.0 * crate["expected_minutes"] for number, crate in enumerate(chosen)}
    true = {name: each * draw.uniform(*UNKNOWN) for name, each in expected.items()}
    scale = lower_bound([each / 60 for each in true.values()], slots) / minutes
    expected, true = ({name: each / scale for name, each in times.items()} for times in (expected, true))
    return Sleeps(expected, true, scale)


def fleet_of(top: Path, sleeps: Sleeps, options: argparse.Namespace) -> Path:
    """Make the repository of the fleet."""
    limits = {"e2b_sandboxes": options.slots, "e2b_creates_per_second": min(100.0, CREATES * sleeps.scale)}
    shared = {"slots": options.slots, "jobs": options.jobs, "retries": 0, "backend": "e2b", "limits": limits}
    scripted_fleet(top, options.crates, SLEEP, **shared)
    manifest = json.loads((top / "crates.json").read_text())
    for crate in manifest["crates"]:
        crate["expected_minutes"] = round(sleeps.expected[crate["name"]] / 60, 3)
    (top / "crates.json").write_text(json.dumps(manifest))
    return prepared(top, find_host_toolchain(os.environ).path)


def rules_of(top: Path, slots: int, scale: float) -> Rules:
    """Return a service with the template's own sizes, which refuses what the account may not."""
    manifest, definition = load_manifest(top / "crates.json"), load_definition(top)
    sizes = {name: TemplateSize(each.cpus, each.memory_mib, each.disk_mib) for name, each in definition.sizes.items()}
    templates = {text: sizes[size] for size, text in template_references(manifest, definition).items()}
    return Rules(templates=templates, max_sandboxes=slots, creates_per_second=min(100.0, CREATES * scale))


def run(number: int, top: Path, server: E2BServer, times: Path, sleeps: Sleeps) -> Measured:
    """Plan, build and report once, with the report of the run before and the caches of no other run."""
    draw = random.Random(number)  # noqa: S311
    slept = {name: each * max(0.5, draw.gauss(1, NOISE)) for name, each in sleeps.seconds.items()}
    for name, seconds in slept.items():
        (times / name).write_text(f"{seconds:.3f}")
    home, before = top.parent / f"run-{number}", top.parent / f"run-{number - 1}" / "dist" / "report.json"
    home.mkdir()
    seen, began = len(server.created()), time.monotonic()
    words = ["plan", "--backend", "e2b", "--json", *(["--previous", str(before)] if number > 1 else [])]
    plan = json.loads(said(top, server, home, words, home / "plan.json"))
    planned = time.monotonic()
    shards = len(plan["shards"])
    job = partial(build, top, server, home, shards)
    with ThreadPoolExecutor(jobs_at_once(load_manifest(top / "crates.json").fleet, "e2b", shards)) as pool:
        list(pool.map(job, range(1, shards + 1)))
    built = time.monotonic()
    words = ["report", "--out", str(home / "dist"), "--plan", str(home / "plan.json")]
    said(top, server, home, words, home / "printed")
    report = json.loads((home / "dist" / "report.json").read_text())
    whole = time.monotonic() - began
    metered = math.fsum(price(record) for record in server.created()[seen:])
    print_message(f"run {number}: {whole:.0f} s")
    return Measured(plan, report, slept, built - planned, whole - (built - planned), metered)


def build(top: Path, server: E2BServer, home: Path, shards: int, index: int) -> None:
    """Run a job, on a machine of its own but for the processors."""
    out = str(home / "dist" / str(index))
    words = ["build", "--backend", "e2b", "--shard", f"{index}/{shards}", "--plan", str(home / "plan.json")]
    said(top, server, home / f"job-{index}", [*words, "--out", out], home / f"job-{index}.log", check=False)


def said(top: Path, server: E2BServer, home: Path, words: Sequence[str], to: Path, *, check: bool = True) -> str:
    """Run the command, keep what it prints in two files, and return its stdout."""
    env = {**os.environ, **env_of(server, home)}
    with to.open("w") as out, Path(f"{to}.errors").open("w") as errors:
        subprocess.run([COMMAND, *words], cwd=top, env=env, stdout=out, stderr=errors, check=check)
    return to.read_text()


def price(record: Record) -> float:
    """Return what a sandbox cost by the server's own clock, its size and the published prices."""
    prices = json.loads((TOP / "e2b/prices.json").read_text())
    seconds = ((record.ended_at or record.end_at) - record.started_at).total_seconds()
    gibibytes = record.size.memory_mib / 1024
    return seconds * float(record.size.cpus * prices["cpu_second"] + gibibytes * prices["gib_second"])


def print_runs(runs: Sequence[Measured], slots: int) -> None:
    """Print what each run took."""
    columns = (
        "run",
        "wall",
        "plan, report",
        "bound of plan",
        "bound of sleeps",
        "per crate beyond sleep",
        "predicted by",
    )
    rows = []
    for number, each in enumerate(runs, start=1):
        beyond = statistics.mean(crate["seconds"] - each.slept[crate["name"]] for crate in each.report["crates"])
        bounds = (60 * each.plan["lower_bound_minutes"], 60 * lower_bound([s / 60 for s in each.slept.values()], slots))
        basis = each.plan["predictions"][0]["basis"]
        seconds = (each.wall, each.around, *bounds, beyond)
        rows.append((str(number), *(f"{value:.1f} s" for value in seconds), basis))
    print_table(columns, rows)


def print_figures(runs: Sequence[Measured], slots: int) -> None:
    """Print the figures of each run beside what they should be."""
    columns = ("figure", *(f"run {number}" for number in range(1, len(runs) + 1)), "goal")
    rows = [
        (
            "wall ÷ bound of the plan",
            *(f"{each.wall / 60 / each.plan['lower_bound_minutes']:.3f}" for each in runs),
            "run 3: 1.05",
        ),
        (
            "wall ÷ bound of the sleeps",
            *(f"{each.wall / 60 / lower_bound([s / 60 for s in each.slept.values()], slots):.3f}" for each in runs),
            "",
        ),
        ("prediction off by: all crates", *(reported(each, "all crates") for each in runs), "run 3: 10 %"),
        ("the same, from the plan and the times", *(f"{error(each):+.1f} %" for each in runs), ""),
        ("prediction off by: longest shard", *(reported(each, "longest shard") for each in runs), "run 3: 10 %"),
        ("mean of the crates' own errors", *(f"{crate_error(each):.1f} %" for each in runs), ""),
        ("estimated cost", *(f"{estimated(each):.4f}" for each in runs), ""),
        ("cost in the report", *(f"{each.report['cost']:.4f}" for each in runs), ""),
        ("metered cost", *(f"{each.metered:.4f}" for each in runs), ""),
        ("estimate off by", *(f"{100 * (estimated(each) / each.metered - 1):+.1f} %" for each in runs), "run 2: 5 %"),
    ]
    print_table(columns, rows)


def reported(run: Measured, name: str) -> str:
    """Return the error that the page of the report shows."""
    found = {each.name: each.words for each in comparisons(Report.model_validate_json(json.dumps(run.report)))}
    return found[name][-1] if name in found else "-"


def error(run: Measured) -> float:
    """Return the error of the sum of all crates in percent."""
    predicted = math.fsum(60 * each["minutes"] for each in run.plan["predictions"])
    return 100 * (predicted / math.fsum(crate["seconds"] for crate in run.report["crates"]) - 1)


def crate_error(run: Measured) -> float:
    """Return the mean of the errors of the crates in percent, without their signs."""
    predicted = {each["crate"]: 60 * each["minutes"] for each in run.plan["predictions"]}
    errors = (float(predicted[each["name"]] / each["seconds"] - 1) for each in run.report["crates"])
    return 100 * statistics.mean(abs(each) for each in errors)


def estimated(run: Measured) -> float:
    """Return the likely cost of the sandboxes before the run."""
    return float(run.plan["costs"]["sandboxes"]["likely"])


if __name__ == "__main__":
    sys.exit(main())
