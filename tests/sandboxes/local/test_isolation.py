from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.sandboxes.local.isolation import user_namespace_fix
from tests.support import HANGS


@pytest.mark.parametrize(
    ("setting", "value", "command"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_setting_that_forbids_isolation_is_named(tmp_path: Path, setting: str, value: str, command: str) -> None:
    (tmp_path / setting).parent.mkdir()
    (tmp_path / setting).write_text(f"{value}\n")
    assert user_namespace_fix(tmp_path) == f"sudo sysctl -w {command}"
    (tmp_path / setting).write_text("15000\n" if value == "0" else "0\n")
    assert "sysctl" not in user_namespace_fix(tmp_path)


BLOCKED = """
from generator.sandboxes.local.isolation import probe_isolation
problem = probe_isolation()
print(type(problem).__name__, "|", problem and problem.message, "|", problem and problem.fix)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="user namespaces are for Linux only")
@pytest.mark.parametrize(
    ("script", "message_start"),
    [
        ('echo 1 > /proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 "$0" -c "$1"', "bwrap: "),
        ('exec "$0" -c "$1"', "setpriv: "),  # root that has no other user to become
    ],
)
def test_the_reason_is_reported_when_isolation_is_impossible(script: str, message_start: str) -> None:
    argv = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", script, sys.executable, BLOCKED]
    kind, message, fix = subprocess.check_output(argv, text=True, timeout=HANGS).split("|")
    assert kind.strip() == "Unavailable"
    assert message.startswith(f" bubblewrap cannot isolate crates here: {message_start}")
    assert "--no-isolation" in fix
