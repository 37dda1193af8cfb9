from __future__ import annotations

from generator.github_actions.workflow_commands import MAX_ANNOTATIONS
from generator.manifest.crate_models import Crate
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.source_models import PathSource, RegistrySource
from generator.reports.annotations import skipped_crates, worst_failures
from generator.reports.models import CrateReport, Failure, Report, Unit
from generator.sandboxes.contract import FailureClass


def failed(
    name: str, failure_class: FailureClass = "permanent", file: str | None = None, message: str = "broke"
) -> CrateReport:
    failure = Failure(
        failure_class=failure_class, phase="compile", message=f"{name} {message}", file=file, line=(file and 7) or None
    )
    return CrateReport(name=name, version="1.0.0", kind="lib", state="failed", failure=failure)


def report(*crates: CrateReport) -> Report:
    return Report(backend="local", isolated=True, shard="1/2", seconds=1.0, crates=crates)


def test_failures_that_need_a_fix_come_first() -> None:
    found = worst_failures(report(failed("a", "transient"), failed("b"), failed("c", file="c/src/lib.rs")))
    assert [each.title.split()[0] for each in found] == ["c", "b", "a"]


def test_github_shows_ten_and_the_last_counts_the_rest() -> None:
    found = worst_failures(report(*(failed(f"c{n:02}") for n in range(25))))
    assert len(found) == MAX_ANNOTATIONS
    assert found[-1].title == "16 more crates failed"
    assert found[-1].message.split(", ") == [f"c{n:02}" for n in range(9, 25)]


def test_only_a_crate_of_this_repository_has_its_file_here() -> None:
    crates = (
        Crate(name="own", version="1.0.0", kind="lib", source=PathSource(path="own")),
        Crate(name="other", version="1.0.0", kind="lib", source=RegistrySource(registry="other", version="1.0.0")),
    )
    manifest = Manifest(schema_version=1, fleet=Fleet(npm_scope="@x"), crates=crates)
    other, own = worst_failures(
        report(*(failed(name, file=f"{name}/src/lib.rs") for name in ("own", "other"))), manifest
    )
    assert (own.file, own.line, own.message) == ("own/src/lib.rs", 7, "own broke")
    assert (other.file, other.message) == (None, "other/src/lib.rs:7: other broke")


def test_skipped_crates_are_one_warning() -> None:
    unit = Unit(platform="wasm32", state="skipped", reason="no target")
    skipped = CrateReport(name="web", version="1.0.0", kind="wasm", state="skipped", units=(unit,))
    [warning] = skipped_crates(report(skipped, failed("bad")))
    assert (warning.level, warning.title) == ("warning", "1 crate skipped on every platform")
    assert warning.message == "web: no target"
    assert skipped_crates(report(failed("bad"))) == []
