"""Hosts that a setting allows, and the host that a failed fetch could not reach."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from generator.manifest.values import FetchHosts
from generator.network.endpoints import endpoint_of

_URL: Final = re.compile(r"https?://[^\s'\"`<>()\[\]]+")
_NAMED: Final = re.compile(r"(?:resolve host:?|ENOTFOUND|EAI_AGAIN|connect to)\s+'?([A-Za-z0-9.-]+)", re.IGNORECASE)


def allowed_hosts(setting: FetchHosts, auto: Iterable[str]) -> tuple[str, ...] | None:
    """Return the only hosts that a setting allows, or None for all. The word auto stands for the hosts `auto`."""
    if setting == "open":
        return None
    words = (setting,) if isinstance(setting, str) else setting
    known = tuple(auto)
    return tuple(dict.fromkeys(host for word in words for host in (known if word == "auto" else (word,))))


def matches(host: str, rule: str) -> bool:
    """Return True if a rule allows a host. A rule is a host's name, or `*.` and a domain."""
    return host.endswith(rule[1:]) if rule.startswith("*.") else host == rule


def refused_host(lines: Iterable[str], allowed: tuple[str, ...]) -> str | None:
    """Return the last host in a failed fetch's output that is not allowed, or None."""
    for line in reversed(list(lines)):
        urls = [found.host for url in _URL.findall(line) if (found := endpoint_of(url))]
        for host in (*urls, *_NAMED.findall(line)):
            name = host.lower().rstrip(".")
            if "." in name and not any(matches(name, rule) for rule in allowed):
                return str(name)
    return None
