#!/usr/bin/env python3
"""Makes the picture of each diagram in docs/ by mermaid's own command, and removes the pictures of none."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).resolve().parent.parent
PICTURES: Final = TOP / "docs/images/diagrams"
MERMAID: Final = "@mermaid-js/mermaid-cli@12.2.0"
# Labels of plain SVG, because an image may not hold HTML in every browser.
SETTINGS: Final = {
    "theme": "neutral",
    "htmlLabels": False,
    "flowchart": {"wrappingWidth": 260},
    "deterministicIds": True,
    "fontFamily": "sans-serif",
}


def main() -> None:
    """Make what is missing, in one run of the browser."""
    wanted = runpy.run_path(str(TOP / ".ci/pages.py"))["diagrams"]()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        if old.name not in wanted:
            old.unlink()
    missing = {name: source for name, source in wanted.items() if not (PICTURES / name).exists()}
    if missing:
        draw(missing)


def draw(diagrams: dict[str, str]) -> None:
    """Write the pictures of diagrams; mermaid's command numbers those of one page."""
    browser = {"executablePath": shutil.which("chromium"), "args": ["--no-sandbox"] if os.geteuid() == 0 else []}
    page = "\n".join(f"```mermaid\n{source}```\n" for source in diagrams.values())
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        for name, text in (
            ("page.md", page),
            ("browser.json", json.dumps(browser)),
            ("settings.json", json.dumps(SETTINGS)),
        ):
            (top / name).write_text(text, encoding="utf-8")
        files = (
            "--puppeteerConfigFile=browser.json",
            "--configFile=settings.json",
            "--input=page.md",
            "--output=out.svg",
        )
        words = ["npx", "--yes", MERMAID, "--quiet", "--backgroundColor=transparent", *files]
        subprocess.run(words, check=True, cwd=top, env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}, timeout=900)
        for number, name in enumerate(diagrams, start=1):
            shutil.copyfile(top / f"out-{number}.svg", PICTURES / name)


if __name__ == "__main__":
    main()
