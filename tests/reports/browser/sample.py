"""Reports of fleets of any size, in which every state occurs; each number is made from that of the crate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from generator.planning.measurements import Measurement
from generator.platforms import PLATFORM_NAMES, PlatformName
from generator.prices import Currency
from generator.reports.models import (
    Artifact,
    CrateReport,
    Failure,
    Phase,
    PhaseName,
    Report,
    State,
    Unit,
    UnitTests,
)
from tests.support import write_files

PLATFORMS: Final = PLATFORM_NAMES[:9]
SKIPPED: Final = "cargo-xwin is not installed: run cargo install cargo-xwin"
SHARDS: Final = 10
STARTED: Final = 1_790_000_000.0
LOG: Final = "error[E0425]: cannot find value `x` in this scope\n --> src/lib.rs:7:5\n"

_PHASES: Final[tuple[tuple[PhaseName, float], ...]] = (
    ("open", 0.02), ("fetch", 0.1), ("compile", 0.6), ("test", 0.1), ("pack", 0.05),
)  # fmt: skip
_CURRENCY: Final[Currency] = "USD"


def write_reports(top: Path, count: int) -> list[Path]:
    """Write the reports of all shards with the logs of failed crates, and return reports of two earlier runs."""
    for index in range(1, SHARDS + 1):
        made = shard(index, count)
        logs = {f"logs/{crate.name}.log": LOG for crate in made.crates if crate.failure}
        write_files(top / f"dist/report-{index}", {f"report-{index}.json": made.model_dump_json(), **logs})
    before = [top / "before-1.json", top / "before-2.json"]
    for path, faster in zip(before, (0.8, 1.1), strict=True):
        path.write_text(earlier(count, faster).model_dump_json())
    return before


def shard(index: int, count: int) -> Report:
    """Return the report of a shard: every tenth crate, one after the other."""
    crates, began = [], 0.0
    for number in range(index - 1, count, SHARDS):
        made = crate(number, began)
        crates.append(made)
        began += made.seconds
    return Report(
        backend="e2b",
        isolated=True,
        shard=f"{index}/{SHARDS}",
        started=STARTED + index,
        seconds=began + 3.0,
        cost=round(sum(each.cost for each in crates), 4),
        retry_cost=round(sum(each.retry_cost for each in crates), 4),
        currency=_CURRENCY,
        prices_of="2026-11-22",
        commit="0123456789abcdef0123456789abcdef01234567",
        crates=tuple(crates),
    )


def earlier(count: int, faster: float) -> Report:
    """Return the report of an earlier run, with other times and sizes."""
    crates = tuple(_other(crate(number, 0.0), faster) for number in range(count))
    return Report(backend="e2b", isolated=True, started=STARTED - faster * 86_400, seconds=1.0, crates=crates)


def crate(number: int, started: float) -> CrateReport:
    """Return a crate: of 110, seven failed, ten had a second attempt, and others were reused, skipped or not run."""
    name, state = f"crate-{number:03}", state_of(number)
    seconds = 20.0 + number * 37 % 160
    reused = state == "built" and number % 13 == 5
    retried = state == "built" and number % 11 == 0 and not reused
    packages = (_file(f"demo-{name}-1.0.0.tgz", 900_000 + number * 70_001),) if state == "built" else ()
    used = _PHASES if state == "built" else _PHASES[:3]
    begun = state in {"built", "failed"}
    past = tuple(Measurement(seconds=seconds * part, size="standard", backend="e2b") for part in (0.9, 1.2, 1.0))
    return CrateReport(
        name=name,
        version="1.0.0",
        kind=("napi", "wasm", "bin", "lib")[number % 4],
        state=state,
        started=started if begun else None,
        attempts=0 if reused or not begun else 1 + retried,
        seconds=0.2 if reused else seconds if begun else 0.0,
        predicted_seconds=seconds * (0.8 + number % 5 / 10) if begun and not reused else None,
        measurements=past if begun else (),
        units=tuple(_unit(number, state, platform, seconds) for platform in PLATFORMS),
        phases=tuple(Phase(name=phase, seconds=seconds * part) for phase, part in used) if begun else (),
        cost=round(seconds * 0.00005, 5) if begun else 0.0,
        retry_seconds=seconds * 0.1 if retried else 0.0,
        retry_cost=0.001 if retried else 0.0,
        packages=packages,
        package=packages[0] if packages else None,
        tests="passed" if state == "built" else "not_run",
        failure=_failure(name) if state == "failed" else None,
    )


def state_of(number: int) -> State:
    """Return the state of a crate."""
    if number % 16 == 3:
        return "failed"
    return {8: "skipped", 9: "not_run"}.get(number, "built")  # type: ignore[return-value]


def _unit(number: int, state: State, platform: PlatformName, seconds: float) -> Unit:
    if platform.startswith("win32"):
        return Unit(platform=platform, state="skipped", reason=SKIPPED)
    if state != "built":
        reason = {"failed": "an earlier step failed", "skipped": "in no platform's list", "not_run": "the run ended"}
        return Unit(platform=platform, state="skipped" if state == "skipped" else "not_run", reason=reason[state])
    tested = "x64" in platform
    return Unit(
        platform=platform,
        state="built",
        seconds=seconds * 0.06,
        artifacts=(_file("x.node", 300_000 + number * 23_457 % 2_700_000),),
        tests=UnitTests(state="passed") if tested else UnitTests(reason="no emulator for it is installed"),
    )


def _failure(name: str) -> Failure:
    return Failure(
        failure_class="permanent",
        phase="compile",
        message="cannot find value `x` in this scope",
        file=f"crates/{name}/src/lib.rs",
        line=7,
        exit_code=101,
    )


def _file(name: str, size: int) -> Artifact:
    return Artifact(file=name, bytes=size, sha256="0" * 64)


def _other(crate: CrateReport, faster: float) -> CrateReport:
    packages = tuple(each.model_copy(update={"bytes": int(each.bytes * faster)}) for each in crate.packages)
    return crate.model_copy(update={"seconds": crate.seconds * faster, "packages": packages})
