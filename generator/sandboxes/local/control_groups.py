"""Control groups (cgroup v2), with which the kernel limits a command and all processes that it starts.

They need a parent group in which the runner may create others: as root, below a user's own systemd, or where
`systemd-run` or a container manager delegates one. Elsewhere memory is sampled.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from generator.errors import CratematrixError
from generator.processes import run
from generator.sandboxes.contract import Resources, SandboxError

_REQUIRED: Final = frozenset({"memory", "pids"})
_WANTED: Final = (*sorted(_REQUIRED), "cpu")
_PREFIX: Final = "cratematrix-"
# Processes of bubblewrap itself, in addition to the sandbox's.
_OVERHEAD: Final = 16
# Killed processes take a moment to end, because the kernel first frees their memory.
_REMOVAL_SECONDS: Final = 10.0
# Caches of file contents and names, which the kernel frees on demand.
_RECLAIMABLE: Final = ("active_file", "inactive_file", "slab_reclaimable")
_NUMBERS: Final = itertools.count(1)
_ENTER: Final = 'echo 0 > "$0/cgroup.procs" && exec "$@"'


@dataclass(frozen=True)
class ControlGroup:
    """Control group of one command."""

    path: Path

    @property
    def enter_command(self) -> Sequence[str]:
        """Command-line prefix that starts a program inside the group."""
        return ("/bin/sh", "-c", _ENTER, str(self.path))

    @property
    def memory(self) -> int:
        """Bytes of memory in use, of every kind but reclaimable caches."""
        kinds = self._numbers("memory.stat")
        return int((self.path / "memory.current").read_text()) - sum(kinds.get(each, 0) for each in _RECLAIMABLE)

    @property
    def ran_out_of_memory(self) -> bool:
        """Return True if the kernel has killed a process of the group for its memory."""
        return self._numbers("memory.events").get("oom_kill", 0) > 0

    def _numbers(self, file: str) -> dict[str, int]:
        lines = (line.split() for line in (self.path / file).read_text().splitlines())
        return {name: int(number) for name, number in lines}

    def remove(self) -> None:
        """Kill the remaining processes and remove the group; a later run removes it otherwise."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")
        ends = time.monotonic() + _REMOVAL_SECONDS
        while not _remove(self.path) and time.monotonic() < ends:
            time.sleep(0.002)


@dataclass(frozen=True)
class ControlGroups:
    """Parent group `home` of this runner, with one child group for each command."""

    home: Path

    @property
    def limits(self) -> str:
        """Return the names of the limited resources."""
        return f"memory, processes{' and processors' if 'cpu' in _controllers(self.home) else ''}"

    @contextlib.contextmanager
    def create(self, resources: Resources, cpus: int) -> Iterator[ControlGroup]:
        """Create a group with limits for one command, and remove it afterwards; SandboxError when that fails."""
        group = ControlGroup(self.home / str(next(_NUMBERS)))
        try:
            group.path.mkdir()
            for name, value in _limits(resources, cpus).items():
                if (group.path / name).exists():
                    (group.path / name).write_text(value)
        except OSError as error:
            group.remove()
            raise SandboxError(f"a control group cannot be made: {error.strerror}") from None
        try:
            yield group
        finally:
            group.remove()


def _limits(resources: Resources, cpus: int) -> dict[str, str]:
    """Return the contents of the control files, by name.

    The memory limit is an eighth higher than the sandbox's, so that the monitor sees steady growth first and reports
    it. A group at its exact limit spends minutes on reclaiming and re-reading caches before the kernel kills it.
    """
    return {
        "memory.max": str((resources.memory_mib << 20) * 9 // 8),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": str(resources.processes + _OVERHEAD),
        "cpu.max": f"{cpus * 100_000} 100000",
    }


@functools.cache
def find_control_groups(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> ControlGroups | None:
    """Return groups below the nearest parent of this process where groups can be created; None without any."""
    current = _current_group(root, own)
    if current is None:
        return None
    for parent in (current, *(each for each in current.parents if each.is_relative_to(root))):
        home = parent / f"{_PREFIX}{os.getpid()}"
        if _can_create_groups(parent, home):
            atexit.register(_remove, home)
            return ControlGroups(home)
        _remove(home)
    return None


def _current_group(root: Path, own: Path) -> Path | None:
    """Return the group of this process; None with cgroup v1, or when the group is not visible in this mount."""
    try:
        named = [line.removeprefix("0::/") for line in own.read_text().splitlines() if line.startswith("0::/")]
    except OSError:
        return None
    if not named or ".." in Path(named[0]).parts or not (root / "cgroup.controllers").exists():
        return None
    return root / named[0]


def _can_create_groups(parent: Path, home: Path) -> bool:
    """Test the creation of groups, because it depends on more than permissions."""
    probe = home / "probe"
    try:
        _remove_dead(parent)
        _enable(parent)
        home.mkdir(exist_ok=True)
        _enable(home)
        probe.mkdir(exist_ok=True)
        return run([*ControlGroup(probe).enter_command, "true"], timeout=30).exit_code == 0
    except (OSError, CratematrixError):
        return False
    finally:
        _remove(probe)


def _controllers(group: Path) -> frozenset[str]:
    return frozenset((group / "cgroup.subtree_control").read_text().split())


def _enable(group: Path) -> None:
    """Enable the controllers for child groups; OSError when a required one is unavailable."""
    for name in _WANTED:
        if name not in _controllers(group):
            with contextlib.suppress(OSError):
                (group / "cgroup.subtree_control").write_text(f"+{name}")
    if not _controllers(group) >= _REQUIRED:
        raise PermissionError(f"{group} has no memory controller")


def _remove_dead(parent: Path) -> None:
    """Remove the groups of killed runners, which are empty: no process outlives its runner."""
    for home in parent.glob(f"{_PREFIX}*"):
        number = home.name.removeprefix(_PREFIX)
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            for group in (*(each for each in home.iterdir() if each.is_dir()), home):
                _remove(group)


def _remove(group: Path) -> bool:
    """Remove a group without processes, and return whether it is gone."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
