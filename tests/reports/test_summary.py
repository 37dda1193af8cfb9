"""The step summary of a report: the verdict, failures with links, the grid, and the rest folded."""

from __future__ import annotations

from typing import Any

import pytest

from generator.github_actions.links import RunLinks
from generator.reports.markdown import page
from generator.reports.models import CrateReport, Failure, QuarantineReport, Report, Unit

LINKS = RunLinks("https://github.com/octo/fleet", "a" * 40, "https://github.com/octo/fleet/actions/runs/7")
FAILURE = Failure(failure_class="permanent", phase="compile", message="mismatched types", file="bad/src/a b.rs", line=7)
HOLDS = QuarantineReport(reason="its author is away", until="2026-12-31", state="holds")


def crate(name: str, state: Any = "built", **more: Any) -> CrateReport:
    return CrateReport(name=name, version="1.0.0", kind="napi", state=state, **more)


def report(*crates: CrateReport, **more: Any) -> Report:
    return Report(backend="local", isolated=True, seconds=1_054, crates=crates, **more)


def test_failures_link_to_line_and_log_and_stand_before_the_grid() -> None:
    gnu, wasm = Unit(platform="linux-x64-gnu", state="built"), Unit(platform="wasm32", state="not_run")
    good = crate("good", units=(gnu, Unit(platform="wasm32", state="skipped")))
    shown = page(report(good, crate("bad", "failed", failure=FAILURE, units=(wasm,))), LINKS, {"bad"})
    place = f"[`bad/src/a b.rs:7`]({LINKS.repository}/blob/{'a' * 40}/bad/src/a%20b.rs#L7)"
    log = f"[`logs/bad.log`]({LINKS.run}#artifacts)"
    assert shown.splitlines()[:12] == [
        "### ❌ Fleet: 1 of 2 crates failed", "",
        "2 crates\\: 1 built, 1 failed in 17 min 34 s", "",
        "- **bad** 1.0.0: `mismatched types`",
        f"  - {place}, step compile; log: {log}", "",
        "| crate | linux-x64-gnu | wasm32 |",
        "| --- | --- | --- |",
        "| bad |  | ❌ |",
        "| good | ✅ | - |", "",
    ]  # fmt: skip
    assert shown.count("<details>") == shown.count("</details>") == 2


def test_a_file_of_another_repository_and_a_run_elsewhere_have_no_link() -> None:
    failed = crate("bad", "failed", failure=FAILURE)
    assert "- `bad/src/a b.rs:7`, step compile; log: [`logs/bad.log`]" in page(report(failed), LINKS, ())
    assert "](" not in page(report(failed), RunLinks(), {"bad"})


@pytest.mark.parametrize(
    ("crates", "more", "title"),
    [
        ([crate("a"), crate("b", "skipped")], {}, "✅ Fleet: 1 of 2 crates built"),
        ([crate("a"), crate("b", "failed", failure=FAILURE, quarantine=HOLDS)], {}, "✅ Fleet: 1 of 2 crates built"),
        ([crate("a"), crate("b", "not_run")], {"shard": "3/30"}, "⚪ Shard 3/30: 1 of 2 crates not built"),
        ([crate("a")], {"missing_shards": ("2/2",)}, "⚪ Fleet: 1 shard without a report"),
        ([crate("a", "skipped")], {}, "⚪ Fleet: no crate built"),
        ([], {}, "⚪ Fleet: no crate built"),
    ],
)
def test_the_first_line_is_the_verdict(crates: list[CrateReport], more: dict[str, Any], title: str) -> None:
    assert page(report(*crates, **more), LINKS, ()).partition("\n")[0] == f"### {title}"
