"""The first attempt at the crates of a batch: in one sandbox, one after the other.

All dependencies are fetched before code of any crate runs. Then the network is closed, and each crate has a turn: it
finds the files of its own fetch step and none that another crate has written. An isolated local sandbox protects the
files of crates that wait (`BATCH` is read-only); elsewhere, a crate can alter them.

A crate that needs another attempt gets a sandbox of its own, as does one that had no turn because the sandbox failed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from generator.builds.attempt import begin, expected_failures, finish, open_sandbox
from generator.builds.crate import BegunCrate
from generator.builds.failures import RunStopped, StepFailed
from generator.builds.record import AttemptRecord
from generator.builds.result import AttemptResult, FirstAttempt
from generator.builds.session import BuildSession
from generator.builds.steps.fetch import Fetching, fetch_dependencies
from generator.manifest.values import SIZES
from generator.sandboxes.contract import Command, Resources, Sandbox, SandboxError, Usage
from generator.sandboxes.layout import BATCH, CARGO_HOME, COMMANDS, HOME, NPM_CACHE, TOOLS, TRANSFERS
from generator.scripts import with_arguments

# The part of what all crates have fetched that a crate may alter in its turn. No crate has this name.
SHARED: Final = f"{BATCH}/.shared"
# A turn begins with these: the next command's files, and what is read-only in an isolated local sandbox.
KEPT: Final = (BATCH, CARGO_HOME, TOOLS, COMMANDS, TRANSFERS)
# Directories of Cargo that all crates of a batch read: the fetched crates and repositories.
CARGO_SOURCES: Final = ("registry", "git")
SWITCH_SECONDS: Final = 600.0


def attempt_together(crates: Sequence[BegunCrate]) -> dict[str, FirstAttempt]:
    """Build crates in one sandbox and return the attempts of those that were in it, by name.

    There is none of a crate for which no more may be spent.
    """
    context = crates[0].build.context
    size = max((crate.build.size for crate in crates), key=SIZES.index)
    likely = {crate.build.crate.name: crate.build.likely_cost(size) for crate in crates}
    members = [_Member(crate) for crate in crates if context.spending.reserve(likely[crate.build.crate.name])]
    if members:
        _in_one_sandbox(members, context.environment.sizes[size])
    for member in members:
        costs = (context.environment.cost(each.resources, each.seconds) for each in member.record.usages)
        context.spending.settle(likely[member.name], sum(costs))
    return {member.name: FirstAttempt(member.attempt, member.seconds) for member in members if member.seconds}


class _Member:
    """A crate of a batch in its sandbox: its record, the seconds of its own part, and its result."""

    def __init__(self, begun: BegunCrate) -> None:
        self.begun, self.name, self.record = begun, begun.build.crate.name, AttemptRecord()
        self.seconds = 0.0
        self.fetched: tuple[BuildSession, Fetching] | None = None
        self.result: AttemptResult | None = None
        self._pause = contextlib.ExitStack()

    @property
    def attempt(self) -> AttemptResult:
        """The result of the crate's turn, or one that says that it did not end."""
        return self.result or AttemptResult(self.record, is_abandoned=True)

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time as the crate's own."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - started

    def fetch(self, sandbox: Sandbox) -> None:
        """Fetch the dependencies, and set the crate's files aside until its turn."""
        begun = self.begun
        session, job = begin(begun.build, begun.platforms, begun.source, sandbox, begun.log, self.record)
        try:
            with expected_failures(self.record):
                self.fetched = session, fetch_dependencies(session, job)
        finally:
            _run(self, sandbox, with_arguments("set-aside.sh", f"{BATCH}/{self.name}", *KEPT, HOME, NPM_CACHE))
        self._pause.enter_context(session.without_timeout())

    def take_turn(self, sandbox: Sandbox, session: BuildSession, fetching: Fetching) -> None:
        """Build the crate from what it has fetched; SandboxError when the place cannot be cleared for it."""
        self._pause.close()
        session.log.line("note: it is built in the sandbox of its batch")
        _run(self, sandbox, with_arguments("take-turn.sh", SHARED, f"{BATCH}/{self.name}", *KEPT))
        try:
            with expected_failures(self.record):
                self.result = AttemptResult(self.record, finish(self.begun.build, session, fetching))
        except StepFailed as failed:
            self.result = AttemptResult(self.record, failure=failed.failure)
        except RunStopped:
            self.result = AttemptResult(self.record, stopped=True)


def _in_one_sandbox(members: Sequence[_Member], resources: Resources) -> None:
    """Build the crates in a new sandbox, and divide its usage among them. Without a sandbox, the first one fails."""
    first = members[0]
    try:
        with first.timed():
            sandbox = open_sandbox(first.begun.build, resources, first.begun.log, first.record)
    except StepFailed as failed:
        first.result = AttemptResult(first.record, failure=failed.failure)
        return
    try:
        # A crate without a result is built alone, and then reports a full disk or a bug itself.
        with contextlib.suppress(Exception):
            _take_turns(members, sandbox, first.begun.build.context.stop)
    finally:
        usage = sandbox.kill()
        whole = sum(member.seconds for member in members)
        for member in members:
            if member.seconds:
                member.record.add_usage(_share(member, usage, member.seconds / whole))
        if usage.note:
            first.record.add_note(usage.note)


def _take_turns(members: Sequence[_Member], sandbox: Sandbox, stop: threading.Event) -> None:
    """Fetch the dependencies of all crates, close the network, and build one crate after the other."""
    for member in members:
        if stop.is_set():
            return
        # The failure may be due to another crate's fetch, so the crate fetches again in a sandbox of its own.
        with member.timed(), contextlib.suppress(StepFailed):
            member.fetch(sandbox)
    of_all = with_arguments("set-aside.sh", SHARED, *KEPT)
    of_cargo = with_arguments("set-aside.sh", f"../{SHARED}/{CARGO_HOME}", *CARGO_SOURCES)
    _run(members[0], sandbox, f"{of_all}\nmkdir -p {CARGO_HOME} && cd {CARGO_HOME}\n{of_cargo}")
    sandbox.close_network()
    for member in members:
        if member.fetched and not stop.is_set():
            with member.timed():
                member.take_turn(sandbox, *member.fetched)
            failure = member.attempt.failure
            if failure and failure.failure_class == "transient":
                return


def _run(member: _Member, sandbox: Sandbox, script: str) -> None:
    """Run a script between the crates' own; SandboxError when it fails."""

    def show(line: str) -> None:
        member.begun.log.line(line)

    result = sandbox.run(Command(script, sandbox.root, SWITCH_SECONDS), show)
    if result.exit_code or result.killed:
        raise SandboxError("the sandbox could not be cleared for the next crate of the batch")


def _share(member: _Member, usage: Usage, part: float) -> Usage:
    """Return a crate's part of the sandbox's usage. The peak of memory is its own where commands are measured."""
    peak = max((phase.peak_memory for phase in member.record.phases), default=0)
    return replace(usage, seconds=round(usage.seconds * part, 3), peak_memory=peak or usage.peak_memory, note=None)
