"""Runs of pytest with the suite's own plugins, on test files written for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.support import TOP, Ran, write_files

CONFTEST: Final = (
    'pytest_plugins = [f"tests.suite.{name}" for name in ("environment", "leaks", "attacks", "time_limit")]\n'
)


def run_planted(
    top: Path,
    source: str,
    *words: str,
    ini: str = "",
    env: Mapping[str, str] | None = None,
    before: Callable[[], object] | None = None,
) -> Ran:
    """Run a file of tests in a directory of its own; `before` runs in the new process, ahead of pytest."""
    settings = f"[pytest]\npythonpath = {TOP}\nleak_grace = 1\n{ini}"
    write_files(top, {"pytest.ini": settings, "conftest.py": CONFTEST, "test_planted.py": source})
    done = subprocess.run(  # noqa: TID251
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *words],
        cwd=top,
        env={**os.environ, "XDG_CACHE_HOME": str(top / "cache"), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=before,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
