"""The user's own proxy, which the fetch proxy connects through."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

from generator.errors import InputError
from generator.network.endpoints import Endpoint, endpoint_of

_NAMES: Final = ("http", "https", "all", "no")


@dataclass(frozen=True)
class UpstreamProxy:
    """A proxy; `secure` says that connections to it use TLS."""

    endpoint: Endpoint
    secure: bool = False
    authorization: str | None = None


@dataclass(frozen=True)
class UpstreamProxies:
    """The user's proxies for http and https. `no_proxy` are the hosts that need none, as in NO_PROXY."""

    http: UpstreamProxy | None = None
    https: UpstreamProxy | None = None
    no_proxy: str = ""

    def proxy_for(self, endpoint: Endpoint, secure: bool) -> UpstreamProxy | None:
        """Return the proxy for an endpoint, or None for a direct connection."""
        direct = proxy_bypass_environment(f"{endpoint.host}:{endpoint.port}", {"no": self.no_proxy})
        return None if direct else self.https if secure else self.http


def upstream_proxies(environ: Mapping[str, str]) -> UpstreamProxies:
    """Read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, lower case first; InputError for any other protocol."""
    values = {name: environ.get(f"{name}_proxy") or environ.get(f"{name}_proxy".upper()) or "" for name in _NAMES}
    http, https = (_upstream(values[name] or values["all"]) for name in ("http", "https"))
    return UpstreamProxies(http, https, values["no"])


def _upstream(url: str) -> UpstreamProxy | None:
    if not url:
        return None
    full = url if "://" in url else f"http://{url}"
    endpoint = endpoint_of(full)
    if endpoint is None:
        scheme = full.partition(":")[0]
        raise InputError(f"a sandbox cannot connect through a proxy of {scheme}", fix="set HTTPS_PROXY to an http one")
    parts = urlsplit(full)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    basic = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
    return UpstreamProxy(endpoint, parts.scheme == "https", basic)
