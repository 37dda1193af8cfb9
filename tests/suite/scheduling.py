"""Distribution of tests one by one, but of those that share the fixtures of a file together."""

from __future__ import annotations

from typing import Any, Final

import pytest

TOGETHER: Final = (
    "tests/builds/test_sample_fleet.py",
    "tests/builds/test_web_package.py",
    "tests/packages/test_install_lines.py",
)
"""Files whose fixtures build for minutes, so that one worker runs all of their tests."""


def scheduler(config: pytest.Config, log: Any) -> object:
    """Return a scheduler of pytest-xdist: its own way to group tests has no effect under pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # noqa: PLC0415

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return next((file for file in TOGETHER if nodeid.startswith(file)), nodeid)

    return Scheduling(config, log)
