"""Network access of a local sandbox through its own proxy, until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.proxy import FetchProxy
from generator.network.registries import Registries, parse_registries, registries_script
from generator.network.rules import HostRules, RefusedHost, rules_of
from generator.sandboxes.contract import Command, SandboxError
from generator.sandboxes.local.network_environment import NetworkEnvironment
from generator.sandboxes.local.relay import SOCKET_NAME, with_relay

if TYPE_CHECKING:
    from generator.sandboxes.local.sandbox import LocalSandbox

REGISTRIES_SECONDS: Final = 300
_PROXY_DIRECTORY: Final = "proxy"


class NetworkAccess:
    """Network of one sandbox: a proxy when it is isolated, else the host's network.

    The proxy starts with the first command that uses the network. `registries` queries the tools' registries.
    """

    def __init__(
        self, directory: Path, network: NetworkEnvironment, isolated: bool, registries: Callable[[], Registries]
    ) -> None:
        self._directory, self._network, self._isolated = directory, network, isolated
        self.registries = registries
        self._rules = HostRules(hosts=None)
        self._proxy: FetchProxy | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables that configure programs for the proxy."""
        return self._network.proxy_variables

    def script(self, script: str) -> str:
        """Return a script that first starts the relay to the proxy, where there is one."""
        return with_relay(script) if self._isolated else script

    def allow(self, setting: FetchHosts, named: frozenset[Endpoint]) -> tuple[str, ...] | None:
        """Restrict the proxy to the hosts of a setting and return their names, or None for all hosts."""
        if not self._isolated:
            return None
        return self._apply(rules_of(setting, self.registries().endpoints, named))

    def allow_any_host(self) -> None:
        """Allow every host, private addresses included: only for a sandbox without any source of a crate."""
        self._apply(HostRules(hosts=None, allow_private=True))

    def start_proxy(self) -> Path | None:
        """Start the proxy when it does not run, and return the directory of its socket; None without isolation."""
        if not self._isolated:
            return None
        directory = self._directory / _PROXY_DIRECTORY
        if self._proxy is None:
            directory.mkdir(mode=0o755)
            directory.chmod(0o755)
            self._proxy = FetchProxy(self._rules, self._network.upstreams)
            self._proxy.start(directory / SOCKET_NAME)
        return directory

    def requested_hosts(self) -> frozenset[Endpoint]:
        """Return the hosts that commands requested."""
        return frozenset(self._proxy.requested) if self._proxy else frozenset()

    def refused_hosts(self) -> tuple[RefusedHost, ...] | None:
        """Return the hosts that commands requested and the network rules refused; None without a proxy."""
        return tuple(self._proxy.refused) if self._proxy else None

    def unreachable_hosts(self) -> tuple[str, ...]:
        """Return a sentence for each host that commands could not be connected to."""
        return tuple(self._proxy.unreachable.values()) if self._proxy else ()

    def close(self) -> None:
        """Close all connections and the proxy."""
        if self._proxy:
            self._proxy.close()

    def _apply(self, rules: HostRules) -> tuple[str, ...] | None:
        self._rules = rules
        if self._proxy:
            self._proxy.rules = rules
        if rules.hosts is None:
            return None
        return tuple(sorted({*rules.hosts, *(each.host for each in rules.configured | rules.from_source)}))


def query_registries(sandbox: LocalSandbox, known: frozenset[Endpoint]) -> Registries:
    """Query the tools' registries in a new sandbox, kill it, and add the `known` endpoints.

    A host that cargo requests without success counts as one. SandboxError when the query is killed.
    """
    lines: list[str] = []
    try:
        sandbox.allow_any_host()
        result = sandbox.run(Command(registries_script(), sandbox.root, REGISTRIES_SECONDS), lines.append)
        if result.killed:
            raise SandboxError(f"cargo and npm cannot be asked for their registries: {result.killed}")
        return parse_registries("\n".join(lines), known | sandbox.requested_hosts())
    finally:
        sandbox.kill()
