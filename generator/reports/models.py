"""The report that `build` writes, version 1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from generator.audit.findings import Audit
from generator.manifest.values import BackendName, CrateName, Size, Version
from generator.platforms import Kind, PlatformName
from generator.sandboxes.contract import FailureClass
from generator.strict import Sentence, Strict

State = Literal["built", "failed", "skipped", "not_run"]
PhaseName = Literal["source", "open", "fetch", "compile", "test", "collect", "audit", "pack", "load"]
# How a note begins that says why coverage which was asked for is not in a report.
NO_COVERAGE = "no coverage: "
TestState = Literal["passed", "failed", "off", "none", "not_run"]
Shard = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}/[1-9]\d{0,3}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# ISO 4217's codes, and ISO 8601's dates.
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Date = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Failure(Strict):
    """Why a crate was not built.

    `message` is one sentence, the compiler's own where there is one; `file` and `line` are the ones it named, from
    the repository's top. `exit_code` is the failing command's.
    """

    failure_class: FailureClass = Field(alias="class")
    phase: PhaseName
    message: Sentence
    file: Sentence | None = None
    line: int | None = None
    exit_code: int | None = None


class Artifact(Strict):
    """A file that came out of the sandbox: its size in bytes and its SHA-256 in hexadecimal."""

    file: Sentence
    bytes: int
    sha256: Digest


class UnitTests(Strict):
    """What became of a crate's tests on one platform.

    `by` is what ran them there, None for the machine itself; `reason` says why they were not run.
    """

    state: TestState = "not_run"
    by: Sentence | None = None
    reason: Sentence | None = None
    seconds: float = 0.0


class Unit(Strict):
    """One crate for one platform; `seconds` is its compile time, `audit` what each of its artifacts was found to be."""

    platform: PlatformName
    state: State
    reason: Sentence | None = None
    seconds: float = 0.0
    artifacts: tuple[Artifact, ...] = ()
    audit: tuple[Audit, ...] = ()
    tests: UnitTests = UnitTests()


class Phase(Strict):
    """One step in the life of a crate; `peak_memory` is in bytes, 0 where nothing was measured."""

    name: PhaseName
    seconds: float
    exit_code: int | None = None
    peak_memory: int = 0


class SandboxUse(Strict):
    """A sandbox that a crate used: for which attempt, what it was given, what it used of that, and how it ended.

    `seconds` is its life, which is what the service bills, and `cost` the money in the report's currency, None for a
    sandbox that costs none. The peaks are processors in use and bytes of memory and disk, None where nothing was
    measured. `failure_class` and `failure` say why the attempt was not the last, or why it failed for good.
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
    """How many of something there are, and how many of them the tests ran; `percent` is rounded down to hundredths."""

    count: int
    covered: int
    percent: float


class Coverage(Strict):
    """How much of a crate's Rust code its tests ran on the host: lines, functions, and regions as LLVM counts them."""

    lines: Covered
    functions: Covered
    regions: Covered


class CrateReport(Strict):
    """What became of one crate.

    `attempts` is 0 for a crate whose package was taken up from an earlier run. `phases` are those of the last
    attempt, `sandboxes` those of all. `cost` is what all of them cost, `retry_seconds` and `retry_cost` what those did
    that had to be tried again. `hint` names a size that would suit it better. `package` is its npm package, in the
    layout `split` the root's; `packages` are all of them, that one first, and `sbom` is the list of what they are made
    of. `loaded` is the command that loaded the installed package. `coverage` is None where it was not measured.
    """

    name: CrateName
    version: Version
    kind: Kind
    state: State
    attempts: int = 0
    seconds: float = 0.0
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


class Report(Strict):
    """What one run of `build` did.

    `shard` is I/N, None for a whole fleet; `run_attempt` counts how often GitHub ran it. `seconds` is wall-clock time;
    `run` is GitHub's number of the run, or what `reap --run` takes elsewhere. `cost` is in `currency`, by the prices of
    `prices_of`, a date. A local run costs nothing. `missing_shards` are those of a merged report that left none
    themselves.
    """

    report_version: Literal[1] = 1
    backend: BackendName
    isolated: bool
    shard: Shard | None = None
    run_attempt: int = 1
    interrupted: bool = False
    seconds: float
    run: Sentence | None = None
    cost: float = 0.0
    retry_cost: float = 0.0
    currency: Currency | None = None
    prices_of: Date | None = None
    missing_shards: tuple[Shard, ...] = ()
    crates: tuple[CrateReport, ...]
