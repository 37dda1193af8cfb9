"""Coverage of real crates' tests, measured by cargo-llvm-cov in real sandboxes, and what a hostile summary does.

It takes LLVM's programs beside Rust: those of the toolchain on PATH, or of the one that CROSS_TOOLCHAIN names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tarfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from generator.builds.steps.coverage import NOTHING, read_summary
from generator.github_actions.links import RunLinks
from generator.reports.markdown import page
from generator.reports.models import CrateReport, Report
from generator.reports.table import rows
from generator.toolchain.host import find_host_toolchain
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library

# One function of two is called, and one of its two branches taken. A doc test runs and does not count.
HALF = """/// Twice.
/// ```
/// assert_eq!(half::twice(2), 4);
/// ```
pub fn twice(n: u32) -> u32 {
    n * 2
}

pub fn sign(n: i32) -> u8 {
    if n < 0 {
        b'-'
    } else {
        b'+'
    }
}
"""
CALLS = "#[test]\nfn positive() {\n    assert_eq!(half::sign(1), b'%s');\n}\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH whose tools measure coverage, or skip and say what is missing.

    Of the toolchain it has Rust alone: zig, which is there too, takes longer than all that is built here.
    """
    path = os.environ["PATH"]
    if toolchain := os.environ.get("CROSS_TOOLCHAIN"):
        tools = tmp_path_factory.mktemp("tools")
        (tools / "rustc").symlink_to(Path(toolchain, "bin/rustc"))
        path = f"{tools}:{path}"
    if lack := find_host_toolchain({**os.environ, "PATH": path}).profiler.unmet_need:
        pytest.skip(f"not run: {lack}")
    return path


def built(top: Path, path: str, *words: str) -> tuple[int, dict[str, Any], str]:
    """Build crates, all without words: how the command ended, the crates' reports by name, and what it printed."""
    ran = cratematrix("build", *(words or ("--all",)), cwd=top, env={"PATH": path})
    crates = json.loads((top / "dist/report.json").read_text())["crates"]
    return ran.code, {crate["name"]: crate for crate in crates}, ran.out + ran.err


def counts(crate: dict[str, Any], what: str) -> tuple[int, int, float]:
    of = crate["coverage"][what]
    return of["count"], of["covered"], of["percent"]


def half(tests: str = CALLS % "+") -> dict[str, str]:
    """Return a crate that is not in the build cache."""
    return {**library("half", HALF), "half/tests/calls.rs": tests, "half/README.md": uuid4().hex}


@pytest.mark.slow
def test_half_of_a_library_is_covered_and_all_of_its_tests_run_once(repository: MakeRepository, path: str) -> None:
    top = repository([entry("half")], half(), coverage=True)
    code, crates, said = built(top, path)
    assert code == 0, said
    assert counts(crates["half"], "functions") == (2, 1, 50.0)
    assert counts(crates["half"], "lines") == (8, 4, 50.0)
    assert crates["half"]["notes"] == []
    assert "passed, 50 %" in said
    log = (top / "dist/logs/half.log").read_text()
    assert [log.count(test) for test in ("test positive ... ok", "test src/lib.rs - twice (line 2) ... ok")] == [1, 1]


@pytest.mark.slow
def test_what_a_test_starts_is_covered_too(repository: MakeRepository, path: str) -> None:
    files = library("say", rest='[[bin]]\nname = "say"\npath = "src/main.rs"\n')
    del files["say/src/lib.rs"]
    files["say/src/main.rs"] = 'fn main() {\n    println!("said");\n}\n'
    files["say/tests/starts.rs"] = (
        '#[test]\nfn starts() {\n    let done = std::process::Command::new(env!("CARGO_BIN_EXE_say")).status();\n'
        "    assert!(done.unwrap().success());\n}\n"
    )
    top = repository([entry("say", kind="bin", coverage=True)], files)
    code, crates, said = built(top, path)
    assert code == 0, said
    assert counts(crates["say"], "lines") == (3, 3, 100.0)


@pytest.mark.slow
def test_a_failing_test_fails_its_crate_with_the_same_words(repository: MakeRepository, path: str) -> None:
    top = repository([entry("half")], half(CALLS % "-"))
    failures = []
    for coverage in (False, True):
        manifest = json.loads((top / "crates.json").read_text())
        manifest["fleet"]["coverage"] = coverage
        (top / "crates.json").write_text(json.dumps(manifest))
        code, crates, said = built(top, path)
        assert code == 1, said
        failures.append(crates["half"]["failure"])
        assert (crates["half"]["tests"], crates["half"]["coverage"]) == ("failed", None)
    assert failures[0] == failures[1]
    assert (failures[1]["message"], failures[1]["file"]) == ("1 test failed: positive", "half/tests/calls.rs")


@pytest.mark.slow
def test_a_build_without_coverage_is_not_reused_with_it(repository: MakeRepository, path: str) -> None:
    top = repository([entry("half")], half())
    attempts = []
    for coverage in (False, True, True):
        manifest = json.loads((top / "crates.json").read_text())
        manifest["crates"][0]["coverage"] = coverage
        (top / "crates.json").write_text(json.dumps(manifest))
        _, crates, said = built(top, path)
        assert (crates["half"]["coverage"] is not None) == coverage, said
        attempts.append(crates["half"]["attempts"])
    assert attempts == [1, 1, 0]


@pytest.mark.slow
def test_tests_that_run_nothing_instrumented_get_a_note(repository: MakeRepository, path: str) -> None:
    """Also when they write a summary of their own."""
    own = json.loads(summary())
    test = f"test -d src && echo '{json.dumps(own)}' > /build/coverage.json"
    top = repository([entry("half", commands={"test": test})], half(), coverage=True)
    code, crates, said = built(top, path)
    assert code == 0, said
    assert (crates["half"]["tests"], crates["half"]["coverage"]) == ("passed", None)
    assert crates["half"]["notes"] == [f"no coverage: {NOTHING}"]
    assert "not found *.profraw files" in (top / "dist/logs/half.log").read_text()


