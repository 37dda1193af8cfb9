"""What a sandbox is told of the network it is in: registries always, the way to them only while it is open.

Nothing here is a secret of the user: no token, no file of npm or cargo is passed on, and user names and passwords are
cut out of registries' addresses. A proxy's address is passed whole, because it is of no use without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.processes import output
from generator.sandboxes.bubblewrap import Bind

# https://doc.rust-lang.org/cargo/reference/environment-variables.html: where crates come from, and never CARGO_*_TOKEN.
_REGISTRY: Final = re.compile(
    r"CARGO_REGISTR(Y_DEFAULT|IES_[A-Z0-9_]+_(INDEX|PROTOCOL))|CARGO_SOURCE_[A-Z0-9_]+_(REGISTRY|REPLACE_WITH)"
)
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES: Final = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("REQUESTS_CA_BUNDLE", "npm_config_cafile"),
)
_LOGIN: Final = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True)
class Outside:
    """Variables that hold always, and variables and files that hold while the network is open."""

    registries: Mapping[str, str]
    ways: Mapping[str, str]
    certificates: tuple[Bind, ...] = ()


def outside(environ: Mapping[str, str], npm_registry: str | None, isolated: bool) -> Outside:
    """Choose from the runner's own variables; certificates that `environ` names get a place inside when `isolated`."""
    registries = {name: _LOGIN.sub("", value) for name, value in environ.items() if _REGISTRY.fullmatch(name)}
    if npm_registry:
        registries["npm_config_registry"] = _LOGIN.sub("", npm_registry)
    proxies = {name: environ[name] for upper in _PROXIES for name in (upper, upper.lower()) if environ.get(name)}
    named = {name: environ[name] for name in _CERTIFICATES if environ.get(name) and Path(environ[name]).exists()}
    if not isolated:
        return Outside(registries, {**proxies, **named})
    binds = tuple(Bind(str(Path(path).resolve()), f"/etc/certificates/{name}") for name, path in named.items())
    return Outside(registries, {**proxies, **{name: f"/etc/certificates/{name}" for name in named}}, binds)


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
