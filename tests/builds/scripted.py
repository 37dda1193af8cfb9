"""Fleets whose builds are a line of shell, and helpers for their runs at E2B."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from generator import processes
from generator.backends.e2b import template_references
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.template.definition import load_definition
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.mounts import Bind
from tests.e2b_server import E2BServer, Rules, TemplateSize
from tests.support import TOP, git_repository, library, write_files


def prepared(top: Path, path: str, seconds: int = 600) -> Path:
    """Give a repository a template whose sandboxes have this machine's tools, and outlive a runner by so long."""
    definition = json.loads((TOP / "e2b/template.json").read_text())
    holds = {"targets": find_host_toolchain(os.environ).targets, "programs": []}
    definition |= {"env": {"PATH": path}, "holds": holds, "checks": [], "timeout_seconds": seconds}
    write_files(top, {"e2b/template.json": json.dumps(definition)})
    return git_repository(top)


def rules_for(top: Path, **more: Any) -> Rules:
    manifest = load_manifest(top / "crates.json")
    names = template_references(manifest, load_definition(top)).values()
    return Rules(templates=dict.fromkeys(names, TemplateSize(2, 4_096, 20_480)), **more)


def scripted_fleet(top: Path, count: int, build: str = "echo built", **fleet: Any) -> Path:
    """A repository of libraries whose builds are one line of shell."""
    files: dict[str, str] = {}
    crates = []
    for number in range(count):
        files |= library(f"c{number}")
        crates.append(
            {
                "name": f"c{number}", "version": "1.0.0", "kind": "lib", "source": {"path": f"c{number}"},
                "commands": {"build": build, "test": "true"},
            }
        )  # fmt: skip
    limits = {"e2b_sandboxes": 30, "e2b_creates_per_second": 100}
    manifest = {
        "schema_version": 1,
        "fleet": {"npm_scope": "@f", "platforms": ["linux-x64-gnu"], "limits": limits, **fleet},
        "crates": crates,
    }
    return write_files(top, {**files, "crates.json": json.dumps(manifest)})


# A program that needs no library, and ends at once.
START = """__attribute__((force_align_arg_pointer, noreturn)) void _start(void) {
    __asm__ volatile ("mov $60, %eax; xor %edi, %edi; syscall");
    __builtin_unreachable();
}
"""
NPM = "/scripted"
COPY = 'for each in release x86_64-unknown-linux-gnu/release; do install -D program "$CARGO_TARGET_DIR/$each/$(basename "$PWD")"; done'


def scripted_programs(top: Path, count: int, build: str = "true", **fleet: Any) -> Path:
    """A repository of programs that are compiled once, here, so that their builds are a line of shell and a copy."""
    scripted_fleet(top, count, f"{build}; {COPY}", **fleet)
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"] = [{**crate, "kind": "bin"} for crate in manifest["crates"]]
    (top / "crates.json").write_text(json.dumps(manifest, indent=1))
    (top / "start.c").write_text(START)
    processes.output(["cc", "-nostdlib", "-static", "-O1", "-s", "-o", "program", "start.c"], timeout=600, cwd=top)
    for number in range(count):
        crate = top / f"c{number}"
        (crate / "src/lib.rs").rename(crate / "src/main.rs")
        shutil.copy(top / "program", crate / "program")
    (top / "program").unlink()
    return top


def scripted_npm(directory: Path) -> Bind:
    """Write an npm that installs nothing and an npx that starts nothing; prepend NPM to PATH of sandboxes to use them."""
    directory.mkdir()
    for name in ("npm", "npx"):
        (directory / name).write_text("#!/bin/sh\nexit 0\n")
        (directory / name).chmod(0o755)
    return Bind(str(directory), NPM)


def report_of(top: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((top / "dist/report.json").read_text())
    return loaded


class Gate:
    """A gate for builds with the command `HOLD`, in sandboxes with `binds`."""

    HOLD = "until [ -e /gate/open ]; do sleep 0.1; done"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()
        directory.chmod(0o755)
        self.binds = (Bind(str(directory), "/gate"),)

    def open(self) -> None:
        """Let all of them go on."""
        (self._directory / "open").touch()


def env_of(server: E2BServer, tmp_path: Path, **more: str) -> dict[str, str]:
    return {**server.environment, "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}


def packages(out: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.glob("*.tgz"))}
