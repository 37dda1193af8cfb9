"""The models of the report that `build` writes, version 1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from generator.audit.findings import Audit
from generator.manifest.crate_models import QuarantineState
from generator.manifest.values import BackendName, CommitSha, CrateName, Date, Size, Version
from generator.planning.explanation import InputDigests
from generator.planning.measurements import Measurements, Remembered
from generator.platforms import Kind, PlatformName
from generator.prices import Currency
from generator.sandboxes.contract import FailureClass
from generator.strict import Sentence, Strict

State = Literal["built", "failed", "skipped", "not_run"]
PhaseName = Literal["source", "open", "fetch", "compile", "test", "collect", "audit", "pack", "load"]
# Prefix of a note on coverage that was requested and not measured.
NO_COVERAGE = "no coverage: "
TestState = Literal["passed", "failed", "off", "none", "not_run"]
Shard = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}/[1-9]\d{0,3}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Failure(Strict):
    """The failure of a crate.

    `message` is one sentence, from the compiler if possible. `file` is relative to the repository's root. `exit_code`
    is the exit code of the failed command.
    """

    failure_class: FailureClass = Field(alias="class")
    phase: PhaseName
    message: Sentence
    file: Sentence | None = None
    line: int | None = None
    exit_code: int | None = None

    @property
    def located_message(self) -> str:
        """The message behind its file and line, as far as they are known."""
        place = [str(each) for each in (self.file, self.line) if each is not None]
        return ": ".join([":".join(place), self.message]) if self.file else self.message


class Artifact(Strict):
    """A file from the sandbox, with its size in bytes and its SHA-256 in hexadecimal."""

    file: Sentence
    bytes: int
    sha256: Digest


class UnitTests(Strict):
    """The tests of a crate on one platform.

    `by` is the emulator or runtime, None for the machine itself. `reason` explains tests that were not run.
    """

    state: TestState = "not_run"
    by: Sentence | None = None
    reason: Sentence | None = None
    seconds: float = 0.0


class Unit(Strict):
    """One crate for one platform; `seconds` is its compile time, and `audit` has one entry per artifact."""

    platform: PlatformName
    state: State
    reason: Sentence | None = None
    seconds: float = 0.0
    artifacts: tuple[Artifact, ...] = ()
    audit: tuple[Audit, ...] = ()
    tests: UnitTests = UnitTests()


class Phase(Strict):
    """One phase of a crate's build; `peak_memory` is in bytes, and 0 without a measurement."""

    name: PhaseName
    seconds: float
    exit_code: int | None = None
    peak_memory: int = 0


class SandboxUse(Strict):
    """A sandbox of one attempt: its size, its usage, and the failure of the attempt.

    `seconds` is its lifetime, which E2B bills. `cost` is in the report's currency, None for a free sandbox. The peaks
    are processors, and bytes of memory and disk; None without a measurement. `failure_class` and `failure` explain a
    failed attempt, also when a later one succeeded.
    """

    sandbox: Sentence
    attempt: int
    size: Size
    cpus: int
    memory_mib: int
    seconds: float
    cost: float | None = None
    peak_cpus: float | None = None
    peak_memory: int | None = None
    peak_disk: int | None = None
    failure_class: FailureClass | None = None
    failure: Sentence | None = None


class Covered(Strict):
    """The number of lines, functions or regions, and of the tested ones; `percent` is rounded down to hundredths."""

    count: int
    covered: int
    percent: float


class Coverage(Strict):
    """Coverage of a crate's Rust code by its tests on the host; regions are those of LLVM."""

    lines: Covered
    functions: Covered
    regions: Covered


class QuarantineReport(Strict):
    """The quarantine of a crate, as the manifest declares it, and its state on the day of the build in UTC."""

    reason: Sentence
    until: Date
    state: QuarantineState


