"""Demonstration without an account: build, pack, install into an empty folder, load in Node."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from generator.console.output import print_message
from generator.console.tables import print_table
from generator.platforms import PlatformName, host_platform
from generator.text import counted

TOP = Path(__file__).resolve().parent.parent
FLEET = TOP / "tests" / "fleet"
GOOD = ("fleet-tally", "fleet-text", "fleet-search", "fleet-wasm", "fleet-cli")
# A crate of the 110 that comes from the crate registry and compiles in seconds, and its platform.
PUBLISHED, PUBLISHED_FOR = ("leanr-rag-gateway",), "linux-x64-gnu"
LIBRARY = "a library: compiled, tests passed"
COMMAND = Path(sys.executable).with_name("cratematrix")


def main() -> int:
    """Build crates of both fleets, load the packages, print a table, and what to type next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", default="2", help="sandboxes at the same time")
    jobs = parser.parse_args().jobs
    host = host_platform()
    if host is None:
        print_message(
            "error: crates are built on Linux and macOS only\n  fix: run make demo there, or in WSL on Windows"
        )
        return 2
    options = ["--jobs", jobs] if sys.platform == "linux" else ["--jobs", jobs, "--no-isolation"]
    for note in notes(host):
        print_message(f"note: {note}")
    out = TOP / "dist" / "demo"
    with tempfile.TemporaryDirectory(prefix="cratematrix-demo-") as directory:
        empty = Path(directory)
        code, built = build(fleet_for(host, empty / "source"), GOOD, out / "fleet", options)
        if host == PUBLISHED_FOR:
            other, more = build(TOP / "crates.json", PUBLISHED, out / "published", options)
            code, built = code or other, [*built, *more]
        rows = [loaded(crate, package, empty) for crate, package in built]
    print_message("")
    print_table(("crate", "state", "package", "loaded by"), rows)
    return finish(code, rows)


def notes(host: PlatformName) -> list[str]:
    """Return what the demonstration cannot do on this machine."""
    found = []
    if sys.platform != "linux":
        found.append("this system has no bubblewrap, so the crates of tests/fleet are built without isolation, as you")
    if host != PUBLISHED_FOR:
        found.append(f"the packages are for {host}; {PUBLISHED[0]} is left out, because it is for {PUBLISHED_FOR}")
    return found


def fleet_for(host: PlatformName, copy: Path) -> Path:
    """Return the manifest of the sample fleet, on other machines that of a copy with their platform."""
    manifest = FLEET / "crates.json"
    fleet = json.loads(manifest.read_text(encoding="utf-8"))
    if host in fleet["fleet"]["platforms"]:
        return manifest
    shutil.copytree(FLEET, copy)
    fleet["fleet"]["platforms"] = [host, "wasm32"]
    for crate in fleet["crates"]:
        if "platforms" in crate:
            crate["platforms"] = [host]
    (copy / "crates.json").write_text(json.dumps(fleet), encoding="utf-8")
    return copy / "crates.json"


def build(
    manifest: Path, crates: tuple[str, ...], out: Path, options: list[str]
) -> tuple[int, list[tuple[dict[str, Any], Path | None]]]:
    """Build crates with the installed command; return its exit code and each one's report with its package.

    The demonstration ends if there is no report.
    """
    report = out / "report.json"
    report.unlink(missing_ok=True)
    command = [str(COMMAND), "build", "--manifest", str(manifest), "--out", str(out), *options]
    code = subprocess.call([*command, *(word for crate in crates for word in ("--crate", crate))])
    if not report.exists() or code not in (0, 1):
        sys.exit(code or 1)
    crates_built = json.loads(report.read_text(encoding="utf-8"))["crates"]
    return code, [(crate, out / crate["package"]["file"] if crate["package"] else None) for crate in crates_built]


def loaded(crate: dict[str, Any], package: Path | None, empty: Path) -> tuple[str, str, str, str]:
    """Install a package into an empty folder, and load it as its user would."""
    if package is None:
        reason = crate["units"][0]["reason"] if crate["state"] == "skipped" else ""
        return crate["name"], crate["state"], "", LIBRARY if crate["state"] == "built" else reason
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
    quiet = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
    if code := subprocess.call(command, cwd=folder, stdout=sys.stderr, env=quiet):
        print_message(f"error: exit {code}")
        sys.exit(1)


def finish(code: int, rows: list[tuple[str, str, str, str]]) -> int:
    """Print whether it works and what to type next, and return the exit code: without a package it does not work.

    A crate may be skipped only if its manifest says so.
    """
    packages, skipped = sum(bool(row[2]) for row in rows), sum(row[1] == "skipped" for row in rows)
    if code or not packages:
        print_message(f"error: {'a crate failed' if code else 'no package was built'}\n  fix: see the lines above")
        return code or 1
    left_out = f"; {counted(skipped, 'crate')} skipped: see the table" if skipped else ""
    print_message(f"it works: {counted(packages, 'package')} built, installed and loaded{left_out}")
    print_message(f"next, in a repository with Rust crates:\n  {shlex.quote(str(COMMAND))} init")
    return 0


if __name__ == "__main__":
    sys.exit(main())
