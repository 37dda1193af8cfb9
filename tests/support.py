"""What tests share: one way to run the installed command, and files of crates made on the spot."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.suite.fork_server import RUNNING

T = TypeVar("T")

# A machine may be very busy; what would hang is ended by the limit on a test's time.
LIMIT = 120.0
# Seconds for a program that a test runs. pytest's own limit is shorter and shows what hangs; a busy machine takes long.
HANGS = 3_600.0

TOP = Path(__file__).resolve().parent.parent
COMMAND = str(Path(sys.executable).with_name("cratematrix"))


@dataclass(frozen=True)
class Ran:
    """How the command ended."""

    code: int
    out: str
    err: str


def wait_until(condition: Callable[[], object], what: str, seconds: float = LIMIT) -> None:
    """Wait for a thing that comes by itself; AssertionError, which says what did not come, after a long time."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.02)


def with_enough_time(attempt: Callable[[float], T | None]) -> T:
    """Return what an attempt makes of so many seconds; one that returns None gets more, for a machine may be busy."""
    for seconds in (0.5, 4.0, 32.0, 240.0):
        if (found := attempt(seconds)) is not None:
            return found
    raise AssertionError("no time was enough")


def cratematrix(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run the installed command as a user does, in a process that is forked where that makes no difference."""
    argv, environment = [COMMAND, *map(str, words)], {**os.environ, **(env or {})}
    if RUNNING and RUNNING[0].can_run(environment):
        code, out, err = RUNNING[0].run(argv, cwd, environment)
        return Ran(code, _text(out), _text(err))
    done = subprocess.run(  # noqa: TID251
        argv,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def _text(content: bytes) -> str:
    """Return output with the line ends of text, as `subprocess` does."""
    return content.decode().replace("\r\n", "\n").replace("\r", "\n")


def bash(script: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script of the recipes, under no other variables than these; by default those of programs."""
    return subprocess.run(  # noqa: TID251
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=env or {name: os.environ[name] for name in ("PATH", "HOME", "RUSTUP_HOME") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def cross_path() -> str:
    """Return PATH with the tools for other platforms that CROSS_TOOLCHAIN names before it, where it does."""
    toolchain = os.environ.get("CROSS_TOOLCHAIN")
    return f"{toolchain}/bin:{os.environ['PATH']}" if toolchain else os.environ["PATH"]


def git_repository(top: Path) -> Path:
    """Make a directory a git repository in which everything is tracked."""
    for words in (["init", "--quiet"], ["add", "--all", "--force"]):
        subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)  # noqa: TID251
    return top


def write_files(top: Path, files: Mapping[str, str]) -> Path:
    """Write files below a directory."""
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def unpack(archive: Path, directory: Path) -> None:
    """Unpack an archive of ours by tar itself: Python's own says what it does with links since 3.11.4 alone."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-xf", archive, "-C", directory], check=True)  # noqa: TID251


def library(name: str, lib: str = "", rest: str = "") -> dict[str, str]:
    """Return the files of a crate without dependencies, which compiles in a second."""
    head = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n\n[workspace]\n\n'
    lock = f'version = 4\n\n[[package]]\nname = "{name}"\nversion = "1.0.0"\n'
    return {f"{name}/Cargo.toml": head + rest, f"{name}/src/lib.rs": lib, f"{name}/Cargo.lock": lock}


# A crate's test that says so on the real stderr and then goes on for an hour.
NAPS = """#[test]
fn naps() {
    std::io::Write::write_all(&mut std::io::stderr(), b"napping\\n").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3600));
}
"""


def entry(name: str, **more: Any) -> dict[str, Any]:
    """Return a crate's entry in the manifest."""
    return {"name": name, "version": "1.0.0", "kind": "lib", "source": {"path": name}, **more}
