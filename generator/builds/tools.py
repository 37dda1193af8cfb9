"""Programs that recipes need and the registry publishes as source: built once, in a sandbox of their own, and kept."""

from __future__ import annotations

import fcntl
import hashlib
import shlex
import tarfile
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from generator.builds.diagnostics import Diagnostics
from generator.builds.endings import Failed, Stopped, failed_sandbox
from generator.builds.failures import failure_of
from generator.builds.log import CrateLog
from generator.recipes.recipe import Tool, registry_source
from generator.reports.models import PhaseName
from generator.sandboxes.sandbox import Backend, Command, Resources, Sandbox, SandboxError, Usage

MAX_PROGRAM: Final = 256 * 1024 * 1024
TIMEOUT_MINUTES: Final = 30


@dataclass(frozen=True)
class ToolShelf:
    """The tools of this machine, below `directory`; `fingerprint` keeps those of different toolchains apart.

    Each is built in a sandbox of `backend` with `resources`.
    """

    directory: Path
    backend: Backend
    resources: Resources
    fingerprint: str

    def archive(self, tool: Tool, log: CrateLog, stop: threading.Event, usages: list[Usage]) -> Path:
        """Return a tar that holds the programs; the first who asks builds it while the others wait, until `stop`.

        What building it used is added to `usages`.
        """
        toolchain = hashlib.sha256(self.fingerprint.encode()).hexdigest()[:16]
        path = self.directory / toolchain / f"{'+'.join(tool.programs)}-{tool.version}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            _wait_for(lock, stop)
            if not path.exists():
                log.line(f"building {tool.crate} {tool.version}, once for this machine")
                self._build(tool, path, log, usages)
        return path

    def _build(self, tool: Tool, path: Path, log: CrateLog, usages: list[Usage]) -> None:
        with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as scratch:
            made = Path(scratch) / "programs"
            made.mkdir()
            self._make(tool, made, log, usages)
            packed = Path(scratch) / path.name
            with tarfile.open(packed, "w") as tar:
                for program in sorted(made.iterdir()):
                    program.chmod(0o755)
                    tar.add(program, arcname=program.name)
            packed.replace(path)

    def _make(self, tool: Tool, made: Path, log: CrateLog, usages: list[Usage]) -> None:
        try:
            sandbox = self.backend.open(tool.crate, self.resources, {})
        except SandboxError as error:
            raise failed_sandbox(error, "fetch") from None
        try:
            self._run(sandbox, "fetch", _fetch(tool), log)
            sandbox.close_network()
            self._run(sandbox, "compile", _compile(tool), log)
            for program in tool.programs:
                sandbox.get(f"{sandbox.root}/target/release/{program}", made / program, MAX_PROGRAM)
        except SandboxError as error:
            raise failed_sandbox(error, "compile") from None
        finally:
            usages.append(sandbox.kill())

    @staticmethod
    def _run(sandbox: Sandbox, phase: PhaseName, script: str, log: CrateLog) -> None:
        said = Diagnostics()

        def take(line: str) -> None:
            said.feed(log.line(line))

        done = sandbox.run(Command(f"set -euo pipefail\n{script}", sandbox.root, TIMEOUT_MINUTES * 60), take)
        if done.killed == "stopped":
            raise Stopped
        if done.exit_code != 0 or done.killed:
            raise Failed(failure_of(phase, done, said, TIMEOUT_MINUTES))


def _wait_for(lock: TextIO, stop: threading.Event) -> None:
    """Wait until no other thread or run holds the lock; it is given up when the file is closed."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if stop.wait(0.2):
                raise Stopped from None
        else:
            return


def _fetch(tool: Tool) -> str:
    """Fetch by the published lock file where the registry still has all of it, else anew."""
    return (
        f"{registry_source(tool.crate, tool.version)}\ncd source\n"
        "cargo fetch --locked || { rm Cargo.lock && cargo fetch; }"
    )


def _compile(tool: Tool) -> str:
    # Unoptimised it compiles in a third of the time and still binds a module in under a second.
    programs = " ".join(f"--bin {shlex.quote(each)}" for each in tool.programs)
    return (
        f"cd source && cargo build --offline --release {programs} --no-default-features "
        "--config profile.release.opt-level=0 --config profile.release.lto=false"
    )
