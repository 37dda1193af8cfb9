"""The fleet's page: what it says, and that no text of a crate becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import InputError
from generator.github_actions.links import RunLinks, run_links
from generator.platforms import PLATFORM_NAMES
from generator.reports.index import FleetIndex, IndexedCrate
from generator.reports.models import Artifact, CrateReport, Failure, Phase, Report, ShardTimes, Unit, UnitTests
from generator.reports.page.past import Past, load_past
from generator.reports.page.rendering import render_page
from generator.reports.page.timeline import timeline
from generator.reports.page.values import Page, page_values
from generator.reports.table import report_notes

LINKS = RunLinks(
    "https://github.example/octo-org/crates", "0" * 40, "https://github.example/octo-org/crates/actions/runs/7"
)
HOSTILE = """</script><script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;{{ 7*7 }}{% raw %}\u202e"""
FAILURE = Failure(failure_class="permanent", phase="compile", message="cannot find `x`", file="a/src/lib.rs", line=7)


def package(size: int) -> tuple[Artifact, ...]:
    return (Artifact(file="demo-a-1.0.0.tgz", bytes=size, sha256="0" * 64),)


def crate(name: str, state: str = "built", **more: object) -> CrateReport:
    values = {"name": name, "version": "1.0.0", "kind": "napi", "attempts": 1, "seconds": 90.0, "started": 1.0, **more}
    return CrateReport.model_validate({**values, "state": state}, strict=False)


def report(*crates: CrateReport, **more: object) -> Report:
    return Report.model_validate({"backend": "e2b", "isolated": True, "seconds": 100.0, **more, "crates": crates})


def values(made: Report, *past: Past, links: RunLinks = LINKS) -> Page:
    return page_values(made, links, {}, past, ())


def html(made: Report, logs: dict[str, str] | None = None, *past: Past) -> str:
    return render_page(page_values(made, LINKS, logs or {}, past, report_notes(made)), timeline(made))


class Elements(HTMLParser):
    """The names of all elements, the addresses in them, and their attributes that run a script or a style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action", "data", "srcset"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("states", "verdict", "headline"),
    [
        (["built", "built"], "built", "2 crates: 2 built"),
        (["built", "failed", "not_run"], "failed", "3 crates: 1 failed, 1 not run, 1 built"),
        (["built", "not_run"], "not_run", "2 crates: 1 not run, 1 built"),
        (["skipped"], "skipped", "1 crate: 1 skipped"),
        ([], "skipped", "0 crates: nothing to do"),
    ],
)
def test_the_verdict_comes_first(states: list[str], verdict: str, headline: str) -> None:
    made = report(*(crate(f"c{index}", state) for index, state in enumerate(states)))
    assert (values(made).verdict, values(made).headline) == (verdict, headline)


def test_a_missing_shard_is_no_success() -> None:
    page = values(report(crate("a"), missing_shards=("2/2",)))
    assert (page.verdict, page.headline) == ("not_run", "1 crate: 1 built, 1 shard without a report")


def test_a_failure_in_quarantine_is_told_and_does_not_fail_the_run() -> None:
    quarantine = {"reason": "ported next week", "until": "2026-12-31", "state": "holds"}
    page = values(report(crate("a"), crate("b", "failed", failure=FAILURE, quarantine=quarantine)))
    assert (page.verdict, page.headline) == ("built", "2 crates: 1 failed in quarantine, 1 built")
    assert "ported next week" in page.failures[0].quarantine


def test_a_failure_has_the_words_of_the_compiler_and_the_address_of_its_line() -> None:
    (failed,) = values(report(crate("a", "failed", failure=FAILURE))).failures
    assert (failed.message, failed.place) == ("cannot find `x`", "a/src/lib.rs:7")
    assert failed.address == f"{LINKS.repository}/blob/{'0' * 40}/a/src/lib.rs#L7"
    (elsewhere,) = values(report(crate("a", "failed", failure=FAILURE)), links=RunLinks()).failures
    assert elsewhere.address is None


def test_a_reused_crate_tells_what_the_cache_saved_and_costs_nothing() -> None:
    reused = crate("a", attempts=0, seconds=0.1, cost=0.5, phases=[Phase(name="compile", seconds=75.0)])
    page = values(report(reused, currency="USD", prices_of="2026-11-22"))
    assert [(tile.number, tile.remark) for tile in page.tiles if tile.subject == "Reused"] == [
        ("1 crate", "saved 1 min 15 s and 0.50 USD")
    ]
    assert (page.rows[0].time, page.rows[0].money) == ("reused", "")


