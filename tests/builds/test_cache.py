"""Reuse of crates from the build cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library


def attempts(top: Path, *words: str) -> tuple[int, bool]:
    """Build, and return the number of attempts, 0 for a reused crate, and whether the build was isolated."""
    assert cratematrix("build", "--all", *words, cwd=top).code == 0
    report = json.loads((top / "dist/report.json").read_text())
    return report["crates"][0]["attempts"], report["isolated"]


@pytest.mark.attack("a build without isolation is never reused as an isolated one", entry="W5")
def test_a_build_without_isolation_is_not_reused_as_an_isolated_one(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert attempts(top, "--no-isolation") == (1, False)
    assert attempts(top, "--no-isolation") == (0, False)
    assert attempts(top) == (1, True)
    assert attempts(top) == (0, True)
