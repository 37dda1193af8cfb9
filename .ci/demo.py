"""Demonstration without an account: build, pack, install into an empty folder, load in Node."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from generator.console.output import print_message
from generator.console.tables import print_table

TOP = Path(__file__).resolve().parent.parent
GOOD = ("fleet-tally", "fleet-text", "fleet-search", "fleet-wasm", "fleet-cli")
# A crate of the 110 that comes from the crate registry and compiles in seconds.
PUBLISHED = ("leanr-rag-gateway",)


def main() -> int:
    """Build crates of both fleets, load the packages, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", default="2", help="sandboxes at the same time")
    jobs = parser.parse_args().jobs
    out = TOP / "dist" / "demo"
    built = [
        *build(TOP / "tests/fleet/crates.json", GOOD, out / "fleet", jobs),
        *build(TOP / "crates.json", PUBLISHED, out / "published", jobs),
    ]
    with tempfile.TemporaryDirectory(prefix="cratematrix-demo-") as empty:
        rows = [loaded(crate, package, Path(empty)) for crate, package in built]
    print_message("")
    print_table(("crate", "state", "package", "loaded in an empty folder by"), rows)
    # A crate may be skipped only if its manifest says so; a demonstration without a package shows nothing.
    states = [row[1] for row in rows]
    return 0 if "built" in states and {*states} <= {"built", "skipped"} else 1


def build(manifest: Path, crates: tuple[str, ...], out: Path, jobs: str) -> list[tuple[dict, Path | None]]:
    """Build crates with the installed command and return each one's report with its package."""
    command = [str(Path(sys.executable).with_name("cratematrix")), "build", "--manifest", str(manifest)]
    command += [word for crate in crates for word in ("--crate", crate)]
    code = subprocess.call([*command, "--out", str(out), "--jobs", jobs])
    if code != 0:
        sys.exit(code)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return [(crate, out / crate["package"]["file"] if crate["package"] else None) for crate in report["crates"]]


def loaded(crate: dict, package: Path | None, empty: Path) -> tuple[str, str, str, str]:
    """Install a package into an empty folder, and load it as its user would."""
    if package is None:
        words = crate["units"][0]["reason"] if crate["state"] == "skipped" else "a library: compiled, tests passed"
        return crate["name"], crate["state"], "", words
    folder = empty / crate["name"]
    folder.mkdir()
    npm = ["npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    run([*npm, str(package)], folder)
    require = f"console.log(Object.keys({crate['loaded']}).join(' '))"
    run(crate["loaded"].split() if crate["kind"] == "bin" else ["node", "-e", require], folder)
    return crate["name"], crate["state"], os.path.relpath(package), crate["loaded"]


def run(command: list[str], folder: Path) -> None:
    """Show a command and what it prints; end the demonstration when it fails."""
    print_message("$ " + shlex.join(command))
    if code := subprocess.call(command, cwd=folder, stdout=sys.stderr):
        print_message(f"error: exit {code}")
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
