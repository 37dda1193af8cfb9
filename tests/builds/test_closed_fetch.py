"""Builds whose dependencies reach for what is no registry's: a service of this machine, told from what they publish."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library


class Service(BaseHTTPRequestHandler):
    """Answers any request with what nobody else is to read."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"credentials of this machine")

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[tuple[int, list[str]]]:
    """Port of a service on this machine's loopback, and the paths that it was asked for."""
    seen: list[str] = []
    handler = type("Handler", (Service,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], seen
        server.shutdown()
        thread.join()


def addon(package: dict[str, Any], **files: str) -> dict[str, str]:
    metadata = {"name": "@demo/demo", "version": "1.0.0", "main": "index.js", **package}
    lib = '[lib]\ncrate-type = ["cdylib"]\n'
    own = {f"demo/{name}": text for name, text in files.items()}
    return library("demo", rest=lib) | own | {"demo/package.json": json.dumps(metadata, indent=2), "demo/index.js": ""}


def failure(top: Path) -> dict[str, Any]:
    crate: dict[str, Any] = json.loads((top / "dist/report.json").read_text())["crates"][0]
    found: dict[str, Any] = crate["failure"]
    return found


def build(top: Path) -> int:
    return cratematrix("build", "--all", cwd=top, env={"XDG_CACHE_HOME": str(top.parent / "cache")}).code


@pytest.mark.attack("a dependency by URL is refused before anything is fetched", entry="H4")
@pytest.mark.parametrize("table", ["dependencies", "optionalDependencies"])
def test_a_dependency_by_url_is_refused_before_anything_is_asked(
    repository: MakeRepository, service: tuple[int, list[str]], table: str
) -> None:
    port, seen = service
    top = repository([entry("demo", kind="napi")], addon({table: {"x": f"http://127.0.0.1:{port}/latest/meta-data"}}))
    assert build(top) == 1
    found = failure(top)
    assert (found["class"], found["phase"], found["file"], found["line"]) == (
        "permanent",
        "fetch",
        "demo/package.json",
        6,
    )
    assert f'"http://127.0.0.1:{port}/latest/meta-data" of "x" is a dependency by URL' in found["message"]
    assert seen == []


@pytest.mark.attack("a locked git address on the machine itself is never reached", entry="H4")
def test_what_only_cargo_knows_of_reaches_no_service_of_this_machine_either(
    repository: MakeRepository, service: tuple[int, list[str]]
) -> None:
    """A git dependency is no registry's, and allowed where the lock names it: not at such an address, whatever it says."""
    port, seen = service
    url = f"http://127.0.0.1:{port}/a.git"
    files = library("demo", rest=f'[dependencies]\na = {{ git = "{url}" }}\n')
    sha = "0" * 40
    lock = f'\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "git+{url}#{sha}"\n'
    files["demo/Cargo.lock"] = files["demo/Cargo.lock"] + 'dependencies = ["a"]\n' + lock
    top = repository([entry("demo")], files)
    assert build(top) == 1
    found = failure(top)
    assert (found["class"], found["phase"]) == ("permanent", "fetch")
    assert seen == []
    if "git_proxy_options" in found["message"]:
        return  # Debian's cargo has a libgit2 that takes no proxy, and so reaches nothing at all
    assert f"needs 127.0.0.1:{port}, which is at 127.0.0.1, a loopback address" in found["message"]


def test_a_git_host_that_no_lock_file_names_is_named(repository: MakeRepository) -> None:
    files = library("demo", rest='[dependencies]\na = { git = "https://git.example.com/a" }\n')
    del files["demo/Cargo.lock"]
    top = repository([entry("demo")], files)
    assert build(top) == 1
    assert failure(top)["message"] == (
        "fetching dependencies needs git.example.com, which fetch_hosts does not allow: add it"
    )


def test_a_registry_on_this_machine_that_the_user_names_is_reached(
    repository: MakeRepository, service: tuple[int, list[str]]
) -> None:
    """Private registries are as good as any, where it is not the source that names them."""
    port, seen = service
    top = repository([entry("demo", kind="napi")], addon({"dependencies": {"@own/x": "1.0.0"}}))
    environ = {"npm_config_registry": f"http://127.0.0.1:{port}/", "XDG_CACHE_HOME": str(top.parent / "cache")}
    assert cratematrix("build", "--all", cwd=top, env=environ).code == 1
    assert seen[0] == "/@own%2fx"
    assert failure(top)["phase"] == "fetch"


@pytest.mark.slow
def test_a_registry_that_nobody_serves_is_named_with_its_port_and_asked_once_more(repository: MakeRepository) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        top = repository([entry("demo", kind="napi")], addon({"dependencies": {"@own/x": "1.0.0"}}), retries=9)
        environ = {"npm_config_registry": f"http://127.0.0.1:{port}/", "XDG_CACHE_HOME": str(top.parent / "cache")}
        assert cratematrix("build", "--all", cwd=top, env=environ).code == 1
    crate = json.loads((top / "dist/report.json").read_text())["crates"][0]
    sentence = f"fetching dependencies failed: 127.0.0.1:{port} cannot be reached: Connection refused"
    assert (crate["failure"]["class"], crate["failure"]["message"], crate["attempts"]) == ("transient", sentence, 2)


@pytest.mark.slow
def test_a_proxy_of_the_users_own_is_gone_through_and_asked_for_allowed_hosts_alone(
    repository: MakeRepository,
) -> None:
    files = library("demo", rest='[dependencies]\ncfg-if = "1"\n')
    del files["demo/Cargo.lock"]
    top = repository([entry("demo")], files)
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while near := listener.accept()[0]:
                    with near:
                        asked.append(near.recv(65_536).partition(b"\r\n")[0])
                        near.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environ = {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), url),
            "NO_PROXY": "",
            "no_proxy": "",
        }
        given = {"XDG_CACHE_HOME": str(top.parent / "cache"), "npm_config_registry": "https://npm.invalid/", **environ}
        try:
            assert cratematrix("build", "--all", cwd=top, env=given).code == 1
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # which ends `accept`, as closing would not
            thread.join()
    assert asked
    assert all(each.startswith(b"CONNECT ") for each in asked)
    assert failure(top)["class"] == "transient"
