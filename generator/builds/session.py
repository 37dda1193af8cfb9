"""A build session: runs scripts in a crate's sandbox, and logs and records them."""

from __future__ import annotations

import shutil
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from generator.builds.diagnostics import Diagnostic, Diagnostics, in_repository
from generator.builds.failures import FetchAccess, RunStopped, StepFailed, failure_of
from generator.builds.log import CommandOutput, CrateLog
from generator.builds.missing_files import missing_names
from generator.builds.record import AttemptRecord
from generator.cargo.metadata import MAX_METADATA_BYTES
from generator.recipes.job import BuildJob
from generator.reports.models import Failure, Phase, PhaseName
from generator.sandboxes.contract import Command, CommandResult, FileMissing, OnLine, Sandbox


class BuildSession:
    """Runs a job's scripts in its sandbox, writes their output to the log and adds their phases to the record.

    `variables` are the environment variables that the crate may see after the network is closed. `scratch` is an empty
    directory of the host. All scripts together may take the crate's timeout. `preparation` runs before each script.
    `explain` returns a sentence about names of files that a failed script did not find, or None. `network_closes` is
    False without isolation.
    """

    def __init__(
        self,
        job: BuildJob,
        sandbox: Sandbox,
        log: CrateLog,
        record: AttemptRecord,
        scratch: Path,
        variables: Mapping[str, str],
        explain: Callable[[Sequence[str]], str | None],
        *,
        network_closes: bool,
    ) -> None:
        self.sandbox, self.log, self.record, self.scratch, self.variables = sandbox, log, record, scratch, variables
        self.preparation = job.preparation
        self._root, self._workspace, self._explain = job.root, job.workspace, explain
        self._network_closes = network_closes
        self._timeout_minutes = job.settings.timeout_minutes
        self._deadline = time.monotonic() + self._timeout_minutes * 60
        shutil.rmtree(scratch, ignore_errors=True)  # an earlier attempt may have left it
        scratch.mkdir(parents=True)

    def enter(self, phase: PhaseName) -> None:
        """Begin a phase."""
        self.record.enter(phase)
        self.log.phase(phase)

    def note(self, note: str) -> None:
        """Add a note to the log and to the report, once."""
        if note not in self.record.notes:
            self.log.line(f"note: {note}")
            self.record.add_note(note)

    def command(
        self,
        phase: PhaseName,
        script: str,
        cwd: str,
        *,
        env: Mapping[str, str] | None = None,
        on_line: OnLine | None = None,
        access: FetchAccess | None = None,
    ) -> CommandResult:
        """Run a script and record its phase; StepFailed unless it exits with 0, RunStopped when the run ends.

        `on_line` receives the output. `access` is the network access of a fetch, for the failure's message.
        """
        output = CommandOutput(self.log, cwd)

        def feed(line: str) -> None:
            output.feed(line)
            if on_line is not None:
                on_line(line)

        timeout = max(1.0, self._deadline - time.monotonic())
        # While the network is open, no variable of the user may leave the machine.
        variables = {**({} if phase == "fetch" else self.variables), **(env or {})}
        full = f"set -euo pipefail\n{self.preparation}{script}"
        result = self.sandbox.run(Command(full, cwd, timeout, variables), feed)
        seconds = round(result.seconds, 3)
        self.record.add_phase(
            Phase(name=phase, seconds=seconds, exit_code=result.exit_code, peak_memory=result.peak_memory)
        )
        if result.killed == "stopped":
            raise RunStopped
        if result.exit_code != 0 or result.killed:
            unreachable, said = self.sandbox.unreachable_hosts(), output.diagnostics()
            known = access and replace(access, refused=self.sandbox.refused_hosts(), unreachable=unreachable)
            failure = failure_of(phase, result, said, self._timeout_minutes, known, network_closes=self._network_closes)
            is_unreachable = bool(known and unreachable) and failure.failure_class == "transient"
            explained = self._with_missing_file(self._with_repository_path(failure), said)
            raise StepFailed(explained, is_unreachable=is_unreachable)
        return result

    def read(self, name: str, max_bytes: int = MAX_METADATA_BYTES) -> bytes | None:
        """Return a small file of the sandbox's root, or None if there is none."""
        destination = self.scratch / name
        try:
            self.sandbox.get(f"{self._root}/{name}", destination, max_bytes)
        except FileMissing:
            return None
        return destination.read_bytes()

    def put_files(self, files: Iterable[Path], directory: str) -> None:
        """Copy files into a directory of the sandbox, which accepts only tar archives."""
        archive = self.scratch / "files.tar"
        with tarfile.open(archive, "w") as tar:
            for file in files:
                tar.add(file, arcname=file.name)
        self.sandbox.put(archive, directory)

    @contextmanager
    def without_timeout(self) -> Iterator[None]:
        """Do not count the time against the crate's timeout."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._deadline += time.monotonic() - started

    def _with_missing_file(self, failure: Failure, output: Diagnostics) -> Failure:
        """Return the failure with a sentence about a file that exists in the repository and not in the sandbox."""
        source = f"{self._root}/source/"
        names = missing_names(line.replace(source, "") for line in (failure.message, *output.last))
        sentence = self._explain(names) if names else None
        return failure.model_copy(update={"message": f"{failure.message}; {sentence}"}) if sentence else failure

    def _with_repository_path(self, failure: Failure) -> Failure:
        """Return the failure with paths relative to the repository, not to the sandbox."""
        source = f"{self._root}/source"
        location = in_repository(Diagnostic("", failure.file, failure.line), self._workspace, source)
        message = failure.message.replace(f"{source}/", "")
        return failure.model_copy(update={"message": message, "file": location.file, "line": location.line})