def test_a_cell_says_why_and_how_large() -> None:
    units = [
        Unit(
            platform="linux-x64-gnu",
            state="built",
            seconds=41.0,
            artifacts=(Artifact(file="a.node", bytes=1_234_567, sha256="0" * 64),),
            tests=UnitTests(state="passed", by="qemu"),
        ),
        Unit(platform="win32-x64-msvc", state="skipped", reason="cargo-xwin is not installed"),
    ]
    page = values(report(crate("a", units=units), crate("b", "failed", failure=FAILURE)))
    assert page.platforms == ("linux-x64-gnu", "win32-x64-msvc")
    linux, windows = (row for row in page.rows if row.name == "a").__next__().cells
    assert linux is not None
    assert windows is not None
    assert (linux.state, linux.size) == ("built", "1.2 MB")
    assert linux.details == ("a for linux-x64-gnu: built; 1.2 MB of files; compiled in 41 s; tests passed by qemu")
    assert windows.details == "a for win32-x64-msvc: skipped; cargo-xwin is not installed"
    assert next(row for row in page.rows if row.name == "b").cells == (None, None)


def test_tests_that_failed_on_a_platform_show_in_its_cell() -> None:
    unit = Unit(platform="linux-x64-gnu", state="built", tests=UnitTests(state="failed", by="qemu"))
    ((cell,),) = (row.cells for row in values(report(crate("a", "failed", units=[unit], failure=FAILURE))).rows)
    assert cell is not None
    assert cell.state == "failed"


def test_sizes_and_times_are_compared_with_earlier_runs() -> None:
    past = [Past("v1.0.0", {"a": 60.0}, {}), Past("v1.1.0", {"a": 90.0}, {"a": 1_000_000, "b": 5})]
    page = values(report(crate("a", packages=package(1_500_000)), crate("n", packages=package(10))), *past)
    rows = {row.name: row for row in page.rows}
    assert (rows["a"].change, rows["n"].change, page.changes_since) == ("+50.0 %", "new", "v1.1.0")
    assert page.changes == (("a", "1.0 MB", "1.5 MB", "+50.0 %"),)
    assert rows["a"].trend == "0.0,5.7 30.0,1.0 60.0,1.0"
    assert rows["n"].trend == ""


def test_a_crate_that_remembers_more_runs_than_are_given_has_the_trend_of_those() -> None:
    measured = [{"seconds": seconds, "size": "small", "backend": "e2b"} for seconds in (30.0, 60.0, 90.0)]
    made = report(crate("a", measurements=measured), crate("b", measurements=measured[:1]))
    assert [row.trend for row in values(made).rows] == ["0.0,10.3 30.0,5.7 60.0,1.0", ""]
    assert values(made, Past("v1.0.0", {"a": 45.0}, {})).rows[0].trend == "0.0,10.3 30.0,5.7 60.0,1.0"
    two = [Past("v1.0.0", {"a": 90.0}, {}), Past("v1.1.0", {"a": 90.0}, {})]
    assert values(made, *two).rows[0].trend == "0.0,1.0 30.0,1.0 60.0,1.0"


def test_an_index_of_no_release_is_no_earlier_run() -> None:
    page = values(report(crate("a", packages=package(9))), Past("v1.0.0", {}, {}))
    assert (page.changes_since, page.rows[0].change) == ("", "")


def test_predictions_are_compared_with_what_it_took() -> None:
    made = report(
        crate("a", predicted_seconds=45.0, shard="1/2"),
        crate("b", "failed", predicted_seconds=45.0, failure=FAILURE),
        crate("c", attempts=0, predicted_seconds=45.0),
        shards=(ShardTimes(shard="1/2", predicted_seconds=45.0, seconds=90.0),),
    )
    page = values(made)
    assert [(row.name, row.predicted, row.error) for row in page.rows] == [
        ("b", "", 0.0),
        ("a", "45 s (-50 %)", -50.0),
        ("c", "", 0.0),
    ]
    assert page.times == tuple(
        (name, "45 s", "1 min 30 s", "-50.0 %") for name in ("shard 1/2", "longest shard", "all crates")
    )
    assert values(report(crate("a"))).times == ()


