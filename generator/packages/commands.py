"""The commands that a package puts on PATH, as npm's normalize.js of package-json reads them; pure.

npm links each as `node_modules/.bin/NAME`, which comes before everything else on the PATH of scripts (run-script's
set-path.js), or beside npm itself when it installs for the whole machine.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any, Final

from generator.errors import Unbuildable
from generator.files.portable_names import find_clash, name_problem

# Found first on PATH under one of these names, a command would run whenever npm, another package manager or a script
# starts anything: the runtimes and package managers themselves, shells, and what nearly every script begins with.
_TAKEN: Final = re.compile(
    r"(node|nodejs|npm|npx|corepack|yarn|yarnpkg|pnpm|pnpx|bun|bunx|deno|node-gyp"
    r"|sh|bash|dash|zsh|fish|cmd|powershell|pwsh"
    r"|env|sudo|git|ssh|python|python3|cp|mv|rm|cat|ls|mkdir|chmod|sed|grep|tar|curl)",
    re.IGNORECASE,
)
# On Windows npm writes NAME.cmd and NAME.ps1 for NAME, and either is found by NAME alone.
_NAME: Final = re.compile(r"(?!.*\.(exe|cmd|bat|com|ps1)$)[a-z0-9][a-z0-9._+-]*", re.IGNORECASE)


def check_names(names: Iterable[str]) -> None:
    """Unbuildable names a command that cannot be called so everywhere, or that would take another's place."""
    listed = tuple(names)
    for name in listed:
        if not _NAME.fullmatch(name) or name_problem(name):
            raise Unbuildable(
                f"no command can be called {name[:100]!r} on every system: name it with letters, digits, . _ + and -"
            )
        if _TAKEN.fullmatch(name):
            raise Unbuildable(
                f"a command called {name} would run in the place of the user's own, since npm puts it first on PATH: "
                "rename it"
            )
    if same := find_clash(listed):
        raise Unbuildable(f"the commands {same[0]} and {same[1]} are one on some systems: rename one of them")


def check_commands(declared: dict[str, Any], paths: Iterable[str]) -> None:
    """Unbuildable names a command of a package.json that may not be, or that is no file of the package."""
    directories = declared.get("directories")
    if isinstance(directories, dict) and directories.get("bin"):
        raise Unbuildable("package.json has directories.bin, whose every file would be a command: name them in bin")
    commands, files = _commands(declared), set(paths)
    check_names(commands)
    for name, target in commands.items():
        if not isinstance(target, str) or posixpath.normpath(target) not in files:
            raise Unbuildable(f"package.json names {str(target)[:200]!r} as its command {name}, and nothing built it")


def _commands(declared: dict[str, Any]) -> dict[str, Any]:
    """Return what package.json's `bin` makes commands of: one path, several, or several with names."""
    match declared.get("bin"):
        case str(path) if path:
            return {str(declared.get("name")).rpartition("/")[2]: path}
        case list(several):
            return {posixpath.basename(str(each)): each for each in several}
        case dict(named):
            return named
        case _:
            return {}
