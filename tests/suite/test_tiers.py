"""The tier of unit tests: its list, and the guard that keeps these tests light."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.suite.tiers import _GUARD, INTEGRATION, forbidden
from tests.support import TOP


def test_every_path_of_the_list_exists() -> None:
    assert [
        path for path in INTEGRATION if not (TOP / path).exists() or (TOP / path).is_dir() != path.endswith("/")
    ] == []


def test_a_test_has_the_tier_of_its_file(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("unit") is None
    assert not any("tests/planning/test_plan.py".startswith(path) for path in INTEGRATION)


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def run(*argv: str) -> None:
    with pytest.raises(FileNotFoundError):
        subprocess.run(argv, check=False)  # noqa: TID251


@pytest.mark.parametrize(
    ("act", "found"),
    [
        (listen, ["listens at ('127.0.0.1', 0)"]),
        (lambda: run("/nowhere/cargo", "build"), ["starts cargo"]),
        (lambda: run("/nowhere/cratematrix", "build", "--all"), ["starts cratematrix build"]),
        (lambda: run("/nowhere/cratematrix", "--debug", "release", "verify"), ["starts cratematrix --debug"]),
        (lambda: run("/nowhere/cratematrix", "build", "--help"), []),
        (lambda: run("/nowhere/git", "build"), []),
    ],
)
def test_the_guard_notes_what_a_unit_test_must_not_do(
    act: Callable[[], None], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    monkeypatch.setattr(_GUARD, "found", noted)
    monkeypatch.setattr(_GUARD, "active", True)
    act()
    monkeypatch.undo()  # before the guard looks at this very test
    assert noted == found


@pytest.mark.parametrize(
    ("event", "args"),
    [("subprocess.Popen", (None, ["git", "status"], None, None)), ("open", ("cargo", "r", 0)), ("import", ("npm",))],
)
def test_other_events_are_allowed(event: str, args: tuple[Any, ...]) -> None:
    assert forbidden(event, args) is None


def test_a_unit_test_that_serves_fails(tmp_path: Path) -> None:
    """A separate run of pytest, whose only test is in a file that the list does not have."""
    text = "import socket\n\ndef test_it():\n    with socket.socket() as s:\n        s.bind(('127.0.0.1', 0))\n"
    planted = tmp_path / "test_planted_server.py"
    planted.write_text(text)
    plugins = ["-p", "tests.suite.tiers", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"]
    argv = [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(tmp_path), "-c", "/dev/null", str(planted)]
    ran = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, timeout=300, check=False)  # noqa: TID251
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "a unit test listens at ('127.0.0.1', 0)" in ran.stdout
