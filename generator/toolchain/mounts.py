"""Programs and directories of the host: finding them, running them for an answer, and mounting them in a sandbox."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from generator.errors import InputError
from generator.processes import Completed, run
from generator.text import message_text

# A busy machine may take long even to start a program.
ASK_SECONDS: Final = 120

# Variables that keep a tool from running at all when their value is wrong.
_CAUSES: Final = ("NODE_OPTIONS", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "LD_PRELOAD", "LD_LIBRARY_PATH")
_ERROR: Final = re.compile(r"\berror\b", re.IGNORECASE)

# PATH of a sandbox's system programs.
SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")

# Directory in a sandbox for tools that are not in the host's /usr.
MOUNT_ROOT: Final = "/opt/cross"


class Bind(NamedTuple):
    """A bind mount: a file or directory of the host, and its path in the sandbox."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Mount:
    """A program or directory of the host, its path in a sandbox, and the environment variable that names it.

    `program` is a file in the directory: the variable then names this file. `patterns` select the parts of the
    directory that a sandbox sees; without patterns it sees all. A prefix needs them: it may be ~/.local, or the root.
    """

    source: Path
    target: str
    variable: str | None = None
    program: str = ""
    patterns: tuple[str, ...] = ()

    @property
    def binds(self) -> tuple[Bind, ...]:
        """Bind mounts for a sandbox that has /usr already."""
        if is_in_usr(self.source):
            return ()
        if not self.patterns:
            return (Bind(str(self.source), self.target),)
        found = sorted({path for pattern in self.patterns for path in self.source.glob(pattern) if path.exists()})
        return tuple(Bind(str(path), f"{self.target}/{path.relative_to(self.source)}") for path in found)

    def path_for(self, isolated: bool) -> str:
        """Return the path as a sandbox sees it, which is the value of the variable."""
        directory = self.target if isolated and not is_in_usr(self.source) else str(self.source)
        return f"{directory}/{self.program}" if self.program else directory


def find_program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program on the PATH of `environ`."""
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def ask_program(argv: Sequence[str | Path], environ: Mapping[str, str]) -> str:
    """Run a program and return its output, stripped.

    InputError when it fails, with the program's own words. If it runs without one of `_CAUSES`, the error names that
    variable.
    """
    done = _ask(argv, environ)
    if done.exit_code == 0:
        return done.stdout.decode(errors="replace").strip()
    words = message_text(_first_error(done))
    for name in (each for each in _CAUSES if each in environ):
        if _ask(argv, {key: value for key, value in environ.items() if key != name}).exit_code == 0:
            raise InputError(f"{words}; the variable {name} is the cause", fix=f"unset {name}")
    raise InputError(words)


def _ask(argv: Sequence[str | Path], environ: Mapping[str, str]) -> Completed:
    return run([str(word) for word in argv], timeout=ASK_SECONDS, cwd=Path("/"), env=environ)


def _first_error(done: Completed) -> str:
    """Return the first line that names an error, or else the first line. Tools print stacks before and after it."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return next((line for line in lines if _ERROR.search(line)), lines[0] if lines else f"exit {done.exit_code}")


def is_in_usr(path: Path) -> bool:
    """Return True for a path below /usr, which every sandbox sees."""
    return path.is_relative_to("/usr")
