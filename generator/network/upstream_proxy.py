"""The user's own proxy, where there is one: what a sandbox asks for is then asked of that."""

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
    """A proxy to go through; `secure` says that it is spoken to by TLS."""

    endpoint: Endpoint
    secure: bool = False
    authorization: str | None = None


@dataclass(frozen=True)
class UpstreamProxies:
    """The user's proxies for http and https, and the hosts that are reached without one."""

    http: UpstreamProxy | None = None
    https: UpstreamProxy | None = None
    no_proxy: str = ""

    def proxy_for(self, where: Endpoint, secure: bool) -> UpstreamProxy | None:
        """Return the proxy for a host, None where it is reached directly."""
        direct = proxy_bypass_environment(f"{where.host}:{where.port}", {"no": self.no_proxy})
        return None if direct else self.https if secure else self.http


def upstream_proxies(environ: Mapping[str, str]) -> UpstreamProxies:
    """Read HTTP_PROXY and its like, small letters first, as curl does; InputError for a proxy that is not of HTTP."""
    said = {name: environ.get(f"{name}_proxy") or environ.get(f"{name}_proxy".upper()) or "" for name in _NAMES}
    http, https = (_upstream(said[name] or said["all"]) for name in ("http", "https"))
    return UpstreamProxies(http, https, said["no"])


def _upstream(url: str) -> UpstreamProxy | None:
    if not url:
        return None
    full = url if "://" in url else f"http://{url}"
    where = endpoint_of(full)
    if where is None:
        scheme = full.partition(":")[0]
        raise InputError(f"a sandbox cannot be led through a proxy of {scheme}", fix="set HTTPS_PROXY to an http one")
    parts = urlsplit(full)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    basic = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
    return UpstreamProxy(where, parts.scheme == "https", basic)
