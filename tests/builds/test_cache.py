"""What is taken up from an earlier run, and what is built again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library


def attempts(top: Path, *words: str) -> tuple[int, bool]:
    """Build, and return in how many attempts, none for what was taken up, and whether isolated."""
    assert cratematrix("build", "--all", *words, cwd=top).code == 0
    report = json.loads((top / "dist/report.json").read_text())
    return report["crates"][0]["attempts"], report["isolated"]


@pytest.mark.attack("what was built without isolation is never taken for isolated", entry="W5")
def test_what_was_built_without_isolation_is_not_taken_for_isolated(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert attempts(top, "--no-isolation") == (1, False)
    assert attempts(top, "--no-isolation") == (0, False)
    assert attempts(top) == (1, True)
    assert attempts(top) == (0, True)
