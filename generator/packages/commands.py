"""The commands that a package puts on PATH, read like npm's normalize.js of package-json; pure.

npm links each as `node_modules/.bin/NAME`, which is first on the PATH of scripts (run-script's set-path.js). A global
installation links it beside npm itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any, Final

from generator.errors import Unbuildable
from generator.files.portable_names import find_clash, name_problem

# Names that package managers and scripts call: runtimes, package managers, shells and common tools. A command with such
# a name would be first on PATH and run in their place.
_RESERVED: Final = re.compile(
    r"(node|nodejs|npm|npx|corepack|yarn|yarnpkg|pnpm|pnpx|bun|bunx|deno|node-gyp"
    r"|sh|bash|dash|zsh|fish|cmd|powershell|pwsh"
    r"|env|sudo|git|ssh|python|python3|cp|mv|rm|cat|ls|mkdir|chmod|sed|grep|tar|curl)",
    re.IGNORECASE,
)
# On Windows npm writes NAME.cmd and NAME.ps1 for NAME, and Windows finds both by NAME alone.
_NAME: Final = re.compile(r"(?!.*\.(exe|cmd|bat|com|ps1)$)[a-z0-9][a-z0-9._+-]*", re.IGNORECASE)


def check_names(names: Iterable[str]) -> None:
    """Raise Unbuildable when a command's name is invalid on some system, or would shadow another command."""
    listed = tuple(names)
    for name in listed:
        if not _NAME.fullmatch(name) or name_problem(name):
            raise Unbuildable(
                f"{name[:100]!r} is not a valid command name on every system: use letters, digits, . _ + and -"
            )
        if _RESERVED.fullmatch(name):
            raise Unbuildable(
                f"a command named {name} would shadow the user's own, because npm puts it first on PATH: rename it"
            )
    if same := find_clash(listed):
        raise Unbuildable(f"the commands {same[0]} and {same[1]} are equal on some systems: rename one of them")


def check_commands(declared: dict[str, Any], paths: Iterable[str]) -> None:
    """Raise Unbuildable when a command of a package.json is forbidden, or is no file of the package."""
    directories = declared.get("directories")
    if isinstance(directories, dict) and directories.get("bin"):
        raise Unbuildable("package.json has directories.bin, which makes all files commands: list the commands in bin")
    commands, files = _commands(declared), set(paths)
    check_names(commands)
    for name, target in commands.items():
        if not isinstance(target, str) or posixpath.normpath(target) not in files:
            raise Unbuildable(
                f"package.json names {str(target)[:200]!r} as its command {name}, but the build did not create it"
            )


def _commands(declared: dict[str, Any]) -> dict[str, Any]:
    """Return the commands of package.json's `bin`: one path, a list of paths, or paths by name."""
    match declared.get("bin"):
        case str(path) if path:
            return {str(declared.get("name")).rpartition("/")[2]: path}
        case list(several):
            return {posixpath.basename(str(each)): each for each in several}
        case dict(named):
            return named
        case _:
            return {}
