"""Crates of addons whose package.json is in another directory: the scripts that call napi's command line name them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from generator.cargo.directories import parent, resolve_path
from generator.cargo.manifests import Manifests
from generator.discovery.package_json import PackageJson

# Options of versions 2 and 3 of napi's command line: for a working directory, Cargo.toml, and a package of a workspace.
_DIRECTORY: Final = ("--cwd", "--cargo-cwd")
_MANIFEST: Final = ("--manifest-path",)
_CRATE: Final = ("--package", "-p", "--cargo-name")


def crates_named_by_scripts(packages: Mapping[str, PackageJson], manifests: Manifests) -> dict[str, str]:
    """Return the directories of package.json files, by the directory of the crate that their scripts build.

    Of two files for one crate, the one with a `napi` key is returned.
    """
    by_name = {manifest.package.name: each for each, manifest in manifests.items() if manifest.package}
    found: dict[str, str] = {}
    for directory, package in sorted(packages.items(), key=lambda each: each[1].napi is None):
        for words, place in _napi_builds(directory, package):
            crate = _crate(words, place, by_name)
            if crate in manifests and manifests[crate].package is not None:
                found.setdefault(crate, directory)
    return found


def _napi_builds(directory: str, package: PackageJson) -> Iterator[tuple[list[str], str]]:
    """Yield the arguments of each call of `napi build`, and the directory in which a script makes it."""
    scripts = package.scripts if isinstance(package.scripts, dict) else {}
    for script in scripts.values():
        place: str | None = directory
        for words in _commands(script) if isinstance(script, str) and "napi" in script else ():
            if words[0] == "cd":
                place = resolve_path(place, words[-1]) if place is not None else None
            start = next((at for at, pair in enumerate(pairwise(words)) if pair == ("napi", "build")), None)
            if start is not None and place is not None:
                yield [word for each in words[start + 2 :] for word in each.split("=", 1)], place


def _commands(script: str) -> Iterator[list[str]]:
    """Yield the words of each command in a script; a quoted part is one word."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in lexer:
            if word.strip(";&|"):
                words.append(word)
            elif words:
                yield words
                words = []
    except ValueError:  # a quotation without an end
        return
    if words:
        yield words


def _crate(words: list[str], place: str, by_name: Mapping[str, str]) -> str:
    """Return the directory of the crate that the arguments of `napi build` select, "" for none."""
    options = [(name, value) for name, value in pairwise(words) if name.startswith("-")]
    if named := next((value for name, value in options if name in _CRATE), None):
        return by_name.get(named, "")
    base = next((value for name, value in options if name in _DIRECTORY), ".")
    manifest = next((value for name, value in options if name in _MANIFEST), "Cargo.toml")
    path = resolve_path(place, f"{base}/{manifest}")
    return "" if path is None else parent(path)
