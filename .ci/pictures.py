#!/usr/bin/env python3
"""Makes docs/images/run.svg for the README: builds three sample crates, of which one is broken, and draws the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from itertools import dropwhile
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

TOP: Final = Path(__file__).resolve().parent.parent
CRATES: Final = ("fleet-cli", "fleet-tally", "fleet-broken")
COLUMNS: Final = 108
# Rich's own picture loads its font from another host.
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> None:
    """Build, and draw the table and all that comes after it."""
    shown = " ".join(f"--crate {each}" for each in CRATES)
    with tempfile.TemporaryDirectory() as out:
        command = Path(sys.executable).with_name("cratematrix")
        words = [command, "build", *shown.split(), "--out", out]
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
    console.save_svg(str(TOP / "docs/images/run.svg"), title="cratematrix", code_format=FORMAT, unique_id="run")


if __name__ == "__main__":
    main()
