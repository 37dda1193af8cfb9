"""All that a source says of where its dependencies come from: what is refused, and which hosts it needs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from generator.cargo.directories import upwards
from generator.dependencies import cargo, npm
from generator.dependencies.files import DependencyFiles
from generator.dependencies.locks import LockFiles
from generator.dependencies.refusal import Refusal
from generator.manifest.values import FetchHosts
from generator.network.addresses import address_kind, literal_address
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.hosts import allowed_hosts, matches
from generator.network.registries import Registries

# Of npm, of yarn's first and later versions: what names a registry, by https alone.
_REGISTRY: Final = re.compile(
    r"^\s*\"?(?:@[a-z0-9._-]+:)?(?:registry|npmRegistryServer)\"?(?:\s*[=:]\s*|\s+)[\"']?(https://[A-Za-z0-9./:_-]+)",
    re.MULTILINE,
)
_CONFIGURATION: Final = (".npmrc", ".yarnrc", ".yarnrc.yml")


@dataclass(frozen=True)
class DependencySources:
    """A crate's source, and what may be asked for it.

    `directory` is the crate's and `workspace` its Cargo workspace's, from the source's top. `addon` says that npm
    installs what its package.json names.
    """

    files: DependencyFiles
    directory: str
    workspace: str
    uses_npm: bool
    registries: Registries
    setting: FetchHosts

    def endpoints(self) -> frozenset[Endpoint]:
        """Return the registries that the source's own configuration names, and the hosts of locked git dependencies."""
        own = self._configured() if self.uses_npm else frozenset()
        return own | cargo.git_endpoints(self.files, self.workspace)

    def refusals(self) -> Iterator[Refusal]:
        """What is not fetched, in the order of its files."""
        yield from cargo.refusals(self.files, self.workspace, self.registries)
        for each in npm.projects(self.files, self.directory) if self.uses_npm else ():
            yield from npm.refusals(self.files, each)
            yield from LockFiles(self.files, each, self._in_force).refusals()

    def _in_force(self, url: str) -> bool:
        where = endpoint_of(url)
        if where is None:
            return False
        if where in self.registries.npm:
            return True
        literal = literal_address(where.host)
        if where.host == "localhost" or (literal and address_kind(literal)):
            return False
        named = allowed_hosts(self.setting, ())
        return where in self._configured() or named is None or any(matches(where.host, each) for each in named)

    def _configured(self) -> frozenset[Endpoint]:
        return frozenset(
            found for text in self._texts() for url in _REGISTRY.findall(text) if (found := endpoint_of(url))
        )

    def _texts(self) -> Iterable[str]:
        around = (self.directory, *upwards(self.directory))
        paths = (posixpath.normpath(f"{each}/{name}") for each in around for name in _CONFIGURATION)
        return [text for path in paths if (text := self.files.text(path))]
