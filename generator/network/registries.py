"""Registries that the tools of a sandbox use by their own configuration."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from generator.network.endpoints import Endpoint, endpoint_of
from generator.scripts import script

MAX_ENDPOINTS: Final = 50
# Queries to tools that give no complete answer.
MAX_QUERIES: Final = 3


@dataclass(frozen=True)
class Registries:
    """Registries of the tools.

    `endpoints` are all of them, and `npm` those of npm, yarn and pnpm. `cargo_sources` are Cargo's registries as
    Cargo.lock names them. `complete` says whether Cargo's download host is known.
    """

    endpoints: frozenset[Endpoint] = frozenset()
    npm: frozenset[Endpoint] = frozenset()
    cargo_sources: frozenset[str] = frozenset()
    complete: bool = False


class RegistryCache:
    """Registries of a backend, which are the same in all its sandboxes and are queried once."""

    def __init__(self) -> None:
        self._lock, self._queries_left = threading.Lock(), MAX_QUERIES
        self._found = Registries()

    def get(self, query: Callable[[], Registries]) -> Registries:
        """Return the known registries. Queries again while they are incomplete, at most MAX_QUERIES times."""
        with self._lock:
            if not self._found.complete and self._queries_left > 0:
                self._queries_left -= 1
                self._found = query()
            return self._found


def registries_script() -> str:
    """Return the script that asks the tools of a sandbox for their registries."""
    return script("registries.sh")


def parse_registries(output: str, more: Iterable[Endpoint] = ()) -> Registries:
    """Return the registries in the script's output, and `more`. Anything but an http or https URL is ignored."""
    cargo, packages, sources = list[str](), list[str](), set[str]()
    complete = False
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "index":
            cargo.append(rest)
        elif kind == "cargo":
            found = _texts(rest, ("dl", "api"))
            complete, cargo = complete or bool(found), [*cargo, *found]
        elif kind == "crates":
            sources |= _sources(rest)
        elif kind == "npm":
            packages += _texts(rest, ())
        elif kind == "usual":
            packages.append(rest)
    npm = _endpoints(packages)
    endpoints = sorted(_endpoints(cargo) | npm | frozenset(more))[:MAX_ENDPOINTS]
    return Registries(frozenset(endpoints), npm.intersection(endpoints), frozenset(sources), complete)


def _endpoints(urls: Iterable[str]) -> frozenset[Endpoint]:
    return frozenset(found for url in urls if (found := endpoint_of(url.strip())))


def _texts(text: str, keys: tuple[str, ...]) -> list[str]:
    """Return the values of a JSON object's keys; without keys, of those that name npm's registries."""
    data = _parsed(text)
    wanted = keys or tuple(key for key in data if key == "registry" or key.endswith(":registry"))
    return [data[key] for key in wanted if isinstance(data.get(key), str)]


def _sources(text: str) -> set[str]:
    packages = _parsed(text).get("packages")
    if not isinstance(packages, list) or not packages or not isinstance(packages[0], dict):
        return set()
    dependencies = packages[0].get("dependencies")
    named = [each.get("source") for each in dependencies or () if isinstance(each, dict)]
    return {each for each in named if isinstance(each, str)}


def _parsed(text: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
