"""Backend of sandboxes on this machine.

Isolated commands run under bubblewrap. They see the system's programs read-only, the toolchain, and a /build and /tmp
of their own. Their network is a proxy that admits allowed hosts, until it is closed; the host's network is never
shared.

Without isolation (macOS, or Linux without user namespaces) a sandbox only has directories of its own, and ends the
processes that it finds. Crates then have the rights of the user, and the network stays open.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from generator.files.private_directories import create_private_directory
from generator.files.user_cache import cache_directory
from generator.network.registries import Registries, RegistryCache
from generator.sandboxes.contract import SIZES, Resources, SandboxError
from generator.sandboxes.local.hidden_configuration import hidden_configuration
from generator.sandboxes.local.isolation import system_spec
from generator.sandboxes.local.launchers import IsolatedLauncher, PlainLauncher
from generator.sandboxes.local.network_access import NetworkAccess, query_registries
from generator.sandboxes.local.network_environment import NetworkEnvironment, network_environment, npm_registry
from generator.sandboxes.local.process_tree import ProcessTable
from generator.sandboxes.local.sandbox import LocalSandbox
from generator.toolchain.host import HostToolchain


class LocalBackend:
    """Backend that opens sandboxes below `directory` (default: the user's cache); safe to use from many threads.

    Setting `stop` ends all their commands. `environ` supplies the registries, proxies and certificates of the user;
    nothing else of it reaches a sandbox.
    """

    name: Literal["local"] = "local"

    def __init__(
        self,
        toolchain: HostToolchain,
        stop: threading.Event,
        isolation: bool = True,
        directory: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._toolchain, self._stop, self._isolation, self._environ = toolchain, stop, isolation, environ
        self._directory = ((directory or cache_directory(environ)) / "sandboxes").absolute()
        self._process_table = ProcessTable()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._network: NetworkEnvironment | None = None
        self._hidden = hidden_configuration(environ, toolchain.node)
        self._registry_cache = RegistryCache()

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> LocalSandbox:
        """Create a sandbox; InputError when this machine can hold none, SandboxError when this one fails."""
        network = self._network_environment()
        directory = create_private_directory(self._directory, crate)
        launcher = self._launcher(directory.path, self._choose_cpus(resources.cpus), network)
        try:
            launcher.prepare()
        except OSError as error:
            directory.remove()
            raise SandboxError(f"a sandbox cannot be prepared: {error.strerror}") from None
        base_env = {**network.registry_variables, **self._toolchain.variables(self._isolation), **env}
        access = NetworkAccess(directory.path, network, self._isolation, self._registries)
        return LocalSandbox(directory, launcher, resources, base_env, access, self._stop, self._process_table)

    def _registries(self) -> Registries:
        """Query the tools' registries once for all sandboxes, in a sandbox without any crate."""
        return self._registry_cache.get(
            lambda: query_registries(self.open("registries", SIZES["small"], {}), self._network_environment().endpoints)
        )

    def _network_environment(self) -> NetworkEnvironment:
        with self._lock:
            if self._network is None:
                npm = {"npm_config_cafile": self._hidden.npm_certificates or ""}
                self._network = network_environment(
                    {**npm, **self._environ}, npm_registry(self._environ), self._isolation
                )
            return self._network

    def _launcher(
        self, directory: Path, cpus: Sequence[int], network: NetworkEnvironment
    ) -> IsolatedLauncher | PlainLauncher:
        if not self._isolation:
            tools = (self._toolchain.rust / "bin", self._toolchain.node / "bin")
            path = ":".join((*map(str, tools), self._environ.get("PATH", os.defpath)))
            return PlainLauncher(directory, path, cpus)
        system = system_spec()
        spec = replace(
            system,
            binds=(*system.binds, *self._toolchain.binds, *network.certificates),
            links=(*system.links, *self._toolchain.links),
            empty_directories=self._hidden.empty_directories,
            masked_files=self._hidden.masked_files,
        )
        return IsolatedLauncher(directory, spec, self._toolchain.path, cpus)

    def _choose_cpus(self, count: int) -> list[int]:
        """Choose CPUs round-robin, so that small sandboxes do not share the same few."""
        usable = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
        count = min(count, len(usable))
        with self._lock:
            first = next(self._numbers) * count
        return sorted(usable[(first + number) % len(usable)] for number in range(count))
