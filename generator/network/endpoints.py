"""Endpoints: hosts with ports, as URLs of registries name them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

PORTS: Final = {"http": 80, "https": 443}
# Names in a private network, such as those of containers, may have underscores.
_HOST: Final = re.compile(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_PREFIX: Final = re.compile(r"^([a-z]+\+)+(?=https?:)")


class Endpoint(NamedTuple):
    """A host in lower case, and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        """The host, with its port unless that is 80 or 443."""
        return self.host if self.port in PORTS.values() else f"{self.host}:{self.port}"


def endpoint_of(url: str) -> Endpoint | None:
    """Return the endpoint of an http or https URL, or None for anything else. A prefix such as `sparse+` is ignored."""
    try:
        parts = urlsplit(_PREFIX.sub("", url))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not _HOST.fullmatch(host):
        return None
    return Endpoint(host, port or PORTS[parts.scheme])
