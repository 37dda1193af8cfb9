"""A real proxy on a real socket, and servers on this machine's loopback behind it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generator.network.proxy import FetchProxy

WAIT = 60


class Server(ThreadingHTTPServer):
    """Records requests and answers them all; also answers CONNECT, as an upstream proxy does."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.requestline)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = b"served" * (100_000 if self.path.endswith("large") else 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self.server.requests.append(self.requestline)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.rfile.readline())

    def log_message(self, *_words: object) -> None:
        """Log nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


Ask = Callable[[str], str]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[FetchProxy], Ask]]:
    """Start a proxy in a directory whose path is too long for a socket; return a function that sends it a request."""
    proxies: list[FetchProxy] = []

    def start(proxy: FetchProxy) -> Ask:
        directory = tmp_path / ("long" * 40)
        directory.mkdir()
        proxies.append(proxy)
        proxy.start(directory / "proxy")

        def ask(text: str) -> str:
            with socket.socket(socket.AF_UNIX) as near:
                near.settimeout(WAIT)
                held = os.open(directory, os.O_PATH)
                try:
                    near.connect(f"/proc/self/fd/{held}/proxy")
                finally:
                    os.close(held)
                near.sendall(text.replace("\n", "\r\n").encode())
                near.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: near.recv(65_536), b"")).decode(errors="replace")

        return ask

    yield start
    for proxy in proxies:
        proxy.close()
