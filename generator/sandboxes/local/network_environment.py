"""What a sandbox is told of the network it is in: registries always, the way to them only while it is open.

Nothing here is a secret of the user: no token, no file of npm or cargo is passed on, and user names and passwords are
cut out of registries' addresses. A proxy's address is passed whole where nothing is isolated, because it is of no use
without them; an isolated sandbox knows its own proxy alone, which goes through the user's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.upstream_proxy import UpstreamProxies, upstream_proxies
from generator.processes import output
from generator.sandboxes.local.relay import VARIABLES
from generator.toolchain.mounts import Bind

# https://doc.rust-lang.org/cargo/reference/environment-variables.html: where crates come from, and never CARGO_*_TOKEN.
_REGISTRY: Final = re.compile(
    r"CARGO_REGISTR(Y_DEFAULT|IES_[A-Z0-9_]+_(INDEX|PROTOCOL))|CARGO_SOURCE_[A-Z0-9_]+_(REGISTRY|REPLACE_WITH)"
)
# Of yarn's first version, and of later ones: where the user names none, what npm is set to.
_YARN: Final = ("YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER")
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("REQUESTS_CA_BUNDLE", "npm_config_cafile"),
)
_LOGIN: Final = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True)
class NetworkEnvironment:
    """Variables that hold always, and variables and files that hold while the network is open.

    `upstreams` are the user's proxies, for what leads an isolated sandbox out.
    """

    registries: Mapping[str, str]
    proxy_variables: Mapping[str, str]
    certificates: tuple[Bind, ...] = ()
    upstreams: UpstreamProxies = field(default_factory=UpstreamProxies)

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        """Where the registries lie."""
        return frozenset(found for url in self.registries.values() if (found := endpoint_of(url)))


def network_environment(environ: Mapping[str, str], npm_registry: str | None, isolated: bool) -> NetworkEnvironment:
    """Choose from the runner's own variables; certificates that `environ` names get a place inside when `isolated`."""
    registries = {name: _LOGIN.sub("", value) for name, value in environ.items() if _REGISTRY.fullmatch(name)}
    for name in ("npm_config_registry", *_YARN):
        if url := (name in _YARN and environ.get(name)) or npm_registry:
            registries[name] = _LOGIN.sub("", url)
    proxies = {name: environ[name] for upper in _PROXIES for name in (upper, upper.lower()) if environ.get(name)}
    named = {name: environ[name] for name in _CERTIFICATES if environ.get(name) and Path(environ[name]).exists()}
    if not isolated:
        return NetworkEnvironment(registries, {**proxies, **named})
    binds = tuple(Bind(str(Path(path).resolve()), f"/etc/certificates/{name}") for name, path in named.items())
    inside = {name: f"/etc/certificates/{name}" for name in named}
    return NetworkEnvironment(registries, {**VARIABLES, **inside}, binds, upstream_proxies(environ))


def npm_registry(environ: Mapping[str, str]) -> str | None:
    """Return the registry that the user's npm is set to, or None when it does not say."""
    if named := environ.get("npm_config_registry"):
        return named  # npm itself would say no other
    try:
        said = output(["npm", "config", "get", "registry"], timeout=30, cwd=Path("/"), env=environ)
    except CratematrixError:
        return None
    found = said.decode(errors="replace").strip()
    return found if found.startswith(("https://", "http://")) else None
