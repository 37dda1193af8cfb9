"""Rules by name for the hosts and ports that a sandbox may reach."""

from __future__ import annotations

from dataclasses import dataclass

from generator.manifest.values import FetchHosts
from generator.network.endpoints import PORTS, Endpoint
from generator.network.hosts import matches


@dataclass(frozen=True)
class HostRules:
    """Rules while dependencies are fetched.

    `configured` are registries of the user's and the tools' own configuration, which may have private addresses.
    `from_source` are registries that the source names. `hosts` may be reached at ports 80 and 443; None stands for any
    host at any port. `allow_private` is for a sandbox without any source: all its hosts may have private addresses.
    """

    configured: frozenset[Endpoint] = frozenset()
    from_source: frozenset[Endpoint] = frozenset()
    hosts: tuple[str, ...] | None = ()
    allow_private: bool = False

    def allows(self, endpoint: Endpoint) -> bool:
        """Return True if the sandbox may connect to an endpoint, by its name."""
        if self.hosts is None or endpoint in self.configured or endpoint in self.from_source:
            return True
        return endpoint.port in PORTS.values() and any(matches(endpoint.host, each) for each in self.hosts)

    def may_be_private(self, endpoint: Endpoint) -> bool:
        """Return True if an endpoint may have a private address."""
        return self.allow_private or endpoint in self.configured


@dataclass(frozen=True)
class RefusedHost:
    """A host that the proxy refused: by name, or for another `reason`."""

    host: str
    reason: str | None = None

    @property
    def sentence(self) -> str:
        """The end of a sentence: the host, the reason and the fix."""
        return f"{self.host}, which {self.reason or 'fetch_hosts does not allow: add it'}"


def rules_of(setting: FetchHosts, configured: frozenset[Endpoint], from_source: frozenset[Endpoint]) -> HostRules:
    """Return the rules of a setting. The word auto stands for `configured` and `from_source`."""
    if setting == "open":
        return HostRules(configured, hosts=None)
    words = (setting,) if isinstance(setting, str) else setting
    hosts = tuple(word for word in words if word != "auto")
    if "auto" in words:
        return HostRules(configured, from_source, hosts)
    allowed = frozenset(each for each in configured if any(matches(each.host, host) for host in hosts))
    return HostRules(allowed, hosts=hosts)
