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
SETTINGS: Final = {"theme": "neutral", "htmlLabels": False, "deterministicIds": True, "fontFamily": "sans-serif"}


def main() -> None:
    """Make what is missing."""
    wanted = runpy.run_path(str(TOP / ".ci/site.py"))["diagrams"]()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        if old.name not in wanted:
            old.unlink()
    browser = {"executablePath": shutil.which("chromium"), "args": ["--no-sandbox"] if os.geteuid() == 0 else []}
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in (("browser", browser), ("settings", SETTINGS)):
            Path(scratch, f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        for name, source in wanted.items():
            if not (PICTURES / name).exists():
                files = (
                    "--puppeteerConfigFile=browser.json",
                    "--configFile=settings.json",
                    f"--output={PICTURES / name}",
                )
                words = ["npx", "--yes", MERMAID, "--quiet", "--backgroundColor=transparent", "--input=-", *files]
                variables = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}
                subprocess.run(words, input=source, text=True, check=True, cwd=scratch, env=variables, timeout=300)


if __name__ == "__main__":
    main()
