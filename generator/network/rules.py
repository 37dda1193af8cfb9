"""Which hosts and ports a sandbox may reach, decided by name."""

from __future__ import annotations

from dataclasses import dataclass

from generator.manifest.values import FetchHosts
from generator.network.endpoints import PORTS, Endpoint
from generator.network.hosts import matches


@dataclass(frozen=True)
class HostRules:
    """What may be reached while dependencies are fetched.

    `own` are the registries that the user's and the tools' own configuration names, which may be at private addresses,
    and `named` those that the source names. `hosts` may be reached at the usual ports; None stands for any host at any
    port. `trusting` is for a sandbox that nothing of a source has come into: to it, any host is one's own.
    """

    configured: frozenset[Endpoint] = frozenset()
    from_source: frozenset[Endpoint] = frozenset()
    hosts: tuple[str, ...] | None = ()
    allow_private: bool = False

    def allows(self, where: Endpoint) -> bool:
        """Whether a connection may be tried."""
        if self.hosts is None or where in self.configured or where in self.from_source:
            return True
        return where.port in PORTS.values() and any(matches(where.host, each) for each in self.hosts)

    def may_be_private(self, where: Endpoint) -> bool:
        """Whether it may be at a private address."""
        return self.allow_private or where in self.configured


@dataclass(frozen=True)
class RefusedHost:
    """A host that was asked for and not reached: because it is not allowed, or for the reason `why`."""

    host: str
    reason: str | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and how to mend it, to follow on what needed the host."""
        return f"{self.host}, which {self.reason or 'fetch_hosts does not allow: add it'}"


def rules_of(setting: FetchHosts, own: frozenset[Endpoint], named: frozenset[Endpoint]) -> HostRules:
    """Return what a setting allows; `own` and `named` are what it means by `auto`."""
    if setting == "open":
        return HostRules(own, hosts=None)
    words = (setting,) if isinstance(setting, str) else setting
    hosts = tuple(word for word in words if word != "auto")
    if "auto" in words:
        return HostRules(own, named, hosts)
    return HostRules(frozenset(each for each in own if any(matches(each.host, host) for host in hosts)), hosts=hosts)
