"""The way that leads from a sandbox of this machine to the network, until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.registries import Registries, parse_registries, registries_script
from generator.network.rules import HostRules, RefusedHost, rules_of
from generator.sandboxes.contract import Command, SandboxError
from generator.sandboxes.local.network_environment import NetworkEnvironment
from generator.sandboxes.local.relay import SOCKET_NAME, with_relay

if TYPE_CHECKING:
    from generator.network.proxy import FetchProxy
    from generator.sandboxes.local.backend import LocalSandbox

ASK_SECONDS: Final = 300


class NetworkAccess:
    """A proxy for the sandbox in `place`, where it is isolated; without isolation, the host's own network.

    The proxy starts with the first command that wants it. `registries` asks what the tools point to.
    """

    def __init__(
        self, place: Path, beyond: NetworkEnvironment, isolated: bool, registries: Callable[[], Registries]
    ) -> None:
        self._place, self._beyond, self._isolated, self.registries = place, beyond, isolated, registries
        self._rules = HostRules(hosts=None)
        self._proxy: FetchProxy | None = None

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells programs of it."""
        return self._beyond.proxy_variables

    def script(self, script: str) -> str:
        """Return a script with what makes the way usable before it."""
        return with_relay(script) if self._isolated else script

    def allow(self, setting: FetchHosts, named: frozenset[Endpoint]) -> tuple[str, ...] | None:
        """Keep it to what a setting allows; returns the hosts' names, None for all."""
        if not self._isolated:
            return None
        return self._keep_to(rules_of(setting, self.registries().endpoints, named))

    def trust(self) -> None:
        """Lead anywhere, for a sandbox that nothing of a source has come into."""
        self._keep_to(HostRules(hosts=None, allow_private=True))

    def directory(self) -> Path | None:
        """Return where the proxy listens, which is started when it has not been; None without isolation."""
        if not self._isolated:
            return None
        directory = self._place / "way"
        if self._proxy is None:
            from generator.network.proxy import FetchProxy

            directory.mkdir(mode=0o755)
            directory.chmod(0o755)
            self._proxy = FetchProxy(self._rules, self._beyond.upstreams)
            self._proxy.start(directory / SOCKET_NAME)
        return directory

    def asked(self) -> frozenset[Endpoint]:
        """Hosts that were asked for."""
        return frozenset(self._proxy.requested) if self._proxy else frozenset()

    def refused(self) -> tuple[RefusedHost, ...]:
        """Hosts that were asked for and not reached."""
        return tuple(self._proxy.refused) if self._proxy else ()

    def close(self) -> None:
        """End all connections."""
        if self._proxy:
            self._proxy.close()

    def _keep_to(self, rules: HostRules) -> tuple[str, ...] | None:
        self._rules = rules
        if self._proxy:
            self._proxy.rules = rules
        if rules.hosts is None:
            return None
        return tuple(sorted({*rules.hosts, *(each.host for each in rules.configured | rules.from_source)}))


def ask_registries(sandbox: LocalSandbox, more: frozenset[Endpoint]) -> Registries:
    """Ask the tools in a new sandbox what they point to, and end it; `more` is known already.

    A host that cargo asks for and does not reach is known all the same. SandboxError when it was ended before.
    """
    lines: list[str] = []
    try:
        sandbox.trust()
        done = sandbox.run(Command(registries_script(), sandbox.root, ASK_SECONDS), lines.append)
        if done.killed:
            raise SandboxError(f"cargo and npm cannot be asked for their registries: {done.killed}")
        return parse_registries("\n".join(lines), more | sandbox.requested_hosts())
    finally:
        sandbox.kill()
