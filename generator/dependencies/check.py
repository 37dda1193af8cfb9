"""Check of all dependencies that a source declares: the refused ones, and the hosts that the others need."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from generator.cargo.configuration import CargoConfiguration
from generator.cargo.configuration_files import read_configuration
from generator.cargo.directories import ancestors
from generator.dependencies import cargo, npm
from generator.dependencies.files import DependencyFiles
from generator.dependencies.locks import LockFiles
from generator.dependencies.refusal import Refusal
from generator.manifest.values import FetchHosts
from generator.network.addresses import address_kind, literal_address
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.hosts import allowed_hosts, matches
from generator.network.registries import Registries
from generator.npm.files import PNPM_WORKSPACE, strings
from generator.npm.projects import NpmProject

# Setting of a registry in the configuration of npm, yarn 1 and later yarns, by https alone.
_REGISTRY: Final = re.compile(
    r"^\s*\"?(?:@[a-z0-9._-]+:)?(?:registry|npmRegistryServer)\"?(?:\s*[=:]\s*|\s+)[\"']?(https://[A-Za-z0-9./:_-]+)",
    re.MULTILINE,
)
_CONFIGURATION: Final = (".npmrc", ".yarnrc", ".yarnrc.yml")


@dataclass(frozen=True)
class DependencySources:
    """A crate's source, and the registries that its dependencies may come from.

    `directory` is that in which the crate's commands run, and `workspace` that of its Cargo workspace, both from the
    source's top. `project` is None for a crate without npm packages. `setting` is fetch_hosts.
    """

    files: DependencyFiles
    directory: str
    workspace: str
    project: NpmProject | None
    registries: Registries
    setting: FetchHosts

    @property
    def configuration(self) -> CargoConfiguration:
        """The source's configuration of Cargo."""
        return read_configuration(self.directory, self.files.text)

    def endpoints(self) -> frozenset[Endpoint]:
        """Return the registries of the source's own configuration, and the hosts of locked git dependencies."""
        registries = cargo.configured_endpoints(self.configuration)
        return self._configured() | registries | cargo.git_endpoints(self.files, self.workspace)

    def refusals(self) -> Iterator[Refusal]:
        """Yield the refused dependencies, in the order of their files."""
        yield from cargo.configuration_refusals(self.files, self.workspace, self.configuration)
        configured = self.registries.endpoints | cargo.configured_endpoints(self.configuration)
        yield from cargo.refusals(self.files, self.workspace, replace(self.registries, endpoints=configured))
        if self.project is None:
            return
        yield from npm.settings_refusals(self.files, self.project)
        for each in npm.projects(self.files, self.project):
            yield from npm.refusals(self.files, each)
            yield from LockFiles(self.files, each, self._is_allowed).refusals()

    def _is_allowed(self, url: str) -> bool:
        endpoint = endpoint_of(url)
        if endpoint is None:
            return False
        if endpoint in self.registries.npm:
            return True
        literal = literal_address(endpoint.host)
        if endpoint.host == "localhost" or (literal and address_kind(literal)):
            return False
        hosts = allowed_hosts(self.setting, ())
        return endpoint in self._configured() or hosts is None or any(matches(endpoint.host, each) for each in hosts)

    def _configured(self) -> frozenset[Endpoint]:
        lines = (url for text in self._texts() for url in _REGISTRY.findall(text))
        return frozenset(found for url in (*lines, *self._pnpm_registries()) if (found := endpoint_of(url)))

    def _pnpm_registries(self) -> list[str]:
        """Return the registries in pnpm-workspace.yaml, by https alone."""
        if self.project is None:
            return []
        values = self.files.repository_files().settings(self.project.directory, PNPM_WORKSPACE)
        urls = [values.get("registry"), *strings(values, "registries").values()]
        return [url for url in urls if isinstance(url, str) and re.fullmatch(r"https://[A-Za-z0-9./:_-]+", url)]

    def _texts(self) -> Iterable[str]:
        if self.project is None:
            return []
        directories = (self.project.package, *ancestors(self.project.package))
        paths = (posixpath.normpath(f"{each}/{name}") for each in directories for name in _CONFIGURATION)
        return [text for path in paths if (text := self.files.text(path))]
