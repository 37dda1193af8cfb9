"""Which hosts a setting allows, and which one a failed fetch wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from generator.manifest.values import FetchHosts
from generator.network.endpoints import endpoint_of

_URL: Final = re.compile(r"https?://[^\s'\"`<>()\[\]]+")
_NAMED: Final = re.compile(r"(?:resolve host:?|ENOTFOUND|EAI_AGAIN|connect to)\s+'?([A-Za-z0-9.-]+)", re.IGNORECASE)


def allowed_hosts(setting: FetchHosts, auto: Iterable[str]) -> tuple[str, ...] | None:
    """Return the only hosts that a setting allows, with `auto` for that word; None for all."""
    if setting == "open":
        return None
    words = (setting,) if isinstance(setting, str) else setting
    meant = tuple(auto)
    return tuple(dict.fromkeys(host for word in words for host in (meant if word == "auto" else (word,))))


def matches(host: str, rule: str) -> bool:
    """Whether a rule, a host's name or `*.` and the name above, allows a host."""
    return host.endswith(rule[1:]) if rule.startswith("*.") else host == rule


def refused_host(lines: Iterable[str], allowed: tuple[str, ...]) -> str | None:
    """Return the host that a failed fetch spoke of and could not reach because it is not allowed, or None."""
    for line in reversed(list(lines)):
        urls = [found.host for url in _URL.findall(line) if (found := endpoint_of(url))]
        for host in (*urls, *_NAMED.findall(line)):
            name = host.lower().rstrip(".")
            if "." in name and not any(matches(name, rule) for rule in allowed):
                return str(name)
    return None
