"""The tier of each test: `unit`, unless INTEGRATION lists its file. `make check` runs the unit tests.

This is a plugin of pytest. A guard fails a unit test that builds, serves or starts a sandbox, so a new heavy test cannot
slip into `make check`, and a new light one is in it without an entry anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

INTEGRATION: Final = (
    "tests/acts/",
    "tests/audit/",
    "tests/builds/",
    "tests/cargo/test_locks.py",
    "tests/documentation/test_calls.py",
    "tests/documentation/test_release_sessions.py",
    "tests/documentation/test_sessions.py",
    "tests/e2b_server/",
    "tests/github_server/",
    "tests/judges/",
    "tests/layouts/",
    "tests/manifest/test_editor.py",
    "tests/network/test_proxy.py",
    "tests/packages/",
    "tests/recipes/test_imported_packages.py",
    "tests/recipes/test_npm_packages.py",
    "tests/recipes/test_own_registry.py",
    "tests/releases/test_early_upload.py",
    "tests/releases/test_one_upload.py",
    "tests/releases/test_other_releases.py",
    "tests/releases/test_quarantined_crates.py",
    "tests/releases/test_records.py",
    "tests/releases/test_release_commands.py",
    "tests/releases/test_scripted_fleet.py",
    "tests/releases/test_split_releases.py",
    "tests/releases/test_thirty_uploads.py",
    "tests/releases/test_token_hosts.py",
    "tests/releases/test_unchanged_crates.py",
    "tests/reports/browser/",
    "tests/sandboxes/",
    "tests/sbom/test_document.py",
    "tests/sources/test_collected_workspaces.py",
    "tests/sources/test_fetching_at_once.py",
    "tests/suite/",
    "tests/test_command_line.py",
    "tests/test_github_actions.py",
    "tests/test_windows.py",
    "tests/toolchain/",
    "tests/workflows/test_action_yml.py",
    "tests/workflows/test_pull_requests.py",
)
"""Files, and directories with a slash at the end, whose tests build, start a server or a sandbox, or take long."""

PROGRAMS: Final = frozenset(
    {
        "act",
        "bwrap",
        "cargo",
        "cc",
        "docker",
        "gcc",
        "go",
        "node",
        "npm",
        "npx",
        "pnpm",
        "rustc",
        "rustup",
        "yarn",
        "zig",
    }
)
# Commands of cratematrix that start sandboxes or reach servers.
COMMANDS: Final = frozenset({"build", "reap", "release", "template"})


def forbidden(event: str, args: Sequence[Any]) -> str | None:
    """Return what a unit test must not do in an audit event of Python, or None."""
    if event == "socket.bind":
        return f"listens at {args[1]!r}"
    if event != "subprocess.Popen":
        return None
    words = [str(each) for each in args[1]] if isinstance(args[1], list | tuple) else [str(args[1])]
    program = Path(words[0]).name
    if program in PROGRAMS:
        return f"starts {program}"
    if program == "cratematrix" and COMMANDS & {*words[1:3]} and "--help" not in words:
        return f"starts cratematrix {words[1]}"
    return None


class _Guard:
    """An audit hook of Python; it cannot be removed, so it acts only during a unit test."""

    def __init__(self) -> None:
        self.active = False
        self.found: list[str] = []

    def __call__(self, event: str, args: Sequence[Any]) -> None:
        if self.active and (reason := forbidden(event, args)):
            self.found.append(reason)


_GUARD: Final = _Guard()


def pytest_configure() -> None:
    """Install the guard."""
    sys.addaudithook(_GUARD)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the import of integration tests in a run of unit tests, which saves seconds in each worker."""
    if not str(config.getoption("markexpr", "")).startswith("unit"):
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return True if f"{path}/".startswith(INTEGRATION) or path in INTEGRATION else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the unit tests, before pytest selects tests by their marks."""
    for item in items:
        if not item.path.relative_to(item.config.rootpath).as_posix().startswith(INTEGRATION):
            item.add_marker("unit")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Watch a unit test and its fixtures."""
    _GUARD.found.clear()
    heavy = any(item.get_closest_marker(name) for name in ("slow", "rush"))
    _GUARD.active = item.get_closest_marker("unit") is not None and not heavy


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail a unit test that does what only integration tests may do."""
    yield
    if _GUARD.found:
        pytest.fail(f"a unit test {_GUARD.found[0]}: list its file in tests/suite/tiers.py, or make it lighter")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Stop watching."""
    _GUARD.active = False
