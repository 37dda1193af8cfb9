"""The package of a command-line program: one shim per program, which starts the binary of this platform."""

from __future__ import annotations

from pathlib import Path

from generator.errors import Unbuildable
from generator.packages.files import packed_files
from generator.packages.identity import ENGINES, Identity
from generator.packages.tarball import PackedFile, json_bytes
from generator.platforms import PLATFORMS

# Runs in the user's Node: old syntax, no dependencies. `process.report` tells glibc from musl without a process.
SHIM = """#!/usr/bin/env node
"use strict";
const { spawnSync } = require("child_process");
const { existsSync, readdirSync } = require("fs");
const { constants } = require("os");
const path = require("path");

const program = %(program)s;
const override = process.env[%(variable)s];

function platform() {
  if (process.platform !== "linux") {
    return process.platform + "-" + process.arch + (process.platform === "win32" ? "-msvc" : "");
  }
  const glibc = process.report && process.report.getReport().header.glibcVersionRuntime;
  return "linux-" + process.arch + (glibc ? "-gnu" : "-musl");
}

function find() {
  if (override) return override;
  const file = path.join(__dirname, platform(), program + (process.platform === "win32" ? ".exe" : ""));
  if (existsSync(file)) return file;
  const there = readdirSync(__dirname, { withFileTypes: true }).filter((each) => each.isDirectory());
  console.error(
    program + " was not built for " + platform() + "; this package holds: " + there.map((each) => each.name).join(", ")
  );
  process.exit(127);
}

const result = spawnSync(find(), process.argv.slice(2), { stdio: "inherit", windowsHide: true });
if (result.error) {
  console.error(program + " cannot be started: " + result.error.message);
  process.exit(126);
}
if (result.signal) {
  process.kill(process.pid, result.signal);
  process.exitCode = 128 + constants.signals[result.signal];
} else {
  process.exitCode = result.status;
}
"""


def program_package(identity: Identity, programs: tuple[str, ...], staged: Path) -> tuple[PackedFile, ...]:
    """Put shims and package.json beside bin/PLATFORM/PROGRAM; Unbuildable names a program that is missing."""
    files = packed_files(staged)
    paths = {file.path for file in files}
    platforms = [name for name in PLATFORMS if any(path.startswith(f"bin/{name}/") for path in paths)]
    for platform in platforms:
        for program in programs:
            if not {f"bin/{platform}/{program}", f"bin/{platform}/{program}.exe"} & paths:
                raise Unbuildable(f"the program {program} was not built for {platform}")
    shims = tuple(PackedFile(f"bin/{name}.js", _shim(name), executable=True) for name in programs)
    package_json = identity.fields() | {
        "bin": {name: f"bin/{name}.js" for name in programs},
        "files": sorted({path.split("/")[0] for path in paths} | {"bin"}),
        "engines": ENGINES,
        # Yarn would otherwise keep the package zipped, where nothing can be executed.
        "preferUnplugged": True,
    }
    return (PackedFile("package.json", json_bytes(package_json)), *shims, *files)


def _shim(program: str) -> bytes:
    variable = "".join(each if each.isalnum() else "_" for each in program.upper()) + "_BINARY"
    return (SHIM % {"program": f'"{program}"', "variable": f'"{variable}"'}).encode()
