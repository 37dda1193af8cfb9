"""Concurrent fetches into one repository of the git cache, and servers that never answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from generator.errors import InputError, Unavailable
from generator.processes import run
from generator.sources.collect import SourceLocations, collect
from generator.sources.repositories import fetch_commit
from tests.repositories import URL, crate, git, package, repository
from tests.support import LIMIT, wait_until

FETCH = "import sys; from pathlib import Path; from generator.sources.repositories import fetch_commit; fetch_commit(*sys.argv[1:3], Path(sys.argv[3]))"


def below(text: str) -> list[psutil.Process]:
    """Return the git processes whose arguments contain a text."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.status() != psutil.STATUS_ZOMBIE
                and "git" in process.name()
                and text in " ".join(process.cmdline())
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(text: str, *, there: bool) -> None:
    wait_until(lambda: bool(below(text)) == there, f"git {'with' if there else 'without'} {text}")


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Six commits of a repository that git reaches under an https URL."""
    top = repository(tmp_path / "remote", {"Cargo.toml": package("one"), "src/lib.rs": ""})
    git(top, "config", "uploadpack.allowAnySHA1InWant", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{top}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
    found = []
    for number in range(6):
        (top / "src/lib.rs").write_text(f"// {number}")
        git(top, "commit", "--quiet", "--all", "--message", "next")
        found.append(git(top, "rev-parse", "HEAD"))
    return found


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.git"
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{address}.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
        yield address


def test_threads_that_fetch_from_one_repository_do_not_disturb_each_other(tmp_path: Path, revisions: list[str]) -> None:
    def digest(number: int) -> str:
        source = {"git": URL, "rev": revisions[number % 6]}
        return collect(
            crate(source), SourceLocations(tmp_path, ".", tmp_path / "cache"), tmp_path / f"{number}.tar"
        ).digest

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(digest, range(12)))
    assert len(set(found[:6])) == 6
    assert found[:6] == found[6:]


def test_processes_that_fetch_from_one_repository_do_not_disturb_each_other(
    tmp_path: Path, revisions: list[str]
) -> None:
    place = str(tmp_path / "cache" / "x")
    started = [subprocess.Popen([sys.executable, "-c", FETCH, URL, rev, place]) for rev in revisions]
    assert [each.wait() for each in started] == [0] * 6


def test_a_fetch_from_a_silent_server_ends_with_the_run(tmp_path: Path, silent: str) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(fetch_commit, URL, "1" * 40, tmp_path / "x", stop)
        wait_for(silent, there=True)
        stop.set()
        with pytest.raises(Unavailable, match=r"^git was stopped$"):
            fetching.result()
    wait_for(silent, there=False)


def test_waiting_for_another_fetch_ends_with_the_run(tmp_path: Path, silent: str) -> None:
    first, second = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(fetch_commit, URL, "1" * 40, tmp_path / "x", first)
        wait_for(silent, there=True)
        second.set()
        with pytest.raises(Unavailable, match=r"^waiting for another fetch of the same repository was stopped$"):
            fetch_commit(URL, "1" * 40, tmp_path / "x", second)
        assert not fetching.done()
        first.set()
        assert isinstance(fetching.exception(), Unavailable)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_git_ends_with_a_run_that_is_killed_and_the_next_run_fetches(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cache" / "x"
    runner = subprocess.Popen([sys.executable, "-c", FETCH, URL, "1" * 40, str(place)])
    wait_for(f"--git-dir {place} fetch", there=True)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    wait_for(f"--git-dir {place} fetch", there=False)
    for helper in below(silent):  # it ends by itself after http.lowSpeedTime
        helper.kill()
    top = repository(tmp_path / "remote", {"Cargo.toml": package("one")})
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{top}.insteadOf")
    fetch_commit(URL, git(top, "rev-parse", "HEAD"), place)


def test_a_run_that_is_stopped_ends_the_whole_group(tmp_path: Path) -> None:
    stop = threading.Event()
    script = f"sleep 3600 & echo $! > {tmp_path}/made; mv {tmp_path}/made {tmp_path}/pid; wait"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, ["sh", "-c", script], timeout=3_600, stop=stop)
        wait_until((tmp_path / "pid").exists, "the process below")
        stop.set()
        with pytest.raises(Unavailable, match=r"^sh was stopped$"):
            running.result()
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not runs(child), "the end of the process below")


def test_a_run_that_hangs_or_prints_without_end_is_ended() -> None:
    with pytest.raises(Unavailable, match=r"^sleep gave no answer in 1 s$"):
        run(["sleep", "3600"], timeout=1)
    with pytest.raises(InputError, match=r"^yes printed more than 1 MiB$"):
        run(["yes"], timeout=LIMIT, limit=2**20)


def test_a_large_input_reaches_a_program_whole() -> None:
    text = os.urandom(8 * 2**20)
    assert run(["sh", "-c", "sleep 0.3; cat"], timeout=LIMIT, stdin=text).stdout == text


def test_a_program_runs_where_nothing_else_is_on_path(tmp_path: Path) -> None:
    (tmp_path / "only").symlink_to("/bin/sh")
    words = "from generator.processes import run; print(run(['only', '-c', 'echo it runs'], timeout=120).stdout)"
    ran = run([sys.executable, "-c", words], timeout=LIMIT, env={**os.environ, "PATH": str(tmp_path)})
    assert ran.stdout == b"b'it runs\\n'\n"
