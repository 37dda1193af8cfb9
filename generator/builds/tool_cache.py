"""What many crates need alike: made once for this machine, in a sandbox of its own, and kept."""

from __future__ import annotations

import fcntl
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from generator.builds.errors import RunStopped, StepFailed, sandbox_failure
from generator.builds.failures import failure_of
from generator.builds.log import CommandOutput, CrateLog
from generator.files.digest import sha256_of
from generator.files.user_cache import write_atomically
from generator.recipes.prebuilt import Prebuilt
from generator.reports.models import PhaseName
from generator.sandboxes.contract import Backend, Command, Resources, Sandbox, SandboxError, Usage
from generator.sandboxes.layout import PREBUILT_TAR

MAX_STOCK: Final = 1024 * 1024 * 1024
TIMEOUT_MINUTES: Final = 30


@dataclass(frozen=True)
class ToolCache:
    """What is kept below `directory`; `fingerprint` keeps what different machines and toolchains made apart.

    Each thing is made in a sandbox of `backend` with `resources`, where nothing of any crate of the fleet has been.
    """

    directory: Path
    backend: Backend
    resources: Resources
    fingerprint: str

    def archive(self, prebuilt: Prebuilt, log: CrateLog, stop: threading.Event, usages: list[Usage]) -> Path:
        """Return the tar; the first who asks makes it while the others wait, until `stop`.

        One that is no longer what was made is made anew. What making it used is added to `usages`.
        """
        toolchain = hashlib.sha256(self.fingerprint.encode()).hexdigest()[:16]
        path = self.directory / toolchain / f"{prebuilt.name}.tar"
        if _is_whole(path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{prebuilt.name}.lock").open("w") as lock:
            _wait_for(lock, stop)
            if not _is_whole(path):
                log.line(f"{prebuilt.activity}, once for this machine")
                self._make(prebuilt, path, log, usages)
        return path

    def _make(self, prebuilt: Prebuilt, path: Path, log: CrateLog, usages: list[Usage]) -> None:
        try:
            sandbox = self.backend.open(prebuilt.name, self.resources, {})
        except SandboxError as error:
            raise sandbox_failure(error, "fetch") from None
        try:
            if prebuilt.fetch:
                sandbox.allow_only("auto")
                self._run(sandbox, "fetch", prebuilt.fetch, log)
            sandbox.close_network()
            self._run(sandbox, "compile", prebuilt.build, log)
            partial = path.with_suffix(".part")  # this stock's own, and so taken over from a run that was killed
            sandbox.get(f"{sandbox.root}/{PREBUILT_TAR}", partial, MAX_STOCK)
            partial.replace(path)
            write_atomically(_digest(path), sha256_of(path).encode())
        except SandboxError as error:
            raise sandbox_failure(error, "compile") from None
        finally:
            usages.append(sandbox.kill())

    @staticmethod
    def _run(sandbox: Sandbox, phase: PhaseName, script: str, log: CrateLog) -> None:
        output = CommandOutput(log)
        done = sandbox.run(Command(f"set -euo pipefail\n{script}", sandbox.root, TIMEOUT_MINUTES * 60), output.take)
        if done.killed == "stopped":
            raise RunStopped
        if done.exit_code != 0 or done.killed:
            raise StepFailed(failure_of(phase, done, output.diagnostics(), TIMEOUT_MINUTES))


def _digest(path: Path) -> Path:
    """Return where the SHA-256 of a tar lies, which is written when the tar is whole."""
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    try:
        return _digest(path).read_text() == sha256_of(path)
    except (OSError, ValueError):
        return False


def _wait_for(lock: TextIO, stop: threading.Event) -> None:
    """Wait until no other thread or run holds the lock; it is given up when the file is closed."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if stop.wait(0.2):
                raise RunStopped from None
        else:
            return
