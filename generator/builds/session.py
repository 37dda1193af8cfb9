"""A crate's sandbox at work."""

from __future__ import annotations

import shutil
import tarfile
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from generator.builds.context import CrateBuild
from generator.builds.diagnostics import Diagnostic, in_repository
from generator.builds.errors import RunStopped, StepFailed
from generator.builds.failures import FetchAccess, failure_of
from generator.builds.log import CommandOutput, CrateLog
from generator.builds.result import AttemptResult
from generator.cargo.metadata import MAX_METADATA_BYTES
from generator.recipes.job import BuildJob
from generator.recipes.prebuilt import Prebuilt
from generator.reports.models import Failure, Phase, PhaseName
from generator.sandboxes.contract import Command, CommandResult, FileMissing, Sandbox
from generator.sandboxes.layout import PACKED, source_path


class BuildSession:
    """One crate's sandbox at work: runs scripts, and keeps what they do in the log and in the outcome.

    `passed` are the variables that the crate may see, once the network is closed. `reach` is what can be
    reached until then, None for all.
    """

    def __init__(
        self, build: CrateBuild, job: BuildJob, sandbox: Sandbox, log: CrateLog, result: AttemptResult
    ) -> None:
        self.build, self.job, self.sandbox, self.log, self.result = build, job, sandbox, log, result
        self.fetch_access: FetchAccess | None = None
        self.phase: PhaseName = "open"
        self.scratch = build.context.scratch / build.crate.name
        shutil.rmtree(self.scratch, ignore_errors=True)  # what an earlier attempt left
        self.scratch.mkdir(parents=True)
        environment = build.context.variables
        self.passed_variables = {name: environment[name] for name in build.settings.env if name in environment}
        self._deadline = time.monotonic() + build.settings.timeout_minutes * 60

    def enter(self, phase: PhaseName) -> None:
        """Begin a phase, and say so."""
        self.phase = phase
        self.build.context.observer.phase(self.build.crate.name, phase)

    def command(
        self, phase: PhaseName, script: str, cwd: str, said: deque[str] | None = None, **env: str
    ) -> CommandResult:
        """Run a script and keep its phase in the report; `Failed` when it does not exit with 0.

        `said` gets what it prints, as far as it takes it.
        """
        output = CommandOutput(self.log)

        def take(line: str) -> None:
            output.take(line)
            if said is not None:
                said.append(line)

        timeout = max(1.0, self._deadline - time.monotonic())
        # While the network is open nothing of the user's environment is there to be sent away.
        given = env if phase == "fetch" else {**self.passed_variables, **env}
        done = self.sandbox.run(Command(f"set -euo pipefail\n{script}", cwd, timeout, given), take)
        self.result.add(
            Phase(name=phase, seconds=round(done.seconds, 3), exit_code=done.exit_code, peak_memory=done.peak_memory)
        )
        if done.killed == "stopped":
            raise RunStopped
        if done.exit_code != 0 or done.killed:
            reach = self.fetch_access and replace(self.fetch_access, refused=self.sandbox.refused_hosts())
            failure = failure_of(phase, done, output.diagnostics(), self.build.settings.timeout_minutes, reach)
            raise StepFailed(self._placed(failure))
        return done

    def _placed(self, failure: Failure) -> Failure:
        top = source_path(self.job.root, ".")
        place = in_repository(Diagnostic("", failure.file, failure.line), self.job.workspace, top)
        message = failure.message.replace(f"{top}/", "")
        return failure.model_copy(update={"message": message, "file": place.file, "line": place.line})

    def put_files(self, files: Iterable[Path]) -> None:
        """Give the sandbox the tarballs; it unpacks tars only, so it gets a tar of them."""
        carrier = self.scratch / "carrier.tar"
        with tarfile.open(carrier, "w") as tar:
            for file in files:
                tar.add(file, arcname=file.name)
        self.sandbox.put(carrier, f"{self.job.root}/{PACKED}")

    def put_prebuilt(self, prebuilt: Prebuilt, directory: str) -> None:
        """Unpack what is made once for this machine into a directory of the sandbox.

        It is not for this crate alone, and so the time that it takes is not the crate's.
        """
        context, started = self.build.context, time.monotonic()
        try:
            archive = context.tool_cache.archive(prebuilt, self.log, context.stop, self.result.sandbox_usages)
        finally:
            self._deadline += time.monotonic() - started
        self.sandbox.put(archive, directory)

    def read(self, name: str, max_bytes: int = MAX_METADATA_BYTES) -> bytes | None:
        """Return a small file that a script left in the root, or None where it left none."""
        destination = self.scratch / name
        try:
            self.sandbox.get(f"{self.job.root}/{name}", destination, max_bytes)
        except FileMissing:
            return None
        return destination.read_bytes()
