"""What npm's, yarn's and pnpm's lock files fetch from elsewhere than from the registries in force."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from generator.dependencies.files import DependencyFiles
from generator.dependencies.npm import refusal_reason
from generator.dependencies.refusal import InvalidJson, Refusal, line_of, parse_object, quoted
from generator.dependencies.specifiers import specifier_kind
from generator.network.endpoints import endpoint_of

IsAllowed = Callable[[str], bool]
"""Whether a URL points to a registry in force, or to a host that the manifest allows by its name."""

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
# https://classic.yarnpkg.com/lang/en/docs/yarn-lock: an address. Later versions, in YAML: NAME@SPECIFIER::BINDINGS.
_RESOLVED: Final = re.compile(r'^ +resolved "?(?P<spec>[^"\s]+)', re.MULTILINE)
_RESOLUTION: Final = re.compile(r'^ +"?resolution"?: "?@?[^@"\n]+@(?P<spec>[^"\n]+)', re.MULTILINE)
_ARCHIVE_URL: Final = re.compile(r"__archiveUrl=([^&]+)")
# The archive of a package as every registry has it. Which registry is yarn's own is known where there is a yarn alone;
# npm asks its own registry for what is there, and any other host only where it is allowed by name.
_OF_A_REGISTRY: Final = re.compile(
    r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+/(.+/)?-/[^/]+\.tgz([?#].*)?", re.IGNORECASE
)
# pnpm writes each resolution on one line, as a map of what is not a registry's usual.
_PNPM: Final = re.compile(r"\b(?P<key>tarball|repo|directory): *['\"]?(?P<spec>[^\s,}'\"]+)")
_PREFIXES: Final = {"directory": "file:", "repo": "git+", "tarball": ""}


class _Named(NamedTuple):
    """Where something is from, in which line."""

    line: int
    specifier: str


@dataclass(frozen=True)
class LockFiles:
    """A directory of a source that npm, yarn or pnpm installs."""

    files: DependencyFiles
    directory: str
    in_force: IsAllowed

    def refusals(self) -> Iterator[Refusal]:
        """What of its lock files is refused."""
        for name in ("package-lock.json", "npm-shrinkwrap.json"):
            if (text := self._text(name)) is not None:
                yield from self._json(self._path(name), text)
        if (text := self._text("yarn.lock")) is not None:
            yield from self._each("yarn.lock", _yarn(text))
        if (text := self._text("pnpm-lock.yaml")) is not None:
            yield from self._each("pnpm-lock.yaml", _pnpm(text))

    def _json(self, file: str, text: str) -> Iterator[Refusal]:
        try:
            entries = list(_entries(parse_object(text)))
        except InvalidJson:
            yield Refusal(file, None, f"{file} is not valid JSON, so nothing can be said of what it fetches")
            return
        for name, written, specifier in entries:
            if why := self._why(specifier):
                yield Refusal(file, line_of(text, name, written), f"{quoted(written)} of {quoted(name)} {why}")

    def _each(self, name: str, named: Iterator[_Named]) -> Iterator[Refusal]:
        for line, specifier in named:
            if why := self._why(specifier):
                yield Refusal(self._path(name), line, f"{quoted(specifier)} {why}")

    def _why(self, specifier: str) -> str | None:
        if not _URL.match(specifier) or specifier_kind(specifier) == "git":
            return refusal_reason(self.files, self.directory, specifier)
        if self.in_force(specifier):
            return None
        where = endpoint_of(specifier) or "nowhere"
        return f"is fetched from {where}, which is no registry in force: lock it anew, or add the host to fetch_hosts"

    def _path(self, name: str) -> str:
        return posixpath.normpath(f"{self.directory}/{name}")

    def _text(self, name: str) -> str | None:
        return self.files.text(self._path(name))


def _entries(lock: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, what is written, and what that means, for all packages; npm's first format has it in `version`."""
    waiting = [lock.get("packages"), lock.get("dependencies")]
    while waiting:
        table = waiting.pop()
        for name, entry in table.items() if isinstance(table, dict) else ():
            if not isinstance(entry, dict):
                continue
            waiting.append(entry.get("dependencies"))
            for written in (entry.get("resolved"), entry.get("version")):
                if isinstance(written, str):
                    yield name, written, f"file:{written}" if entry.get("link") is True else written


def _yarn(text: str) -> Iterator[_Named]:
    for found in (*_RESOLVED.finditer(text), *_RESOLUTION.finditer(text)):
        specifier, _, bindings = found["spec"].partition("::")
        archive = _ARCHIVE_URL.search(bindings)
        named = unquote(archive[1]) if archive else specifier
        if specifier_kind(named) in ("url", "git") and not _OF_A_REGISTRY.fullmatch(named):
            yield _Named(text.count("\n", 0, found.start("spec")) + 1, named)


def _pnpm(text: str) -> Iterator[_Named]:
    for number, line in enumerate(text.splitlines(), 1):
        _, is_resolution, rest = line.partition("resolution:")
        for found in _PNPM.finditer(rest if is_resolution else ""):
            yield _Named(number, _PREFIXES[found["key"]] + found["spec"])
