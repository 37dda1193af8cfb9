"""What a crate names, says and logs is text in the browser: no markup, no script, no request."""

from __future__ import annotations

from pathlib import Path

from generator.github_actions.links import RunLinks
from generator.reports.models import Artifact, CrateReport, Failure, Report, Unit, UnitTests
from generator.reports.page.past import Past
from generator.reports.page.rendering import render_page
from generator.reports.page.timeline import timeline
from generator.reports.page.values import page_values
from generator.reports.table import report_notes
from tests.reports.browser.conftest import PHONE, Show, Shown

TEXTS = {
    "script": "</script></pre></title></style><script>window.hurt = 1; alert(1)</script>",
    "image": "\"'><img src=x onerror='window.hurt = 1'><svg onload='window.hurt = 1'>",
    "address": "javascript:window.hurt=1",
    "frame": "<iframe srcdoc='<script>parent.hurt = 1</script>'></iframe><base href='https://evil.example/'>",
    "outside": "<link rel=stylesheet href=https://evil.example/x.css><meta http-equiv=refresh content='0;url=//evil.example'>",
    "template": "{{ 7 * 7 }}{% raw %}${window.hurt = 1}",
    "comment": "<!--<script>]]>--!><textarea><noscript>",
    "long": "x" * 400,
}
LINKS = RunLinks("https://github.example/octo-org/crates", "0" * 40)


def failed(name: str, text: str) -> CrateReport:
    """Return a crate with the text in every place that has its words or those of its tools."""
    unit = Unit(
        platform="linux-x64-gnu", state="failed", reason=text, tests=UnitTests(state="failed", by=text, reason=text)
    )
    return CrateReport(
        name=name,
        version="1.0.0",
        kind="napi",
        state="failed",
        started=1.0,
        seconds=9.0,
        attempts=1,
        units=(unit,),
        packages=(Artifact(file=text, bytes=1, sha256="0" * 64),),
        hint=text,
        notes=(text,),
        failure=Failure(failure_class="permanent", phase="compile", message=text, file=text, line=7),
    )


def hostile(top: Path) -> Path:
    """Write a page with a crate for each text, and with all of them where a page has words of a run."""
    crates = tuple(failed(name, text) for name, text in TEXTS.items())
    all_texts = "".join(TEXTS.values())
    made = Report(backend="local", isolated=True, seconds=20.0, run=all_texts[:900], crates=crates)
    past = Past(all_texts, dict.fromkeys(TEXTS, 1.0), dict.fromkeys(TEXTS, 5))
    page = page_values(made, LINKS, TEXTS, [past], report_notes(made))
    (top / "page.html").write_text(render_page(page, timeline(made)), encoding="utf-8")
    return top / "page.html"


def test_no_text_becomes_markup_or_runs(tmp_path: Path, show: Show) -> None:
    page = show(hostile(tmp_path), viewport=PHONE)
    for name, text in TEXTS.items():
        assert page.locator(f"#failure-{name} .message").text_content() == text
        page.locator(f"#failure-{name} summary").click()
        assert page.locator(f"#failure-{name} pre").text_content() == text
        page.locator(f'tr[data-name="{name}"] td.cell button').focus()
        assert text in (page.locator("#details").text_content() or "")
    assert page.evaluate("window.hurt") is None
    assert page.evaluate("[document.scripts, document.images, document.forms].map(each => each.length)") == [1, 0, 1]
    assert page.locator("iframe, base, link, object, embed, textarea, noscript").count() == 0
    assert set(page.evaluate("Array.from(document.links, each => each.protocol)")) == {"file:", "https:"}
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_policy_lets_nothing_else_run_or_load(small: Path, show: Show, shown: Shown) -> None:
    page = show(small)
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hurt = 1";
      document.body.append(script);
      document.body.insertAdjacentHTML("beforeend", "<img src='https://evil.example/x.png' onerror='window.hurt = 1'>"
        + "<p style='color: red' id='styled' onclick='window.hurt = 1'></p>"
        + "<iframe src='https://evil.example/'></iframe>");
      document.getElementById("styled").click();
    }""")
    refused = page.evaluate("fetch('https://evil.example/').then(() => 'loaded', () => 'refused')")
    assert (refused, page.evaluate("window.hurt")) == ("refused", None)
    assert shown.said
    assert all("Content Security Policy" in each for each in shown.said), shown.said
    shown.said.clear()
