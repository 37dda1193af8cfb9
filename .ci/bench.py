"""Measure the gap of plans to the lower bound, and the run time of commands beside that of a bare interpreter.

Absolute times depend on the machine. Its load changes the processor's time less than the clock's.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from generator.console.tables import print_table
from generator.planning.balance import balance, lower_bound

TOP = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).with_name("cratematrix"))
RUNS = 11
DRAWS, CRATES, SLOTS = 200, 110, 30
MINUTES: dict[str, Callable[[random.Random], float]] = {
    "lognormal, sigma 0.6": lambda draw: draw.lognormvariate(1.5, 0.6),
    "lognormal, sigma 1.0": lambda draw: draw.lognormvariate(1.5, 1.0),
    "uniform, 0.5 to 20": lambda draw: draw.uniform(0.5, 20),
    "uniform, 10 to 20": lambda draw: draw.uniform(10, 20),
}


def main() -> None:
    """Balance random fleets. Then time each command and the bare interpreter in turn, and print the medians."""
    columns = (f"{DRAWS} fleets of {CRATES} crates", "mean makespan ÷ bound", "largest", "at the bound", "milliseconds")
    print_table(columns, [balanced(name) for name in MINUTES])
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "crates.json"
        large.write_text(json.dumps(fleet_of(10_000)), encoding="utf-8")
        commands = {
            "--version": ["--version"],
            "--help": ["--help"],
            "plan, 110 crates": ["plan", "--json", "--manifest", str(TOP / "crates.json")],
            "generate --check, 110 crates": ["generate", "--check", "--manifest", str(TOP / "crates.json")],
            "plan, 10,000 crates": ["plan", "--json", "--manifest", str(large)],
            "generate, 10,000 crates": ["generate", "--manifest", str(large)],
        }
        rows = [row(name, words) for name, words in commands.items()]
    print_table(("milliseconds of", "all", "beyond the interpreter", "processor", "beyond the interpreter"), rows)


def balanced(name: str) -> tuple[str, str, str, str, str]:
    """Balance the same random fleets in each run, and compare the longest slots with the lower bounds."""
    draw = random.Random(1)  # noqa: S311
    fleets = [{f"c{number}": MINUTES[name](draw) for number in range(CRATES)} for _ in range(DRAWS)]
    started = time.process_time()
    longest = [max(shard.predicted_minutes for shard in balance(fleet, SLOTS)) for fleet in fleets]
    each = (time.process_time() - started) * 1000 / DRAWS
    ratios = [time / lower_bound(fleet.values(), SLOTS) for time, fleet in zip(longest, fleets, strict=True)]
    return name, f"{statistics.mean(ratios):.4f}", f"{max(ratios):.4f}", str(ratios.count(1)), f"{each:.1f}"


def fleet_of(count: int) -> dict[str, object]:
    """Return a manifest of that many published crates."""
    crates = [
        {"name": f"c{n}", "version": "1.0.0", "kind": "lib", "source": {"registry": f"c{n}", "version": "1.0.0"}}
        for n in range(count)
    ]
    fleet = {"npm_scope": "@bench", "action": "bench/bench@v1"}
    return {"schema_version": 1, "fleet": fleet, "crates": crates}


def row(name: str, words: list[str]) -> tuple[str, ...]:
    """Run a command and an empty program alternately, so that both have the same load of the machine."""
    pairs = [(once([COMMAND, *words]), once([sys.executable, "-c", "pass"])) for _ in range(RUNS)]
    command, bare = ([statistics.median(each) for each in zip(*runs, strict=True)] for runs in zip(*pairs, strict=True))
    figures = ((all_, all_ - alone) for all_, alone in zip(command, bare, strict=True))
    return name, *(f"{figure:.0f}" for both in figures for figure in both)


def once(command: list[str]) -> tuple[float, float]:
    """Return the milliseconds of one run, by the clock and of the processor."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True, cwd=TOP)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (ended - started) * 1000, used * 1000


if __name__ == "__main__":
    main()
