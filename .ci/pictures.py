#!/usr/bin/env python3
"""Makes the README's pictures: run.svg, the end of a build of three crates of which one is broken, and report.png.

report.png is the top of the page of a report, which Chromium shows; tests/reports/browser has the report.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import dropwhile
from pathlib import Path
from typing import Final

from playwright.sync_api import ViewportSize, sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

TOP: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))  # the package has no tests
from tests.reports.browser.conftest import GITHUB, PROGRAMS  # noqa: E402
from tests.reports.browser.sample import write_reports  # noqa: E402

CRATES: Final = ("fleet-cli", "fleet-tally", "fleet-broken")
COLUMNS: Final = 108
WIDTH_AND_HEIGHT: Final[ViewportSize] = {"width": 1100, "height": 800}
# Rich's own picture loads its font from another host.
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> None:
    """Make both."""
    draw_run(TOP / "docs/images/run.svg")
    draw_page(TOP / "docs/images/report.png")


def draw_run(picture: Path) -> None:
    """Build, and draw the table and all that comes after it."""
    shown = " ".join(f"--crate {each}" for each in CRATES)
    with tempfile.TemporaryDirectory() as out:
        command = Path(sys.executable).with_name("cratematrix")
        words = [str(command), "build", *shown.split(), "--out", out]
        variables = {**os.environ, "COLUMNS": str(COLUMNS)}
        ran = subprocess.run(
            words,
            cwd=TOP / "tests/fleet",
            env=variables,
            check=False,
            timeout=900,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = ran.stdout.replace(out, "dist").splitlines()
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    console.print(f"$ cratematrix build {shown}", style="bold", highlight=False)
    for line in dropwhile(lambda line: not line.startswith("crate "), lines):
        console.print(Text.from_ansi(line))
    console.save_svg(str(picture), title="cratematrix", code_format=FORMAT, unique_id="run")


def draw_page(picture: Path) -> None:
    """Write the reports of 110 crates, of which seven failed, and take a picture of their page."""
    with tempfile.TemporaryDirectory() as top, sync_playwright() as playwright:
        before = [word for path in write_reports(Path(top), 110) for word in ("--before", str(path))]
        command, html = Path(sys.executable).with_name("cratematrix"), Path(top) / "report.html"
        words = [str(command), "report", "--out", f"{top}/dist", "--html", str(html), *before]
        subprocess.run(
            words, cwd=TOP / "tests/fleet", env={**os.environ, **GITHUB}, check=False, timeout=900, capture_output=True
        )
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page(viewport=WIDTH_AND_HEIGHT)
        page.goto(html.as_uri())
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