@pytest.mark.slow
def test_tests_cannot_replace_what_measures_them(repository: MakeRepository, path: str) -> None:
    test = "printf '#!/bin/sh\\ntruncate -s 9M /build/coverage.json\\n' > /build/tools/cargo-llvm-cov"
    top = repository([entry("half", commands={"test": test})], half(), coverage=True)
    code, crates, said = built(top, path)
    assert (code, crates["half"]["tests"], crates["half"]["coverage"]) == (1, "failed", None), said
    assert "/build/tools/cargo-llvm-cov: Read-only file system" in said


def without_profiler(directory: Path) -> str:
    """Return a PATH whose Rust is this machine's own, but for the profiler in its standard library."""
    rust = find_host_toolchain(os.environ).rust
    (directory / "rust").mkdir(parents=True)
    (directory / "rust/bin").symlink_to(rust / "bin")
    for file in (rust / "lib/rustlib").glob("*/lib/*"):
        if not file.name.startswith("libprofiler_builtins"):
            place = directory / "rust" / file.relative_to(rust)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file)
    rustc = directory / "rustc"
    rustc.write_text(f"#!/bin/sh\necho {directory}/rust\n")
    rustc.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


def test_a_crate_is_built_and_tested_where_coverage_cannot_be_measured(
    repository: MakeRepository, tmp_path: Path
) -> None:
    top = repository([entry("half")], half(), coverage=True)
    code, crates, said = built(top, without_profiler(tmp_path / "tools"), "--all", "--no-isolation")
    assert code == 0, said
    assert (crates["half"]["tests"], crates["half"]["coverage"]) == ("passed", None)
    assert crates["half"]["notes"] == [
        "no coverage: this Rust was built without its profiler: install Rust with rustup (https://rustup.rs)"
    ]
    assert "half   lib   built  passed " in said


def test_doctor_says_whether_coverage_can_be_measured(path: str, tmp_path: Path) -> None:
    able, unable = (
        cratematrix("doctor", cwd=tmp_path, env={"PATH": each}) for each in (path, without_profiler(tmp_path / "tools"))
    )
    assert re.search(r"^coverage +ok +measured by cargo-llvm-cov$", able.out + able.err, re.MULTILINE)
    assert re.search(
        r"^coverage +note +this Rust was built without its profiler", unable.out + unable.err, re.MULTILINE
    )


@pytest.mark.slow
def test_an_addon_is_covered_by_its_javascript_tests_and_shipped_as_if_it_were_not(
    fleet_copy: Path, path: str, tmp_path: Path
) -> None:
    top = tmp_path / "fleet"
    shutil.copytree(fleet_copy, top, ignore=shutil.ignore_patterns("dist"))
    manifest = json.loads((top / "crates.json").read_text())
    manifest["fleet"]["coverage"] = True
    (top / "crates.json").write_text(json.dumps(manifest))
    code, crates, said = built(top, path, "--crate", "fleet-text")
    assert code == 0, said
    count, covered, _ = counts(crates["fleet-text"], "functions")
    assert 0 < covered <= count
    with tarfile.open(top / "dist" / crates["fleet-text"]["package"]["file"]) as package:
        addon = package.extractfile("package/fleet-text.linux-x64-gnu.node")
        assert addon is not None
        shipped = addon.read()
    assert [hashlib.sha256(shipped).hexdigest()] == [
        each["sha256"] for each in crates["fleet-text"]["units"][0]["artifacts"]
    ]
    assert b"napi_register_module_v1" in shipped
    assert b"__llvm_prf" not in shipped  # the sections that every instrumented file has


COUNTS = {"count": 9, "covered": 3, "percent": 100.0}
TOTALS = {"lines": COUNTS, "functions": COUNTS, "regions": COUNTS, "branches": COUNTS}


def summary(totals: Any = TOTALS, **more: Any) -> bytes:
    return json.dumps({"type": "llvm.coverage.json.export", "data": [{"totals": totals, "files": []}], **more}).encode()


def test_percentages_are_our_own_and_rounded_down() -> None:
    found = read_summary(summary({**TOTALS, "lines": {"count": 200_000, "covered": 199_999, "percent": 3}}))
    assert found is not None
    assert (found.functions.percent, found.lines.percent) == (33.33, 99.99)
    crate = CrateReport(name="x", version="1.0.0", kind="lib", state="built", tests="passed", coverage=found)
    report = Report(backend="local", isolated=True, seconds=1.0, crates=(crate,))
    assert rows(report)[0][3] == "passed, 99 %"
    assert "| passed, 99 % |" in page(report, RunLinks(), ())


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\xff",
        b"null",
        b"[" * 100_000,
        b'{"data": [{"totals": {"lines": {"count": 1' + b"0" * 5_000 + b"}}}]}",
        summary(data=[]),
        summary(data=[{"totals": TOTALS}, {"totals": TOTALS}]),
        summary(dict.fromkeys(("lines", "functions"), COUNTS)),
        *(
            summary({**TOTALS, "lines": lines})
            for lines in (
                {"count": 3, "covered": 4},
                {"count": 0, "covered": 0},
                {"count": 9, "covered": -1},
                {"count": 9, "covered": 3.5},
                {"count": "9", "covered": 3},
                {"count": True, "covered": True},
                {"count": 10**18, "covered": 3},
                {"count": float("nan"), "covered": 3},
                [9, 3],
            )
        ),
    ],
)
def test_a_summary_that_cannot_be_is_none(hostile: bytes) -> None:
    assert read_summary(hostile) is None