def test_an_earlier_run_is_a_report_or_an_index(tmp_path: Path) -> None:
    index = FleetIndex(
        tag="v1.0.0",
        commit="0" * 40,
        backend="e2b",
        crates=(
            IndexedCrate(
                name="a", version="1.0.0", state="built", phases={"open": 1.0, "compile": 2.0}, packages=package(7)
            ),
        ),
    )
    (tmp_path / "fleet.json").write_bytes(index.content)
    assert load_past(tmp_path / "fleet.json") == Past("v1.0.0", {"a": 3.0}, {"a": 7})
    made = report(crate("a", packages=package(8)), crate("b", "failed"), started=0.0)
    (tmp_path / "report.json").write_text(made.model_dump_json())
    assert load_past(tmp_path / "report.json") == Past("1970-01-01 00:00", {"a": 90.0}, {"a": 8})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"index_version": 99}', '{"index_version": "x"}', "{}"])
def test_another_file_is_no_earlier_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError, match=r"x\.json"):
        load_past(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_past(tmp_path / "none.json")


def hostile(text: str) -> tuple[Report, dict[str, str]]:
    """Return a report with a text of a stranger in every place that can have one, and the log of its crate."""
    unit = Unit(
        platform="linux-x64-gnu", state="failed", reason=text, tests=UnitTests(state="failed", by=text, reason=text)
    )
    failure = Failure(failure_class="permanent", phase="compile", message=text, file=text, line=7)
    packages = (Artifact(file=text, bytes=1, sha256="0" * 64),)
    made = crate("a", "failed", units=[unit], failure=failure, packages=packages, hint=text, notes=[text])
    return report(made, crate("b"), run=text), {"a": text}


@pytest.mark.attack("no text of a report becomes markup or a script in its page")
def test_no_text_of_a_crate_becomes_markup() -> None:
    plain, hurt = html(*hostile("x")), html(*hostile(HOSTILE))
    assert "onerror" in hurt
    before, after = Elements(plain), Elements(hurt)
    assert (after.names, after.handlers) == (before.names, [])
    assert "49" not in after.text.replace(HOSTILE, "")


@given(st.text(alphabet=st.sampled_from("<>\"'&{}%/`= a\n\u2028]-!"), max_size=40))
def test_any_text_leaves_the_structure_as_it_is(text: str) -> None:
    assert Elements(html(*hostile(text + "x"))).names == Elements(html(*hostile("x"))).names


def test_every_address_is_one_of_the_page_or_of_the_repository() -> None:
    found = Elements(html(*hostile("javascript:alert(1)"))).addresses
    assert found
    assert all(each.startswith(("#", f"{LINKS.repository}/")) for each in found), found


def test_the_policy_allows_this_script_and_these_styles_alone() -> None:
    text = html(report(crate("a")))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    for name in ("style", "script"):
        (content,) = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;")


def test_the_page_of_110_crates_on_nine_platforms_is_below_a_megabyte() -> None:
    units = [
        Unit(
            platform=name,
            state="built",
            seconds=123.4,
            artifacts=(Artifact(file="a.node", bytes=123_456, sha256="0" * 64),),
            tests=UnitTests(state="not_run", reason="no emulator for this platform is installed"),
        )
        for name in PLATFORM_NAMES[:9]
    ]
    phases = [
        Phase(name=name, seconds=9.0)
        for name in ("open", "fetch", "compile", "test", "collect", "audit", "pack", "load")
    ]
    made = report(*(crate(f"crate-{index}", units=units, phases=phases, packages=package(9)) for index in range(110)))
    assert len(html(made).encode()) < 1_000_000


@pytest.mark.parametrize(
    ("environment", "links"),
    [
        ({}, RunLinks()),
        ({"GITHUB_SERVER_URL": "javascript:x", "GITHUB_REPOSITORY": "a/b"}, RunLinks()),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b/../c"}, RunLinks()),
        (
            {
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "a/b",
                "GITHUB_RUN_ID": "x",
            },
            RunLinks("https://github.com/a/b", "a" * 40),
        ),
        (
            {
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "a/b",
                "GITHUB_RUN_ID": "5",
            },
            RunLinks("https://github.com/a/b", "a" * 40, "https://github.com/a/b/actions/runs/5"),
        ),
    ],
)
def test_links_come_from_a_job_of_github_alone(environment: dict[str, str], links: RunLinks) -> None:
    assert run_links(environment, "a" * 40) == links


def test_a_path_is_quoted_in_its_address() -> None:
    assert json.dumps(RunLinks("https://github.com/a/b", "c" * 40).file('a b?"#.rs', None)) == (
        f'"https://github.com/a/b/blob/{"c" * 40}/a%20b%3F%22%23.rs"'
    )
