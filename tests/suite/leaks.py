"""A run fails when a test leaves a process, a thread, a listening port or a file behind, and the test is named.

This is a plugin of pytest. After each test it notes what is new; at the end, when all fixtures are gone, it tells what
of it is still there, by the test after which it was first seen.
"""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import pytest

from generator.sandboxes.local.process_tree import listed_children
from tests.support import TOP

PR_SET_CHILD_SUBREAPER: Final = 36
TESTS_PER_REAPING: Final = 10
# What pytest, its plugins and commands that a person runs meanwhile keep in a checkout, and locks of directories that
# stay.
_NO_LEAKS: Final = frozenset({".lock", "dist", ".pytest_cache", ".hypothesis", ".cache", "__pycache__", ".coverage"})


class Left(NamedTuple):
    """Something that a test made: its kind, the name that tells it from others, and what a person knows it by."""

    kind: str
    key: str
    text: str


class Leaks:
    """Watches one process of the run; what all processes share is for the one that outlives the others."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], str] = {}
        self._before = {each[:2] for kind in (*OWN, _shared_files) for each in kind()}

    def note(self, test: str) -> None:
        """Note what is new after a test."""
        for each in (each for kind in (*OWN, _shared_files) for each in kind()):
            if each[:2] not in self._before:
                self._first.setdefault(each[:2], test)

    def left(self, grace: float, *kinds: Callable[[], Iterator[Left]]) -> list[str]:
        """Return a sentence for each thing that is still there and does not go within so many seconds."""
        ends = time.monotonic() + grace
        while (found := self._new(kinds)) and time.monotonic() < ends:
            time.sleep(0.05)
        return [f"{each.kind} {each.text}: {self._first.get(each[:2], 'unknown test')}" for each in found]

    def take(self, first: Mapping[str, str]) -> None:
        """Learn from a worker after which test it first saw a file that is not its own; another may have made it."""
        for name, test in first.items():
            before = self._first.get(("file", name))
            self._first["file", name] = f"{before} or {test}" if before else test

    @property
    def shared(self) -> dict[str, str]:
        """The tests after which a file in a place of all workers was first seen."""
        return {each.key: self._first[each[:2]] for each in _shared_files() if each[:2] in self._first}

    def _new(self, kinds: Sequence[Callable[[], Iterator[Left]]]) -> list[Left]:
        return [each for kind in kinds for each in kind() if each[:2] not in self._before]


def _processes() -> Iterator[Left]:
    """Yield this process's children; orphans below it are its children too, for it adopts them."""
    for process in listed_children(os.getpid()):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                words = " ".join(process.cmdline()) or process.name()
                yield Left("process", str(process.pid), f"{process.pid} ({words})"[:200])


def _threads() -> Iterator[Left]:
    for thread in threading.enumerate():
        yield Left("thread", str(thread.ident), thread.name)


def _ports() -> Iterator[Left]:
    for each in psutil.Process().net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN:
            yield Left("port", f"{each.laddr.ip}:{each.laddr.port}", f"{each.laddr.ip}:{each.laddr.port}")


def _own_files() -> Iterator[Left]:
    """Yield what lies in this process's temporary directory, but for pytest's own and those of workers."""
    return _in(Path(tempfile.gettempdir()))


def _shared_files() -> Iterator[Left]:
    """Yield what lies where no test has any business: in HOME, and in the checkout."""
    home = Path(os.environ["HOME"])
    cache = home / ".cache/cratematrix"
    for place in (home, cache / "sandboxes", cache / "scratch", TOP, TOP / "tests"):
        yield from _in(place)


def _in(place: Path) -> Iterator[Left]:
    with suppress(OSError):
        for each in os.scandir(place):
            if each.name not in _NO_LEAKS and not each.name.startswith(("pytest-of-", "gw")):
                yield Left("file", each.path, each.path)


OWN: Final = (_processes, _threads, _ports, _own_files)


def _adopt_orphans() -> None:
    """Become the parent of what tests leave behind, even where it has become a daemon; prctl(2)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap_orphans() -> None:
    """Take the exit codes of adopted processes that have ended: whoever lists the machine's processes sees them till then.

    Those of a Popen are for its owner. The search for Popens takes long, so it is for ended processes alone.
    """
    ended = set[int]()
    for child in listed_children(os.getpid()):
        with suppress(psutil.Error):
            if child.status() == psutil.STATUS_ZOMBIE:
                ended.add(child.pid)
    owned = {each.pid for each in gc.get_objects() if isinstance(each, subprocess.Popen)} if ended else set[int]()
    for pid in ended - owned:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _end_children() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()


class Watching:
    """The hooks, in a worker or in the only process of a run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._leaks, self._said = config, Leaks(), list[str]()
        self._is_worker = hasattr(config, "workerinput")
        self._has_workers = bool(getattr(config.option, "numprocesses", None))
        self._tests = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what a test leaves."""
        done = yield
        self._leaks.note(item.nodeid)
        self._tests += 1
        if self._tests % TESTS_PER_REAPING == 0:
            _reap_orphans()
        return done

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what a worker found."""
        output = getattr(node, "workeroutput", {})
        self._said += output.get("left", [])
        self._leaks.take(output.get("shared", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Let the run fail for what is left; all fixtures have ended by now."""
        if not self._has_workers:
            self._said += self._leaks.left(float(self._config.getini("leak_grace")), *OWN)
            _end_children()
        if self._is_worker:
            self._config.workeroutput |= {"left": self._said, "shared": self._leaks.shared}  # type: ignore[attr-defined]
            return
        self._said += self._leaks.left(0, _shared_files)
        if self._said and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests."""
        if self._said:
            terminalreporter.section("left behind", red=True, bold=True)
            for each in self._said:
                terminalreporter.line(f"FAILED {each}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run say how long it waits for what is ending already."""
    parser.addini("leak_grace", "seconds that a process, thread or port may take to be gone at the end", default="30")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to watch, when plugins have started what is theirs."""
    _adopt_orphans()
    session.config.pluginmanager.register(Watching(session.config), "leaks")