class CrateReport(Strict):
    """The result of one crate.

    `started` is in seconds after the start of the run, None for a crate that was not begun. `shard` is that of a crate
    in a merged report.
    `attempts` is 0 for a crate that was reused: from the build cache, or from the published release of the tag
    `unchanged_since`, which has its packages. Its measurements and `cost` are then those of the build that made it, and
    the run's cost does not count them. `cache_key` is the digest of the input, None where it is secret or unknown.
    `inputs` has a digest of each of its parts, for `plan --explain`.
    `measurements` are the times of its last builds, oldest first, and `predicted_seconds` is the time that the plan
    expected of this one, None for a crate that was not built.
    `phases` belong to the last attempt, `sandboxes` to all attempts. `cost` is the cost of all attempts;
    `retry_seconds` and `retry_cost` count the retried ones.
    `hint` suggests a better size. `package` is the npm package, in the layout `split` the root package; `packages`
    has it first and then the others. `sbom` lists their components. `loaded` is the command that loaded the installed
    package. `coverage` is None without a measurement. `quarantine` is None for a crate without one.
    """

    name: CrateName
    version: Version
    kind: Kind
    state: State
    shard: Shard | None = None
    started: float | None = None
    attempts: int = 0
    cache_key: Digest | None = None
    inputs: InputDigests | None = None
    unchanged_since: Sentence | None = None
    seconds: float = 0.0
    predicted_seconds: float | None = Field(default=None, ge=0)
    measurements: Measurements = ()
    units: tuple[Unit, ...] = ()
    phases: tuple[Phase, ...] = ()
    peak_memory: int = 0
    sandboxes: tuple[SandboxUse, ...] = ()
    cost: float = 0.0
    retry_seconds: float = 0.0
    retry_cost: float = 0.0
    hint: Sentence | None = None
    package: Artifact | None = None
    packages: tuple[Artifact, ...] = ()
    sbom: Artifact | None = None
    loaded: Sentence | None = None
    tests: TestState = "not_run"
    coverage: Coverage | None = None
    notes: tuple[Sentence, ...] = ()
    failure: Failure | None = None
    quarantine: QuarantineReport | None = None

    @property
    def failed_in_quarantine(self) -> bool:
        """True for a failure that does not block: its quarantine holds."""
        return self.state == "failed" and self.quarantine is not None and self.quarantine.state == "holds"


class ShardTimes(Strict):
    """The predicted and the actual seconds of the crates that a shard built."""

    shard: Shard
    predicted_seconds: float = Field(ge=0)
    seconds: float = Field(gt=0)


class Report(Strict):
    """The result of one run of `build`.

    `shard` is I/N, None for a whole fleet. `run_attempt` counts GitHub's attempts of the run. `started` is Unix time in
    seconds, and `seconds` is wall-clock time. `run` is GitHub's run ID, elsewhere the ID for `reap --run`. `cost` is in
    `currency`, by the prices of the date `prices_of`; a local run is free. `estimated_cost` is the likely cost, before
    the run, of the crates that had a sandbox. `missing_shards` are the shards without a report in a merged report, and
    `shards` the times of the others. `commit` is that of the checkout, None if it is unknown, and `modified` is True if
    tracked files differed from it. `code` is the digest of the code of cratematrix that built. `remembered` has the
    measured crates of the fleet that are not in `crates`.
    """

    report_version: Literal[1] = 1
    backend: BackendName
    isolated: bool
    shard: Shard | None = None
    run_attempt: int = 1
    interrupted: bool = False
    started: float | None = None
    seconds: float
    run: Sentence | None = None
    cost: float = 0.0
    retry_cost: float = 0.0
    currency: Currency | None = None
    prices_of: Date | None = None
    estimated_cost: float | None = None
    missing_shards: tuple[Shard, ...] = ()
    shards: tuple[ShardTimes, ...] = ()
    commit: CommitSha | None = None
    modified: bool = False
    code: Digest | None = None
    crates: tuple[CrateReport, ...]
    remembered: tuple[Remembered, ...] = ()
