"""Files of a repository that decide how npm packages are installed, and the values in them."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode

from generator.cargo.directories import parent
from generator.errors import InputError

PACKAGE_JSON: Final = "package.json"
PNPM_WORKSPACE: Final = "pnpm-workspace.yaml"
YARNRC: Final = ".yarnrc.yml"

NPM_LOCKS: Final = ("npm-shrinkwrap.json", "package-lock.json")
PNPM_LOCK: Final = "pnpm-lock.yaml"
YARN_LOCK: Final = "yarn.lock"
LOCK_FILES: Final = (*NPM_LOCKS, PNPM_LOCK, YARN_LOCK)
# The files that say which manager installs a package's dependencies, and where.
PROJECT_FILES: Final = frozenset((PACKAGE_JSON, PNPM_WORKSPACE, YARNRC, *LOCK_FILES))

# ruamel.yaml raises the others for values that its resolver takes for numbers or dates.
_NO_YAML: Final = (YAMLError, ValueError, OverflowError, RecursionError, LookupError, AttributeError, TypeError)

# Characters of a settings file in YAML: those of the largest workspaces have a tenth of it.
MAX_SETTINGS: Final = 64 * 1024


@dataclass(frozen=True)
class RepositoryFiles:
    """Paths of a repository's files, without links, and the function that reads one of them."""

    paths: frozenset[str]
    read: Callable[[str], str]

    def text(self, directory: str, name: str) -> str | None:
        """Return the text of a file, or None when there is none."""
        path = join(directory, name)
        return self.read(path) if path in self.paths else None

    def has(self, directory: str, name: str) -> bool:
        """Return True if a directory has a file."""
        return join(directory, name) in self.paths

    def package_json(self, directory: str) -> Mapping[str, Any]:
        """Return a directory's package.json; empty when there is none, or when it is no JSON object."""
        return parse_json(self.text(directory, PACKAGE_JSON))

    def name(self, directory: str) -> str:
        """Return the name in a directory's package.json, or "" without one."""
        name = self.package_json(directory).get("name")
        return name if isinstance(name, str) else ""

    def settings(self, directory: str, name: str) -> Mapping[str, Any]:
        """Return a manager's settings in YAML; empty when there are none, or when `parse_settings` cannot read them."""
        text = self.text(directory, name) or ""
        if len(text) > MAX_SETTINGS:
            raise InputError(f"{join(directory, name)} is larger than {MAX_SETTINGS // 1024} KiB")
        return parse_settings(text) or {}

    @cached_property
    def package_directories(self) -> tuple[str, ...]:
        """Directories with a package.json, sorted; none in node_modules."""
        found = (parent(path) for path in self.paths if posixpath.basename(path) == PACKAGE_JSON)
        return tuple(sorted(each for each in found if "node_modules" not in each.split("/")))


def join(directory: str, name: str) -> str:
    """Return the path of a file of a directory, both from the repository's top."""
    return posixpath.normpath(f"{directory}/{name}")


def parse_json(text: str | None) -> Mapping[str, Any]:
    """Return a JSON object; empty for anything else."""
    try:
        data: Any = json.loads((text or "").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object among an object's values; empty for anything else."""
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def strings(values: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the strings in an object among an object's values."""
    return {name: each for name, each in table(values, key).items() if isinstance(name, str) and isinstance(each, str)}


def compose_settings(text: str) -> MappingNode | None:
    """Return the nodes of settings in YAML, or None for text that is no mapping.

    Anchors, aliases and tags are not read: they expand a small file, and mean something else to other readers.
    """
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
                return None
        node: Any = YAML(typ="safe", pure=True).compose(text)
    except _NO_YAML:
        return None
    node = MappingNode("tag:yaml.org,2002:map", []) if node is None else node
    return node if isinstance(node, MappingNode) else None


@lru_cache(maxsize=64)
def parse_settings(text: str) -> Mapping[str, Any] | None:
    """Return the values of settings in YAML; None for text that is no mapping, as in `compose_settings`."""
    if compose_settings(text) is None:
        return None
    try:
        data: Any = YAML(typ="safe", pure=True).load(text)
    except _NO_YAML:
        return None
    return data if isinstance(data, dict) else {}
