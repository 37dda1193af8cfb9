from __future__ import annotations

from pathlib import Path

from generator.sandboxes.outside import outside


def test_registries_hold_always_and_lose_their_logins() -> None:
    environ = {
        "CARGO_REGISTRIES_MIRROR_INDEX": "sparse+https://user:word@mirror.invalid/index/",
        "CARGO_REGISTRIES_MIRROR_TOKEN": "secret",
        "CARGO_REGISTRY_TOKEN": "secret",
        "CARGO_REGISTRY_DEFAULT": "mirror",
        "NPM_TOKEN": "secret",
    }
    assert outside(environ, "https://name:word@npm.invalid/", isolated=True).registries == {
        "CARGO_REGISTRIES_MIRROR_INDEX": "sparse+https://mirror.invalid/index/",
        "CARGO_REGISTRY_DEFAULT": "mirror",
        "npm_config_registry": "https://npm.invalid/",
    }


def test_proxies_and_certificates_are_ways_that_close(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificate")
    environ = {"https_proxy": "http://proxy.invalid:1", "SSL_CERT_FILE": str(bundle), "CURL_CA_BUNDLE": "/missing"}
    found = outside(environ, None, isolated=True)
    assert found.registries == {}
    assert found.ways == {"https_proxy": "http://proxy.invalid:1", "SSL_CERT_FILE": "/etc/certificates/SSL_CERT_FILE"}
    assert found.certificates == ((str(bundle), "/etc/certificates/SSL_CERT_FILE", False),)


def test_without_isolation_certificates_stay_where_they_are(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificate")
    found = outside({"SSL_CERT_FILE": str(bundle)}, None, isolated=False)
    assert (found.ways, found.certificates) == ({"SSL_CERT_FILE": str(bundle)}, ())
