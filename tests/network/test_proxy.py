"""Requests that the fetch proxy relays, and those that never reach a listener on loopback."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

from generator.network.endpoints import Endpoint
from generator.network.proxy import FetchProxy
from generator.network.rules import HostRules
from generator.network.streams import CONNECT_SECONDS
from generator.network.upstream_proxy import UpstreamProxies, upstream_proxies
from tests.network.conftest import WAIT, Ask, Server

Start = Callable[[FetchProxy], Ask]


def resolving(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda _host, _port: list(addresses)


def proxy_for(server: Server, *addresses: str, host: str = "localhost") -> FetchProxy:
    """Return a proxy with the server as a configured registry."""
    return FetchProxy(
        HostRules(configured=frozenset({Endpoint(host, server.port)})), UpstreamProxies(), resolving(*addresses)
    )


def test_a_tunnel_and_a_plain_request_reach_a_registry_of_ones_own(server: Server, started: Start) -> None:
    ask = started(proxy_for(server, "127.0.0.1"))
    tunnel = ask(f"CONNECT localhost:{server.port} HTTP/1.1\nHost: x\n\nGET /a HTTP/1.0\n\n")
    assert tunnel.startswith("HTTP/1.1 200 ")
    assert tunnel.endswith("served")
    plain = f"GET http://localhost:{server.port}/b?c=d HTTP/1.1\nHost: elsewhere\nProxy-Connection: x\nA: b\n\n"
    assert ask(plain).endswith("served")
    assert server.requests == ["GET /a HTTP/1.0", "GET /b?c=d HTTP/1.1"]
    assert server.headers[1] == {"host": f"localhost:{server.port}", "a": "b", "connection": "close"}


def test_an_endpoint_is_unreachable_until_a_connection_to_it_is_made(server: Server, started: Start) -> None:
    """The sentence has host, port and the system's reason; a name that nobody knows is one, too."""
    answers: list[list[str] | OSError] = [socket.gaierror(-2, "Name or service not known"), ["127.0.0.1"]]

    def resolve(_host: str, _port: int) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    endpoint = Endpoint("localhost", server.port)
    proxy = FetchProxy(HostRules(configured=frozenset({endpoint})), UpstreamProxies(), resolve)
    ask = started(proxy)
    request = f"CONNECT localhost:{server.port} HTTP/1.1\nHost: x\n\nGET / HTTP/1.0\n\n"
    assert ask(request).startswith("HTTP/1.1 502 ")
    assert proxy.unreachable == {endpoint: f"localhost:{server.port} cannot be reached: Name or service not known"}
    assert ask(request).endswith("served")
    assert proxy.unreachable == {}


def test_an_endpoint_that_nobody_serves_is_unreachable(started: Start) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = Endpoint("localhost", closed.getsockname()[1])
        proxy = FetchProxy(HostRules(configured=frozenset({endpoint})), UpstreamProxies(), resolving("127.0.0.1"))
        started(proxy)(f"CONNECT localhost:{endpoint.port} HTTP/1.1\nHost: x\n\n")
    assert proxy.unreachable == {endpoint: f"localhost:{endpoint.port} cannot be reached: Connection refused"}


def test_a_host_that_is_not_allowed_is_refused_by_name_and_never_resolved(server: Server, started: Start) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise AssertionError(host, port)

    proxy = FetchProxy(HostRules(hosts=("example.com",)), UpstreamProxies(), fail)
    ask = started(proxy)
    answer = ask("CONNECT other.example.com:443 HTTP/1.1\nHost: x\n\n")
    assert answer.startswith("HTTP/1.1 403 ")
    assert "other.example.com, which fetch_hosts does not allow: add it" in answer
    ask(f"GET http://other.example.com:{server.port}/ HTTP/1.1\nHost: example.com\n\n")
    assert [each.host for each in proxy.refused] == ["other.example.com", f"other.example.com:{server.port}"]


@pytest.mark.attack("an allowed name never leads to a private address", entry="H4")
@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["10.0.0.1"], ["fd00:ec2::254"], ["64:ff9b::7f00:1"],
     ["0.0.0.0"], ["1.1.1.1", "127.0.0.1"]],  # noqa: S104
)  # fmt: skip
def test_an_allowed_name_never_leads_into_this_machine_or_its_network(
    server: Server, started: Start, addresses: list[str]
) -> None:
    """One forbidden address among several is enough, because a tool may take any of them."""
    proxy = FetchProxy(
        HostRules(from_source=frozenset({Endpoint("rebound.example.com", server.port)})),
        UpstreamProxies(),
        resolving(*addresses),
    )
    ask = started(proxy)
    assert ask(f"CONNECT rebound.example.com:{server.port} HTTP/1.1\nHost: x\n\nGET / HTTP/1.0\n\n").startswith(
        "HTTP/1.1 403 "
    )
    assert ask(f"GET http://rebound.example.com:{server.port}/ HTTP/1.1\nHost: x\n\n").startswith("HTTP/1.1 403 ")
    (refused,) = proxy.refused
    assert refused.host == f"rebound.example.com:{server.port}"
    assert f"is at {ip_address(addresses[-1])}, a" in refused.sentence
    assert server.requests == []


