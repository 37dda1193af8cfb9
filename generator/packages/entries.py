"""The files that package.json names: every path that Node, npm, TypeScript or a bundler follows; pure.

The keys: https://nodejs.org/api/packages.html, https://docs.npmjs.com/cli/configuring-npm/package-json, and
https://www.typescriptlang.org/docs/handbook/declaration-files/publishing.html. Commands are checked elsewhere.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from generator.errors import Unbuildable

# Entries of Node and of bundlers, which add these suffixes and look for an index in a directory.
_MODULES: Final = ("main", "module", "browser", "react-native", "jsnext:main", "unpkg", "jsdelivr")
_MODULE_SUFFIXES: Final = ("", ".js", ".json", ".node", ".mjs", ".cjs")
_TYPES: Final = ("types", "typings")
_TYPE_SUFFIXES: Final = ("", ".d.ts", ".ts", ".tsx", ".d.mts", ".d.cts")
_FILES: Final = ("man", "style", "sass", "less")
# Objects that replace modules for browsers; a value without a dot is another package.
_REPLACEMENTS: Final = ("browser", "react-native")
# Conditions that some tool sets by itself. Other ones, such as `source`, are for the package's own developers.
_CONDITIONS: Final = frozenset(
    ("browser", "bun", "default", "deno", "development", "edge-light", "electron", "import", "module",
     "module-sync", "node", "node-addons", "production", "react-native", "require", "sass", "script", "style",
     "types", "webpack", "worker", "workerd")
)  # fmt: skip
# Levels of an object in package.json; real ones have five.
_MAX_DEPTH: Final = 32


@dataclass(frozen=True)
class _Promise:
    """A path in package.json, the words before its key in a message, and the suffixes that its readers add."""

    path: str
    place: str
    suffixes: tuple[str, ...] = ("",)

    def is_kept(self, paths: Collection[str]) -> bool:
        """Return True if the package has a file for it; * stands for any text, and a / at the end for any file.

        Node puts the same text in place of each *.
        """
        inside = posixpath.normpath(self.path)
        before, star, after = inside.partition("*")
        if star:
            rest = "\\1".join(re.escape(part) for part in after.split("*"))
            ends = "|".join(re.escape(suffix) for suffix in self.suffixes)
            pattern = re.compile(f"{re.escape(before)}(.*){rest}(?:{ends})", re.DOTALL)
            return any(pattern.fullmatch(each) for each in paths)
        if self.suffixes == ("",):
            return inside in paths or (self.path.endswith("/") and any(each.startswith(f"{inside}/") for each in paths))
        index = "index" if inside == "." else f"{inside}/index"
        return any(f"{name}{suffix}" in paths for name in (inside, index) for suffix in self.suffixes)


def check_entries(declared: dict[str, Any], paths: Collection[str]) -> None:
    """Raise Unbuildable for the first path of package.json without a file in the package; it has a package.json."""
    present = {*paths, "package.json"}
    for promise in _promises(declared):
        if not promise.is_kept(present):
            raise Unbuildable(
                f"package.json names {promise.path[:200]} {promise.place}, but the build did not create it"
            )
    if "main" not in declared and "exports" not in declared and "index.js" not in paths:
        raise Unbuildable("package.json has no main, and there is no index.js")


def browser_entries(declared: dict[str, Any]) -> frozenset[str]:
    """Return the paths that bundlers for browsers alone follow: those of `browser`, wherever it is."""
    found = [*_targets(declared.get("browser"), every_key=True)]
    for key in ("exports", "imports"):
        found += _targets(declared.get(key), every_key=True, below="browser")
    return frozenset(map(posixpath.normpath, found))


def without_targets(value: Any, gone: Collection[str], depth: int = 0) -> Any:
    """Return a value of `exports` or `browser` without the paths in `gone`; None if nothing is left."""
    if isinstance(value, str):
        return None if posixpath.normpath(value) in gone else value
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [left for each in value if (left := without_targets(each, gone, depth + 1)) is not None] or None
    left = {key: without_targets(each, gone, depth + 1) for key, each in value.items()}
    return {key: each for key, each in left.items() if each is not None or value[key] is None} or None


def _promises(declared: dict[str, Any]) -> Iterator[_Promise]:
    for keys, suffixes in ((_MODULES, _MODULE_SUFFIXES), (_TYPES, _TYPE_SUFFIXES), (_FILES, ("",))):
        for key in keys:
            for path in _strings(declared.get(key)):
                yield _Promise(path, f"as its {key}", suffixes)
    for key in _REPLACEMENTS:
        table = declared.get(key)
        for path in table.values() if isinstance(table, dict) else ():
            if isinstance(path, str) and path.startswith("."):
                yield _Promise(path, f"in its {key}", _MODULE_SUFFIXES)
    for path in _targets(declared.get("typesVersions"), every_key=True):
        yield _Promise(path, "in its typesVersions", _TYPE_SUFFIXES)
    for path in _targets(declared.get("exports")):
        if not path.startswith("./"):
            raise Unbuildable(f"package.json names {path[:200]} in its exports, which Node refuses: begin it with ./")
        yield _Promise(path, "in its exports")
    for path in _targets(declared.get("imports")):
        if path.startswith("."):
            yield _Promise(path, "in its imports")


def _strings(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str) and each]


def _targets(value: Any, *, every_key: bool = False, below: str | None = None) -> Iterator[str]:
    """Yield the paths in `exports`, `imports` or `typesVersions`: below every key, or the keys that some tool follows.

    With `below`, yield only the paths below this key. It does not recurse, because the nesting is hostile.
    """
    waiting = [(value, below is None)]
    while waiting:
        match waiting.pop():
            case (str(path), True):
                yield path
            case (list(several), inside):
                waiting += [(each, inside) for each in reversed(several)]
            case (dict(table), inside):
                followed = [(key, each) for key, each in reversed(table.items()) if every_key or _is_followed(key)]
                waiting += [(each, inside or key == below) for key, each in followed]


def _is_followed(key: str) -> bool:
    """Return True for a subpath, and for a condition that some tool sets by itself."""
    return key.startswith((".", "#", "types@")) or key in _CONDITIONS
