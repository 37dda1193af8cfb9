"""The build cache: builds are reused, and not across isolation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library


def attempts(top: Path, *words: str) -> tuple[int, bool]:
    """Build, and return the number of attempts, 0 for a reused build, and the isolation."""
    assert cratematrix("build", "--all", *words, cwd=top).code == 0
    report = json.loads((top / "dist/report.json").read_text())
    return report["crates"][0]["attempts"], report["isolated"]


@pytest.mark.attack("a build without isolation is never reused as isolated", entry="W5")
def test_a_build_without_isolation_is_not_reused_as_isolated(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert attempts(top, "--no-isolation") == (1, False)
    assert attempts(top, "--no-isolation") == (0, False)
    assert attempts(top) == (1, True)
    assert attempts(top) == (0, True)