@pytest.mark.attack("a name that changes its address leads nowhere else", entry="H4")
def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_that_is_connected_to(
    server: Server, started: Start
) -> None:
    """A later request resolves the name again, and checks the new address."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    proxy = FetchProxy(
        HostRules(configured=frozenset({Endpoint("localhost", server.port)})),
        UpstreamProxies(),
        lambda _host, _port: answers.pop(0),
    )
    ask = started(proxy)
    text = f"CONNECT localhost:{server.port} HTTP/1.1\nHost: x\n\nGET / HTTP/1.0\n\n"
    assert ask(text).endswith("served")
    assert len(answers) == 1
    assert ask(text).startswith("HTTP/1.1 403 ")
    assert (answers, len(server.requests)) == ([], 1)


@pytest.mark.attack("an open network leads to no service of the machine", entry="H4")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "0"])
def test_an_open_setting_leads_to_no_listener_of_this_machine(server: Server, started: Start, host: str) -> None:
    ask = started(FetchProxy(HostRules(hosts=None), UpstreamProxies()))
    for text in (
        f"CONNECT {host}:{server.port} HTTP/1.1\nHost: x\n\n",
        f"GET http://{host}:{server.port}/ HTTP/1.1\nHost: x\n\n",
    ):
        assert ask(text)[:12] in ("HTTP/1.1 403", "HTTP/1.1 502", "HTTP/1.1 400")
    assert server.requests == []


@pytest.mark.parametrize(
    "text",
    ["", "\n", "GET / HTTP/1.1\nHost: x\n\n", "GET https://example.com/ HTTP/1.1\nHost: x\n\n", "CONNECT x HTTP/1.1\n\n",
     "CONNECT :443 HTTP/1.1\nHost: x\n\n", "CONNECT a:b:c HTTP/1.1\nHost: x\n\n", "\0\xff" * 20, "GET http://[x/ HTTP/1.1\nHost: x\n\n",
     "GET ftp://a/ HTTP/1.1\nHost: x\n\n", f"GET http://{'a' * 40_000}/ HTTP/1.1\nHost: x\n\n"],
)  # fmt: skip
def test_what_is_no_request_for_a_proxy_ends_its_connection_alone(server: Server, started: Start, text: str) -> None:
    ask = started(proxy_for(server, "127.0.0.1"))
    assert ask(text)[:12] in ("", "HTTP/1.1 400", "HTTP/1.1 403")
    assert ask(f"GET http://localhost:{server.port}/ HTTP/1.1\nHost: x\n\n").endswith("served")


def test_bytes_are_bounded(server: Server, started: Start) -> None:
    where = Endpoint("localhost", server.port)
    proxy = FetchProxy(
        HostRules(configured=frozenset({where})), UpstreamProxies(), resolving("127.0.0.1"), max_bytes=200_000
    )
    ask = started(proxy)
    assert len(ask(f"GET http://localhost:{server.port}/large HTTP/1.1\nHost: x\n\n")) < 300_000
    assert "sent more than" in proxy.refused[0].sentence


def test_many_connections_at_once(server: Server, started: Start) -> None:
    """None is lost to garbage collection, because the event loop holds its tasks weakly."""
    ask = started(proxy_for(server, "127.0.0.1"))
    with ThreadPoolExecutor(40) as threads:
        collecting = threads.submit(lambda: [gc.collect() for _ in range(20)])
        texts = [f"GET http://localhost:{server.port}/{number} HTTP/1.1\nHost: x\n\n" for number in range(80)]
        # On a busy machine a connection may take longer than the proxy waits, and then the answer says so.
        answered = ("served", f"no answer within {CONNECT_SECONDS} s\n")
        assert [answer for answer in threads.map(ask, texts) if not answer.endswith(answered)] == []
        collecting.result()


def test_it_closes_while_a_resolver_hangs_and_a_tunnel_is_open(started: Start) -> None:
    asked, gone_on = threading.Event(), threading.Event()

    def hanging(_host: str, _port: int) -> list[str]:
        asked.set()
        gone_on.wait()
        return []

    with socket.create_server(("127.0.0.1", 0)) as far, ThreadPoolExecutor(2) as threads:
        port = far.getsockname()[1]
        own = frozenset({Endpoint("127.0.0.1", port)})
        proxy = FetchProxy(HostRules(configured=own, hosts=("example.com",)), UpstreamProxies(), hanging)
        ask = started(proxy)
        unresolved = threads.submit(ask, "CONNECT example.com:443 HTTP/1.1\nHost: x\n\n")
        tunnelled = threads.submit(ask, f"CONNECT 127.0.0.1:{port} HTTP/1.1\nHost: x\n\nhello")
        with far.accept()[0] as end:
            assert end.recv(5) == b"hello"
            assert asked.wait(WAIT)
            proxy.close()
            proxy.close()
            assert unresolved.result() == ""
            assert tunnelled.result() == "HTTP/1.1 200 Connection established\r\n\r\n"
    gone_on.set()


@pytest.mark.parametrize("connected", range(12))
def test_it_closes_connections_of_every_stage(
    started: Start, connected: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that was not accepted yet, one whose task has not begun, and one whose own connection is being made."""
    with socket.create_server(("127.0.0.1", 0)) as far, ThreadPoolExecutor(12) as threads:
        port = far.getsockname()[1]
        proxy = FetchProxy(HostRules(configured=frozenset({Endpoint("127.0.0.1", port)})), UpstreamProxies())
        ask = started(proxy)
        began = threading.Semaphore(0)

        def ask_until_the_end() -> None:
            began.release()
            with contextlib.suppress(ConnectionError):
                ask(f"CONNECT 127.0.0.1:{port} HTTP/1.1\nHost: x\n\n")

        answers = [threads.submit(ask_until_the_end) for _ in range(12)]
        for _ in range(connected):
            began.acquire()
        proxy.close()
        for each in answers:
            each.result()
    assert capfd.readouterr().err == ""


