"""Conditions of targets in Cargo's configuration, and whether they hold."""

from __future__ import annotations

import pytest

from generator.cargo.conditions import condition_holds

LINUX = frozenset({"unix", 'target_os="linux"', 'target_env="gnu"', 'target_arch="x86_64"', 'target_family="unix"'})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("unix", True),
        ("windows", False),
        ('target_os = "linux"', True),
        ('target_os="macos"', False),
        ("all()", True),
        ("any()", False),
        ("true", True),
        ("false", False),
        ('all(unix, target_env = "gnu")', True),
        ('all(unix, target_env = "musl",)', False),
        ('any(windows, not(target_os = "macos"))', True),
        ('not(any(target_os = "linux", target_os = "macos"))', False),
        ('all(any(unix, windows), not(all(windows, target_arch = "x86_64")))', True),
        ("all(unix", False),
        ("", False),
        ("sometimes(unix)", False),
        ("not(" * 5_000 + "unix" + ")" * 5_000, False),
    ],
)
def test_a_condition_holds_as_rustc_would_say(condition: str, holds: bool) -> None:
    assert condition_holds(condition, LINUX) == holds
