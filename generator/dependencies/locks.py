"""Packages in the lock files of npm, yarn and pnpm that come from outside of the configured registries."""

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
"""Return True if a URL is that of a configured registry, or of a host that the manifest allows by name."""

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
# yarn 1 writes a URL: https://classic.yarnpkg.com/lang/en/docs/yarn-lock. Later yarns: NAME@SPECIFIER::BINDINGS.
_RESOLVED: Final = re.compile(r'^ +resolved "?(?P<spec>[^"\s]+)', re.MULTILINE)
_RESOLUTION: Final = re.compile(r'^ +"?resolution"?: "?@?[^@"\n]+@(?P<spec>[^"\n]+)', re.MULTILINE)
_ARCHIVE_URL: Final = re.compile(r"__archiveUrl=([^&]+)")
# URL of a package's archive as every registry has it. Which registry yarn uses is known only where yarn is installed.
_REGISTRY_ARCHIVE: Final = re.compile(
    r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+/(.+/)?-/[^/]+\.tgz([?#].*)?", re.IGNORECASE
)
# pnpm writes each resolution on one line, as a map of everything that a registry does not imply.
_PNPM: Final = re.compile(r"\b(?P<key>tarball|repo|directory)['\"]? *: *['\"]?(?P<spec>[^\s,}'\"]+)")
_PNPM_RESOLUTION: Final = re.compile(r"^ +['\"]?resolution['\"]? *:(?P<map>.*)")
_PREFIXES: Final = {"directory": "file:", "repo": "git+", "tarball": ""}


class _Entry(NamedTuple):
    """One entry: its line, and the specifier of its origin."""

    line: int
    specifier: str


@dataclass(frozen=True)
class LockFiles:
    """Lock files of one directory that npm, yarn or pnpm installs."""

    files: DependencyFiles
    directory: str
    is_allowed: IsAllowed

    def refusals(self) -> Iterator[Refusal]:
        """Yield the refused entries."""
        for name in ("package-lock.json", "npm-shrinkwrap.json"):
            if (text := self._text(name)) is not None:
                yield from self._json(self._path(name), text)
        if (text := self._text("yarn.lock")) is not None:
            yield from self._each("yarn.lock", _yarn(text))
        if (text := self._text("pnpm-lock.yaml")) is not None:
            yield from self._each("pnpm-lock.yaml", _pnpm(text))
            file = self._path("pnpm-lock.yaml")
            for line in _unusual_resolutions(text):
                reason = "so its origin cannot be checked: write the lock file again by pnpm install"
                yield Refusal(file, line, f"a resolution in {file} is no map on one line, {reason}")

    def _json(self, file: str, text: str) -> Iterator[Refusal]:
        try:
            entries = list(_entries(parse_object(text)))
        except InvalidJson:
            yield Refusal(file, None, f"{file} is not valid JSON, so its dependencies cannot be checked")
            return
        for name, written, specifier in entries:
            if reason := self._reason(specifier):
                yield Refusal(file, line_of(text, name, written), f"{quoted(written)} of {quoted(name)} {reason}")

    def _each(self, name: str, entries: Iterator[_Entry]) -> Iterator[Refusal]:
        for line, specifier in entries:
            if reason := self._reason(specifier):
                yield Refusal(self._path(name), line, f"{quoted(specifier)} {reason}")

    def _reason(self, specifier: str) -> str | None:
        if not _URL.match(specifier) or specifier_kind(specifier) == "git":
            return refusal_reason(self.files, self.directory, specifier)
        if self.is_allowed(specifier):
            return None
        host = endpoint_of(specifier) or "nowhere"
        return f"is fetched from {host}, which is no configured registry: lock it anew, or add the host to fetch_hosts"

    def _path(self, name: str) -> str:
        return posixpath.normpath(f"{self.directory}/{name}")

    def _text(self, name: str) -> str | None:
        return self.files.text(self._path(name))


def _entries(lock: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield name, text and meaning of all entries. npm's first format has the origin in `version`."""
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


def _yarn(text: str) -> Iterator[_Entry]:
    for found in (*_RESOLVED.finditer(text), *_RESOLUTION.finditer(text)):
        specifier, _, bindings = found["spec"].partition("::")
        archive = _ARCHIVE_URL.search(bindings)
        origin = unquote(archive[1]) if archive else specifier
        if specifier_kind(origin) in ("url", "git") and not _REGISTRY_ARCHIVE.fullmatch(origin):
            yield _Entry(text.count("\n", 0, found.start("spec")) + 1, origin)


def _pnpm(text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.splitlines(), 1):
        resolution = _PNPM_RESOLUTION.search(line)
        for found in _PNPM.finditer(resolution["map"] if resolution else ""):
            yield _Entry(number, _PREFIXES[found["key"]] + found["spec"])


def _unusual_resolutions(text: str) -> Iterator[int]:
    """Yield the lines of resolutions that `_pnpm` may read in another way than pnpm."""
    for number, line in enumerate(text.splitlines(), 1):
        found = _PNPM_RESOLUTION.search(line)
        if found and not re.fullmatch(r" *\{[^\\{}]*\} *", found["map"]):
            yield number
