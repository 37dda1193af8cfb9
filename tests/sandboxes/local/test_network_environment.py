from __future__ import annotations

from pathlib import Path

import pytest

from generator.network.endpoints import Endpoint
from generator.network.upstream_proxy import UpstreamProxy
from generator.sandboxes.local.network_environment import network_environment
from generator.sandboxes.local.relay import PROXY_VARIABLES


@pytest.mark.attack("logins in registries' addresses stay with the runner")
def test_registries_hold_always_and_lose_their_logins() -> None:
    environ = {
        "CARGO_REGISTRIES_MIRROR_INDEX": "sparse+https://user:word@mirror.invalid/index/",
        "CARGO_REGISTRIES_MIRROR_TOKEN": "secret",
        "CARGO_REGISTRY_TOKEN": "secret",
        "CARGO_REGISTRY_DEFAULT": "mirror",
        "NPM_TOKEN": "secret",
    }
    assert network_environment(environ, "https://name:word@npm.invalid/", isolated=True).registry_variables == {
        "CARGO_REGISTRIES_MIRROR_INDEX": "sparse+https://mirror.invalid/index/",
        "CARGO_REGISTRY_DEFAULT": "mirror",
        **dict.fromkeys(("npm_config_registry", "YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER"), "https://npm.invalid/"),
    }


def test_a_registry_that_is_yarns_alone_is_kept() -> None:
    found = network_environment(
        {"YARN_REGISTRY": "https://name:word@yarn.invalid/"}, "https://npm.invalid/", isolated=True
    )
    assert found.registry_variables["YARN_REGISTRY"] == "https://yarn.invalid/"
    assert ("yarn.invalid", 443) in found.endpoints


def test_proxies_and_certificates_are_for_the_open_network(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificate")
    environ = {"https_proxy": "http://proxy.invalid:1", "SSL_CERT_FILE": str(bundle), "CURL_CA_BUNDLE": "/missing"}
    found = network_environment(environ, None, isolated=True)
    assert found.registry_variables == {}
    assert found.proxy_variables == {**PROXY_VARIABLES, "SSL_CERT_FILE": "/etc/certificates/SSL_CERT_FILE"}
    assert found.upstreams.https == UpstreamProxy(Endpoint("proxy.invalid", 1))
    assert found.certificates == ((str(bundle), "/etc/certificates/SSL_CERT_FILE", False),)


def test_without_isolation_certificates_and_proxies_stay_where_they_are(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificate")
    environ = {"SSL_CERT_FILE": str(bundle), "all_proxy": "socks5://proxy.invalid:1"}
    found = network_environment(environ, None, isolated=False)
    assert (found.proxy_variables, found.certificates) == (environ, ())


def test_registries_lie_where_their_variables_say() -> None:
    environ = {"CARGO_REGISTRIES_MIRROR_INDEX": "sparse+http://127.0.0.1:8080/i/", "CARGO_REGISTRY_DEFAULT": "mirror"}
    assert network_environment(environ, "https://npm.invalid/", isolated=True).endpoints == {
        ("127.0.0.1", 8080),
        ("npm.invalid", 443),
    }
