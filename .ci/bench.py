"""Run time of commands as a ratio to a bare interpreter in the same run: absolute times depend on the machine."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generator.console.tables import print_table

TOP = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).with_name("cratematrix"))
RUNS = 11


def main() -> None:
    """Time each command and the bare interpreter in turn, and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "crates.json"
        large.write_text(json.dumps(fleet_of(10_000)), encoding="utf-8")
        commands = {
            "--version": ["--version"],
            "--help": ["--help"],
            "plan, 110 crates": ["plan", "--json", "--manifest", str(TOP / "crates.json")],
            "generate --check, 110 crates": ["generate", "--check", "--manifest", str(TOP / "crates.json")],
            "plan, 10,000 crates": ["plan", "--json", "--manifest", str(large)],
        }
        rows = [row(name, words) for name, words in commands.items()]
    print_table(("command", "milliseconds", "beyond the interpreter", "ratio"), rows)


def fleet_of(count: int) -> dict[str, object]:
    """Return a manifest of that many published crates."""
    crates = [
        {"name": f"c{n}", "version": "1.0.0", "kind": "lib", "source": {"registry": f"c{n}", "version": "1.0.0"}}
        for n in range(count)
    ]
    return {"schema_version": 1, "fleet": {"npm_scope": "@bench"}, "crates": crates}


def row(name: str, words: list[str]) -> tuple[str, str, str, str]:
    """Run a command and an empty program alternately, so that both have the same load of the machine."""
    pairs = [(once([COMMAND, *words]), once([sys.executable, "-c", "pass"])) for _ in range(RUNS)]
    command, bare = (statistics.median(each) for each in zip(*pairs, strict=True))
    return name, f"{command:.0f}", f"{command - bare:.0f}", f"{command / bare:.1f}"


def once(command: list[str]) -> float:
    """Return the wall-clock milliseconds of one run."""
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, cwd=TOP)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