def through(server: Server, **more: str) -> UpstreamProxies:
    url = f"http://us%65r:word@127.0.0.1:{server.port}"
    return upstream_proxies({"HTTPS_PROXY": url, "http_proxy": url, **more})


def test_allowed_names_are_reached_through_the_users_own_proxy(server: Server, started: Start) -> None:
    """That proxy checks their addresses, and none is resolved here."""

    def fail(host: str, port: int) -> list[str]:
        raise AssertionError(host, port)

    proxy = FetchProxy(HostRules(hosts=("example.com",)), through(server), fail)
    ask = started(proxy)
    assert ask("CONNECT example.com:443 HTTP/1.1\nHost: x\n\nechoed\n").endswith("\r\n\r\nechoed\r\n")
    smuggled = "GET http://other.example.com/ HTTP/1.1\nHost: x\n\n"
    ask(f"GET http://example.com/a HTTP/1.1\nHost: x\nContent-Length: 9\n\n{smuggled}")
    assert server.requests == ["CONNECT example.com:443 HTTP/1.1", "GET http://example.com:80/a HTTP/1.1"]
    assert {each["proxy-authorization"] for each in server.headers} == {"Basic dXNlcjp3b3Jk"}
    assert "content-length" not in server.headers[1]
    for host in ("other.example.com", "localhost", "127.0.0.1", "169.254.169.254"):
        assert ask(f"CONNECT {host}:443 HTTP/1.1\nHost: x\n\n").startswith("HTTP/1.1 403 ")
    assert len(server.requests) == 2


def test_a_host_in_no_proxy_is_reached_directly_and_checked(server: Server, started: Start) -> None:
    proxy = FetchProxy(
        HostRules(hosts=("a.example.com",)), through(server, NO_PROXY="b.invalid,.example.com"), resolving("127.0.0.1")
    )
    ask = started(proxy)
    assert "a loopback address" in ask("CONNECT a.example.com:443 HTTP/1.1\nHost: x\n\n")
    assert server.requests == []


def test_a_host_that_breaks_off_ends_its_connection_alone(server: Server, started: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        port = rude.getsockname()[1]
        where = frozenset({Endpoint("localhost", port), Endpoint("localhost", server.port)})
        ask = started(FetchProxy(HostRules(configured=where), UpstreamProxies(), resolving("127.0.0.1")))

        def break_off() -> None:
            for _ in range(5):
                near, _ = rude.accept()
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.close()

        with ThreadPoolExecutor(1) as threads:
            threads.submit(break_off)
            for _ in range(5):
                ask(f"CONNECT localhost:{port} HTTP/1.1\nHost: x\n\n" + "x" * 100_000)
    assert ask(f"GET http://localhost:{server.port}/ HTTP/1.1\nHost: x\n\n").endswith("served")


def test_a_users_proxy_that_answers_with_nonsense_is_left(started: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nonsense, ThreadPoolExecutor(1) as threads:
        port = nonsense.getsockname()[1]
        proxy = FetchProxy(
            HostRules(hosts=("example.com",)), upstream_proxies({"https_proxy": f"http://127.0.0.1:{port}"})
        )
        answer = threads.submit(started(proxy), "CONNECT example.com:443 HTTP/1.1\nHost: x\n\n")
        near, _ = nonsense.accept()
        with near:
            near.settimeout(WAIT)
            near.sendall(b"SSH-2.0-nonsense\r\n\r\n")
            while near.recv(65_536):
                pass
        assert answer.result(WAIT) == ""
