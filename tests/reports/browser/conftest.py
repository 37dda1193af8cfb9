"""The page of a report in Chromium, as a reader has it: `make browser` runs these tests, and .ci/run does.

Without Chromium they are not run. One browser serves all tests, each in a context of its own. After each test the page
has asked for nothing but itself, and told of no error.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.judges import install
from tests.reports.browser.sample import write_reports
from tests.support import cratematrix

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
WIDE: Final = {"width": 1400, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
PATIENCE: Final = 240_000
"""Milliseconds, for what never comes: a busy machine may take long."""
GITHUB: Final = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "octo-org/crates"}


@dataclass
class Shown:
    """All pages of one test: their addresses, and what they asked for and said."""

    opened: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        # What the page's own policy refuses is told as a request that failed, and never leaves the browser.
        page.on("requestfinished", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.asked.extend([request.url] * (request.failure != "csp")))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))


Show = Callable[..., Page]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("not run: Chromium is not installed; .ci/chromium installs it on Debian")
    expect.set_options(timeout=PATIENCE)
    home = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, env={"HOME": str(home), "LANG": "C.UTF-8"})
        yield started
        started.close()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def show(browser: Browser, shown: Shown) -> Iterator[Show]:
    """Show a file in a context with the given options."""
    contexts = []

    def open_file(file: Path, **options: Any) -> Page:
        scripts = options.pop("scripts", ())
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        for script in scripts:
            context.add_init_script(path=script)
        page = context.new_page()
        shown.watch(page)
        shown.opened.append(file.as_uri())
        page.goto(file.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert (shown.asked, shown.said) == (shown.opened, [])


@pytest.fixture(scope="session")
def axe() -> Path:
    """Return the script of axe, from the locked packages of the judges."""
    return install() / "node_modules/axe-core/axe.min.js"


def reported(top: Path, count: int) -> Path:
    """Return the page that the command makes of the reports of all shards and of two earlier runs."""
    before = [f"--before={path}" for path in write_reports(top, count)]
    ran = cratematrix("report", "--html=page.html", *before, cwd=top, env=GITHUB)
    assert ran.code == 1, ran.err
    assert "7 failed" in ran.err or count < 110, ran.err
    return top / "page.html"


@pytest.fixture(scope="session")
def fleet(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of 110 crates for nine platforms."""
    return reported(tmp_path_factory.mktemp("fleet"), 110)


@pytest.fixture(scope="session")
def small(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of crates in every state."""
    return reported(tmp_path_factory.mktemp("small"), 12)
