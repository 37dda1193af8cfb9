"""Hosts with their ports, as addresses of registries name them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

PORTS: Final = {"http": 80, "https": 443}
# Names within a network, such as those of containers, may have underscores.
_HOST: Final = re.compile(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_PREFIX: Final = re.compile(r"^([a-z]+\+)+(?=https?:)")


class Endpoint(NamedTuple):
    """A host, in lower case, and a port of it."""

    host: str
    port: int

    def __str__(self) -> str:
        """The host as messages name it: with its port where that is not the usual one."""
        return self.host if self.port in PORTS.values() else f"{self.host}:{self.port}"


def endpoint_of(url: str) -> Endpoint | None:
    """Return where an http or https URL points to, None for anything else; `sparse+` and the like are passed over."""
    try:
        parts = urlsplit(_PREFIX.sub("", url))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not _HOST.fullmatch(host):
        return None
    return Endpoint(host, port or PORTS[parts.scheme])
