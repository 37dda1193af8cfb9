"""The packages of a command-line program: one shim for each program, which starts the platform's binary."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.commands import check_names
from generator.packages.files import check_staged, list_staged
from generator.packages.identity import ENGINES, Identity
from generator.packages.platform import add_platform_dependencies, package_for_platform
from generator.packages.tarball import NpmPackage, PackedFile, package_json
from generator.platforms import PLATFORMS, PlatformName, glibc_of, program_directory, program_file

# The shim runs in the user's Node: old syntax, no dependencies. `process.report` distinguishes glibc from musl without
# a process. The network is excluded, because the report would resolve the name of every connection. A program for musl
# is static, so it also runs on a machine with glibc.
SHIM = """#!/usr/bin/env node
"use strict";
const { spawn } = require("child_process");
const { constants } = require("os");
const { isatty } = require("tty");

const program = %(program)s;
const override = process.env[%(variable)s];
const files = %(files)s;
const minimumGlibc = %(minimums)s;
let glibc;

function platform() {
  if (process.platform !== "linux") {
    return process.platform + "-" + process.arch + (process.platform === "win32" ? "-msvc" : "");
  }
  if (process.report) process.report.excludeNetwork = true;
  glibc = process.report && process.report.getReport().header.glibcVersionRuntime;
  return "linux-" + process.arch + (glibc ? "-gnu" : "-musl");
}

function fail(code, sentence) {
  console.error(sentence);
  process.exit(code);
}

function find() {
  if (override) return override;
  const here = platform();
  const isOld = glibc && Number(glibc.split(".")[1]) < minimumGlibc[here];
  const file = (!isOld && files[here]) || files[here.replace(/-gnu$/, "-musl")] || files[here];
  if (!file) {
    fail(127, program + " was not built for " + here + "; it was built for: " + Object.keys(files).join(", "));
  }
  try {
    return require.resolve(file);
  } catch (error) {
    fail(127, file + " is not installed: run npm install again, without --omit=optional");
  }
}

// A terminal sends these to the program, too, and many programs end at once when they get a second one. Windows has no
// signals to pass on: a console sends Ctrl-C to all of its programs.
const fromTerminal = ["SIGINT", "SIGQUIT"];
const windows = process.platform === "win32";
const hasTerminal = [0, 1, 2].some((stream) => isatty(stream));
const signals = windows ? ["SIGINT", "SIGBREAK"] : [...fromTerminal, "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
for (const signal of signals) {
  process.on(signal, () => {
    if (!windows && !(hasTerminal && fromTerminal.includes(signal))) child.kill(signal);
  });
}

const child = spawn(find(), process.argv.slice(2), { stdio: "inherit", windowsHide: true });
child.on("error", (error) => {
  if (!child.pid) fail(126, program + " cannot be started: " + error.message);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exitCode = signal ? 128 + constants.signals[signal] : code;
});
"""


def program_packages(
    identity: Identity, programs: tuple[str, ...], staged: Path, layout: Layout
) -> tuple[NpmPackage, ...]:
    """Return the packages of bin/PLATFORM/PROGRAM with shims and package.json; raise Unbuildable for a missing program.

    In the layout `split` each platform has a package of its own with bin/PROGRAM.
    """
    check_names(programs)
    # Also on Windows, which keeps no such bit.
    files = tuple(
        replace(file, executable=file.executable or file.path.startswith("bin/")) for file in list_staged(staged)
    )
    expected = rf"bin/({'|'.join(PLATFORMS)})/({'|'.join(map(re.escape, programs))})(\.exe)?"
    check_staged(files, re.compile(expected), "the build of a program")
    binaries = {name: found for name in PLATFORMS if (found := _below(f"{program_directory(name)}/", files))}
    binary_paths = {program: _binary_paths(identity, program, binaries, layout) for program in programs}
    # In separate packages npm installs the one for glibc alone.
    minimums = _minimum_glibc(binaries) if layout == "single" else {}
    shims = tuple(
        PackedFile(f"bin/{name}.js", _shim(name, binary_paths[name], minimums), executable=True) for name in programs
    )
    documents = tuple(file for file in files if not file.path.startswith("bin/"))
    declared = identity.fields() | {
        "bin": {name: f"bin/{name}.js" for name in programs},
        "files": sorted({*(file.path for file in documents), "bin"}),
        "engines": ENGINES,
        # Without it Yarn keeps the package zipped, and the binaries cannot be executed.
        "preferUnplugged": True,
    }
    if layout == "single":
        return (NpmPackage(identity.name, (package_json(declared), *shims, *files)),)
    root = package_json(add_platform_dependencies(identity, declared, tuple(binaries)))
    others = (
        package_for_platform(
            identity,
            declared,
            name,
            map(_in_bin, found),
            documents,
            any_libc=_serves_any_libc(name, binaries),
            preferUnplugged=True,
        )
        for name, found in binaries.items()
    )
    return (NpmPackage(identity.name, (root, *shims, *documents)), *others)


def _below(directory: str, files: tuple[PackedFile, ...]) -> tuple[PackedFile, ...]:
    return tuple(file for file in files if file.path.startswith(directory))


def _in_bin(file: PackedFile) -> PackedFile:
    return replace(file, path=f"bin/{file.path.rpartition('/')[2]}")


def _binary_paths(
    identity: Identity, program: str, binaries: Mapping[PlatformName, tuple[PackedFile, ...]], layout: Layout
) -> dict[PlatformName, str]:
    """Return for each platform the path of the program that the shim resolves."""
    binary_paths: dict[PlatformName, str] = {}
    for platform, files in binaries.items():
        names = {file.path.rpartition("/")[2] for file in files}
        if (file := program_file(program, platform)) not in names:
            raise Unbuildable(f"the program {program} was not built for {platform}")
        directory = f"./{platform}" if layout == "single" else f"{identity.platform_package(platform)}/bin"
        binary_paths[platform] = f"{directory}/{file}"
    return binary_paths


def _serves_any_libc(platform: PlatformName, built: Collection[PlatformName]) -> bool:
    """Return True for a static program that also takes the place of the one for glibc."""
    return PLATFORMS[platform].libc == "musl" and glibc_of(platform) not in built


def _minimum_glibc(binaries: Mapping[PlatformName, tuple[PackedFile, ...]]) -> dict[PlatformName, int]:
    """Return the newest glibc that programs ask for, as N of 2.N, where there are programs for musl to take instead."""
    wanted = {glibc_of(name) for name in binaries}
    return {
        name: max((version for file in files for version in _glibc_versions(file)), default=0)
        for name, files in binaries.items()
        if name in wanted and PLATFORMS[name].libc == "glibc"
    }


def _glibc_versions(file: PackedFile) -> Iterator[int]:
    """Yield the versions of glibc that stand in an ELF file's table of names."""
    with file.open() as stream:
        yield from map(int, re.findall(rb"\0GLIBC_2\.(\d{1,3})(?=[.\0])", stream.read()))


def _shim(program: str, paths: Mapping[PlatformName, str], minimums: Mapping[PlatformName, int]) -> bytes:
    variable = "".join(each if each.isalnum() else "_" for each in program.upper()) + "_BINARY"
    values = {
        "program": json.dumps(program),
        "variable": json.dumps(variable),
        "files": json.dumps(paths, indent=2),
        "minimums": json.dumps(minimums),
    }
    return (SHIM % values).encode()
