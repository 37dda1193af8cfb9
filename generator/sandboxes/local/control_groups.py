"""Control groups of version 2, where the kernel itself holds a command and all it starts to their limits.

A runner may have them where some group above its own is its to divide: as root, below a user's own systemd, or where
`systemd-run` or a container's manager gave it one. Elsewhere memory is sampled.
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

_NEEDED: Final = frozenset({"memory", "pids"})
_WANTED: Final = (*sorted(_NEEDED), "cpu")
_PREFIX: Final = "cratematrix-"
# bubblewrap's own processes, beside those of the sandbox.
_OVERHEAD: Final = 16
# What is killed needs a moment to be gone: the kernel takes back its memory first.
_REMOVAL_SECONDS: Final = 10.0
# Copies of files, and names of them, that were read or written before.
_GIVEN_UP: Final = ("active_file", "inactive_file", "slab_reclaimable")
_NUMBERS: Final = itertools.count(1)
_ENTER: Final = 'echo 0 > "$0/cgroup.procs" && exec "$@"'


@dataclass(frozen=True)
class ControlGroup:
    """The group of one command."""

    path: Path

    @property
    def enter_command(self) -> Sequence[str]:
        """Words that go before a command line, and have it run in the group."""
        return ("/bin/sh", "-c", _ENTER, str(self.path))

    @property
    def memory(self) -> int:
        """Bytes of memory that it holds, of whatever kind, without what the kernel would give up for others."""
        kinds = self._numbers("memory.stat")
        return int((self.path / "memory.current").read_text()) - sum(kinds.get(each, 0) for each in _GIVEN_UP)

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended something in it for its memory."""
        return self._numbers("memory.events").get("oom_kill", 0) > 0

    def _numbers(self, file: str) -> dict[str, int]:
        lines = (line.split() for line in (self.path / file).read_text().splitlines())
        return {name: int(number) for name, number in lines}

    def remove(self) -> None:
        """Kill what is left in it, and remove it; one that cannot be removed is left for the next runner."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")
        ends = time.monotonic() + _REMOVAL_SECONDS
        while not _removed(self.path) and time.monotonic() < ends:
            time.sleep(0.002)


@dataclass(frozen=True)
class ControlGroups:
    """The runner's own group `home`, which has a group for each command below it."""

    home: Path

    @property
    def limits(self) -> str:
        """Say what the groups bound."""
        return f"memory, processes{' and processors' if 'cpu' in _controllers(self.home) else ''}"

    @contextlib.contextmanager
    def create(self, resources: Resources, processors: int) -> Iterator[ControlGroup]:
        """Make a group with limits for as long as a command runs; SandboxError where that fails."""
        group = ControlGroup(self.home / str(next(_NUMBERS)))
        try:
            group.path.mkdir()
            for name, value in _limits(resources, processors).items():
                if (group.path / name).exists():
                    (group.path / name).write_text(value)
        except OSError as error:
            group.remove()
            raise SandboxError(f"a control group cannot be made: {error.strerror}") from None
        try:
            yield group
        finally:
            group.remove()


def _limits(resources: Resources, processors: int) -> dict[str, str]:
    """Return what is written where: a little more memory, for what grows steadily is to be seen and named first.

    At its very limit a group spends minutes on reading again what was given up, before the kernel ends it.
    """
    return {
        "memory.max": str((resources.memory_mib << 20) * 9 // 8),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": str(resources.processes + _OVERHEAD),
        "cpu.max": f"{processors * 100_000} 100000",
    }


@functools.cache
def find_control_groups(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> ControlGroups | None:
    """Divide the nearest group above this process that can be divided; None where there is none."""
    place = _own_group(root, own)
    if place is None:
        return None
    for parent in (place, *(each for each in place.parents if each.is_relative_to(root))):
        home = parent / f"{_PREFIX}{os.getpid()}"
        if _divides(parent, home):
            atexit.register(_removed, home)
            return ControlGroups(home)
        _removed(home)
    return None


def _own_group(root: Path, own: Path) -> Path | None:
    """Return where this process is; None for version 1, and for a place outside of what is seen of version 2."""
    try:
        named = [line.removeprefix("0::/") for line in own.read_text().splitlines() if line.startswith("0::/")]
    except OSError:
        return None
    if not named or ".." in Path(named[0]).parts or not (root / "cgroup.controllers").exists():
        return None
    return root / named[0]


def _divides(parent: Path, home: Path) -> bool:
    """Try it: what may be divided, and by whom, depends on more than permissions."""
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
        _removed(probe)


def _controllers(place: Path) -> frozenset[str]:
    return frozenset((place / "cgroup.subtree_control").read_text().split())


def _enable(place: Path) -> None:
    """Have limits for what is below; OSError where those that are needed cannot be had."""
    for name in _WANTED:
        if name not in _controllers(place):
            with contextlib.suppress(OSError):
                (place / "cgroup.subtree_control").write_text(f"+{name}")
    if not _controllers(place) >= _NEEDED:
        raise PermissionError(f"{place} bounds no memory")


def _remove_dead(parent: Path) -> None:
    """Remove what killed runners left, which is empty: nothing outlives its runner."""
    for home in parent.glob(f"{_PREFIX}*"):
        number = home.name.removeprefix(_PREFIX)
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            for group in (*(each for each in home.iterdir() if each.is_dir()), home):
                _removed(group)


def _removed(place: Path) -> bool:
    """Remove a group that nothing runs in; whether it is gone."""
    try:
        place.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
