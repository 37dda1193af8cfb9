"""Newer versions of the tools in E2B's image, by the registries that they come from.

The registries are asked through their own clients, with the user's settings: npm, pip and, for Rust's site, curl.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from generator.errors import CratematrixError, Unavailable
from generator.npm.managers import MANAGERS, programs
from generator.processes import output
from generator.text import plain
from generator.versions import Versions

ASK_SECONDS: Final = 60.0
AT_ONCE: Final = 6
_RUST: Final = "https://static.rust-lang.org"
_NO_VERSION: Final = "Rust's site names no version"

Ask = Callable[[], Sequence[str]]
"""A question for all released versions; CratematrixError without an answer."""


@dataclass(frozen=True)
class Tool:
    """A tool, its version in the image, and the question for its released versions."""

    name: str
    version: str
    ask: Ask


@dataclass(frozen=True)
class Update:
    """The newest versions of a tool by its registry: `newest` of all, and `newest_of_line` of its major version.

    `problem` is the reason when nothing is known.
    """

    tool: Tool
    newest_of_line: str = ""
    newest: str = ""
    problem: str = ""

    @property
    def state(self) -> str:
        """One word or two for a table."""
        if self.problem:
            return "unknown"
        if self.newest_of_line != self.tool.version:
            return "outdated"
        return "current" if self.newest == self.tool.version else "newer line"


def tools(versions: Versions, targets: Collection[str]) -> tuple[Tool, ...]:
    """Return all tools whose versions a registry lists. None lists the point releases of Debian.

    A Rust that lacks one of the `targets` is none to update to. A version of yarn or pnpm for older lock files stays.
    """
    npm = [("node", versions.node, "node"), ("npm", versions.npm, "npm")]
    for manager in MANAGERS:
        program = programs(manager)[-1][1]
        npm.append((manager, program.version, program.package))
    pypi = [
        ("ziglang", versions.ziglang),
        ("cargo-zigbuild", versions.cargo_zigbuild),
        ("cargo-xwin", versions.cargo_xwin),
    ]
    return (
        Tool("rust", versions.rust, partial(_ask_rust, targets)),
        Tool("rustup", versions.rustup, _ask_rustup),
        *(Tool(name, version, partial(_ask_npm, package)) for name, version, package in npm),
        *(Tool(name, version, partial(_ask_pypi, name)) for name, version in pypi),
    )


def updates(asked: Sequence[Tool]) -> tuple[Update, ...]:
    """Ask for each tool, several at once; Unavailable when there is no answer for any."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = tuple(pool.map(_update, asked))
    if found and all(each.problem for each in found):
        raise Unavailable(f"no registry answers: {found[0].problem}", fix="check the network, then run it again")
    return found


def compared(tool: Tool, released: Sequence[str]) -> Update:
    """Return the newest of the released versions, without pre-releases."""
    known = tuple(_parsed(released))
    if not known:
        return Update(tool, problem="no version is released")
    own = Version(tool.version)
    of_line = [each for each in known if _line(each) == _line(own)]
    return Update(tool, str(max((*of_line, own))), str(max((*known, own))))


def _update(tool: Tool) -> Update:
    try:
        return compared(tool, tool.ask())
    except CratematrixError as error:
        return Update(tool, problem=error.message)


def _parsed(released: Sequence[str]) -> Iterator[Version]:
    for text in released:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            yield version


def _line(version: Version) -> tuple[int, ...]:
    """Return what stays the same in an update that breaks nothing: the major version, or 0 and the minor one."""
    return (version.major,) if version.major else (0, version.minor)


def _ask_npm(package: str) -> Sequence[str]:
    words = ["npm", "view", package, "versions", "--json", "--fetch-retries=0"]
    try:
        found = json.loads(output(words, timeout=ASK_SECONDS, cwd=Path("/")))
    except ValueError:
        raise CratematrixError(f"npm names no versions of {package}") from None
    return [str(each) for each in found] if isinstance(found, list) else [str(found)]


def _ask_pypi(package: str) -> Sequence[str]:
    words = [sys.executable, "-m", "pip", "index", "versions", "--retries=0", "--disable-pip-version-check", package]
    for line in output(words, timeout=ASK_SECONDS, cwd=Path("/")).decode(errors="replace").splitlines():
        name, _, versions = line.partition(":")
        if name == "Available versions":
            return [each.strip() for each in versions.split(",")]
    raise CratematrixError(f"pip names no versions of {package}")


def _ask_rust(targets: Collection[str]) -> Sequence[str]:
    """Return the stable version; CratematrixError when it lacks the standard library of one of the targets."""
    found = _of_rust("dist/channel-rust-stable.toml")
    try:
        packages = found["pkg"]
        version = str(packages["rust"]["version"]).partition(" ")[0]
        libraries = packages["rust-std"]["target"]
        lacking = sorted(each for each in targets if not libraries.get(each, {}).get("available"))
    except (LookupError, TypeError, AttributeError):
        raise CratematrixError(_NO_VERSION) from None
    if lacking:
        raise CratematrixError(f"{plain(version)} has no standard library for {', '.join(lacking)}")
    return [version]


def _ask_rustup() -> Sequence[str]:
    found = _of_rust("rustup/release-stable.toml")
    if not isinstance(version := found.get("version"), str):
        raise CratematrixError(_NO_VERSION)
    return [version]


def _of_rust(path: str) -> dict[str, Any]:
    words = ["curl", "--proto", "=https", "--max-time", f"{ASK_SECONDS:g}", "-fsS", f"{_RUST}/{path}"]
    try:
        return tomllib.loads(output(words, timeout=2 * ASK_SECONDS).decode())
    except ValueError:
        raise CratematrixError(_NO_VERSION) from None
