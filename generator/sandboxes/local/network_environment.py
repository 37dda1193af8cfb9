"""Environment variables and certificates for the network of local sandboxes.

Registries are set always, proxies and certificates while the network is open. No token and no configuration file of npm
or cargo is passed on, and credentials are removed from registries' URLs. Without isolation the user's proxy URLs keep
their credentials, because they do not work without. An isolated sandbox only knows its own proxy, which connects
through the user's.
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
from generator.sandboxes.local.relay import PROXY_VARIABLES
from generator.toolchain.mounts import Bind

# Registry settings of https://doc.rust-lang.org/cargo/reference/environment-variables.html, without CARGO_*_TOKEN.
_CARGO_REGISTRY: Final = re.compile(
    r"CARGO_REGISTR(Y_DEFAULT|IES_[A-Z0-9_]+_(INDEX|PROTOCOL))|CARGO_SOURCE_[A-Z0-9_]+_(REGISTRY|REPLACE_WITH)"
)
# Registry variables of yarn 1 and of later versions; npm's registry is their default.
_YARN_REGISTRIES: Final = ("YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER")
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("REQUESTS_CA_BUNDLE", "npm_config_cafile"),
)
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True)
class NetworkEnvironment:
    """Environment variables of registries and of proxies, and certificates to mount while the network is open.

    `upstreams` are the user's proxies, for the proxy of an isolated sandbox.
    """

    registry_variables: Mapping[str, str]
    proxy_variables: Mapping[str, str]
    certificates: tuple[Bind, ...] = ()
    upstreams: UpstreamProxies = field(default_factory=UpstreamProxies)

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        """Endpoints of the registries."""
        return frozenset(found for url in self.registry_variables.values() if (found := endpoint_of(url)))


def network_environment(environ: Mapping[str, str], npm_registry: str | None, isolated: bool) -> NetworkEnvironment:
    """Select the variables for sandboxes; with `isolated`, certificates that `environ` names are mounted below /etc."""
    registries = {
        name: _CREDENTIALS.sub("", value) for name, value in environ.items() if _CARGO_REGISTRY.fullmatch(name)
    }
    for name in ("npm_config_registry", *_YARN_REGISTRIES):
        if url := (name in _YARN_REGISTRIES and environ.get(name)) or npm_registry:
            registries[name] = _CREDENTIALS.sub("", url)
    proxies = {name: environ[name] for upper in _PROXIES for name in (upper, upper.lower()) if environ.get(name)}
    certificates = {name: environ[name] for name in _CERTIFICATES if environ.get(name) and Path(environ[name]).exists()}
    if not isolated:
        return NetworkEnvironment(registries, {**proxies, **certificates})
    binds = tuple(Bind(str(Path(path).resolve()), f"/etc/certificates/{name}") for name, path in certificates.items())
    mounted = {name: f"/etc/certificates/{name}" for name in certificates}
    return NetworkEnvironment(registries, {**PROXY_VARIABLES, **mounted}, binds, upstream_proxies(environ))


def npm_registry(environ: Mapping[str, str]) -> str | None:
    """Return the registry of the user's npm configuration, or None when npm cannot be run."""
    if named := environ.get("npm_config_registry"):
        return named  # it overrides npm's other settings
    try:
        printed = output(["npm", "config", "get", "registry"], timeout=30, cwd=Path("/"), env=environ)
    except CratematrixError:
        return None
    found = printed.decode(errors="replace").strip()
    return found if found.startswith(("https://", "http://")) else None
