"""The tool cache: archives that many crates need, built once per machine in a sandbox of their own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from generator.builds.artifacts import sha256_of
from generator.builds.failures import RunStopped, StepFailed, failure_of, sandbox_failure
from generator.builds.log import CommandOutput, CrateLog
from generator.files.user_cache import write_atomically
from generator.recipes.prebuilt import Prebuilt
from generator.reports.models import PhaseName
from generator.sandboxes.contract import Backend, Command, Resources, Sandbox, SandboxError, Usage
from generator.sandboxes.layout import PREBUILT_TAR

MAX_ARCHIVE: Final = 1024 * 1024 * 1024
TIMEOUT_MINUTES: Final = 30
LOCK_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class ToolCache:
    """Archives below `directory`; `key` separates those of different machines, toolchains and isolation.

    Each is built in a sandbox of `backend` with `resources`, which no crate of the fleet has used. Waiting for another
    builder ends with RunStopped as soon as `stop` is set.
    """

    directory: Path
    backend: Backend
    resources: Resources
    key: str
    stop: threading.Event

    def archive(self, prebuilt: Prebuilt, log: CrateLog, add_usage: Callable[[Usage], object]) -> Path:
        """Return the archive. The first caller builds it while the others wait; a damaged one is built again.

        `add_usage` receives the usage of the sandbox in which it is built.
        """
        directory = self.directory / hashlib.sha256(self.key.encode()).hexdigest()[:16]
        path = directory / f"{prebuilt.name}.tar"
        if _is_complete(path):
            return path
        directory.mkdir(parents=True, exist_ok=True)
        with self._locked(directory / f"{prebuilt.name}.lock"):
            if not _is_complete(path):
                log.line(f"{prebuilt.activity}, once for this machine")
                self._build(prebuilt, path, log, add_usage)
        return path

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """Hold the lock file, which threads and other runs share; RunStopped when the run ends while waiting."""
        lock = FileLock(path, preserve_lock_file=True)
        try:
            lock.acquire(poll_interval=LOCK_POLL_SECONDS, cancel_check=self.stop.is_set)
        except Timeout:
            raise RunStopped from None
        try:
            yield
        finally:
            lock.release()

    def _build(self, prebuilt: Prebuilt, path: Path, log: CrateLog, add_usage: Callable[[Usage], object]) -> None:
        try:
            sandbox = self.backend.open(prebuilt.name, self.resources, {})
        except SandboxError as error:
            raise sandbox_failure(error, "fetch") from None
        try:
            if prebuilt.fetch:
                sandbox.allow_only("auto")
                _run(sandbox, "fetch", prebuilt.fetch, log)
            sandbox.close_network()
            _run(sandbox, "compile", prebuilt.build, log)
            partial = path.with_suffix(".part")  # under the lock nobody else writes it; a killed run may have left it
            sandbox.get(f"{sandbox.root}/{PREBUILT_TAR}", partial, MAX_ARCHIVE)
            partial.replace(path)
            write_atomically(_digest_file(path), sha256_of(path).encode())
        except SandboxError as error:
            raise sandbox_failure(error, "compile") from None
        finally:
            add_usage(sandbox.kill())


def _run(sandbox: Sandbox, phase: PhaseName, script: str, log: CrateLog) -> None:
    output = CommandOutput(log)
    command = Command(f"set -euo pipefail\n{script}", sandbox.root, TIMEOUT_MINUTES * 60)
    result = sandbox.run(command, output.feed)
    if result.killed == "stopped":
        raise RunStopped
    if result.exit_code != 0 or result.killed:
        raise StepFailed(failure_of(phase, result, output.diagnostics(), TIMEOUT_MINUTES))


def _digest_file(path: Path) -> Path:
    """Return the path of an archive's SHA-256, which is written after the archive is complete."""
    return path.with_suffix(".sha256")


def _is_complete(path: Path) -> bool:
    try:
        return _digest_file(path).read_text() == sha256_of(path)
    except (OSError, ValueError):
        return False
