"""Programs and directories of the host: finding and asking them, and where a sandbox sees them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.processes import output
from generator.sandboxes.local.bubblewrap import Bind

ASK_SECONDS: Final = 30

# Where a sandbox's system programs lie.
SYSTEM_PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")

INSIDE: Final = "/opt/cross"


@dataclass(frozen=True)
class Mount:
    """A program or directory of the host, where a sandbox sees it, and the variable that tells programs so.

    `program` is the file in the directory that the variable names, where it names one. `parts` are patterns of what of
    the directory a sandbox sees, all of it where there are none: a prefix may be somebody's ~/.local, or the root.
    """

    source: Path
    inside: str
    variable: str | None = None
    program: str = ""
    parts: tuple[str, ...] = ()

    @property
    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox that has /usr needs besides."""
        if is_in_usr(self.source):
            return ()
        if not self.parts:
            return (Bind(str(self.source), self.inside),)
        found = sorted({each for part in self.parts for each in self.source.glob(part) if each.exists()})
        return tuple(Bind(str(each), f"{self.inside}/{each.relative_to(self.source)}") for each in found)

    def path_for(self, isolated: bool) -> str:
        """Return the value of the variable."""
        where = self.inside if isolated and not is_in_usr(self.source) else str(self.source)
        return f"{where}/{self.program}" if self.program else where


def find_program(name: str, environ: Mapping[str, str]) -> Path | None:
    """Find a program by `environ`'s PATH."""
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def ask_program(argv: Sequence[str | Path], environ: Mapping[str, str]) -> str:
    """Ask a program a question; CratematrixError when it does not answer."""
    words = [str(each) for each in argv]
    return output(words, timeout=ASK_SECONDS, cwd=Path("/"), env=environ).decode(errors="replace").strip()


def is_in_usr(path: Path) -> bool:
    """Whether every sandbox sees it anyway."""
    return path.is_relative_to("/usr")
