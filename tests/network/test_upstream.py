"""The user's own proxies, from environment variables."""

from __future__ import annotations

import pytest

from generator.errors import InputError
from generator.network.endpoints import Endpoint
from generator.network.upstream_proxy import UpstreamProxy, upstream_proxies

WHERE = Endpoint("example.com", 443)


def test_small_letters_come_first_and_all_stands_for_both() -> None:
    found = upstream_proxies({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2", "ALL_PROXY": "https://c:3"})
    assert found.proxy_for(WHERE, secure=True) == UpstreamProxy(Endpoint("a", 1))
    assert found.proxy_for(WHERE, secure=False) == UpstreamProxy(Endpoint("c", 3), secure=True)
    assert upstream_proxies({}).proxy_for(WHERE, secure=True) is None


@pytest.mark.parametrize("without", ["*", "example.com", ".com", "a, example.com:443"])
def test_hosts_that_need_none(without: str) -> None:
    assert upstream_proxies({"all_proxy": "a:1", "no_proxy": without}).proxy_for(WHERE, secure=True) is None


def test_a_proxy_of_another_protocol_is_an_error() -> None:
    with pytest.raises(InputError, match="through a proxy of socks5"):
        upstream_proxies({"ALL_PROXY": "socks5://a:1"})
