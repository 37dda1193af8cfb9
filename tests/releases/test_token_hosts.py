"""URLs in GitHub's responses: the token goes to no other host, and the size of responses is bounded."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import requests  # noqa: TID251

from generator.errors import InputError, Unavailable
from generator.github_api.adapter import MAX_RESPONSE_BYTES, GitHubAdapter
from generator.github_api.retry import Retry
from generator.releases.complete_upload import upload
from generator.releases.uploading import packages_of
from generator.releases.verifying import verify
from generator.reports.merging import reports_below
from tests.github_server import Endless, Say
from tests.releases.conftest import QUIET, Fleet


class Listener:
    """Another server on this machine, which records what it receives."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def close(self) -> None:
        """Stop with everything in `heard`; safe to repeat."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self.heard.append(client.recv(65_536))
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")


@pytest.fixture
def other() -> Iterator[Listener]:
    with closing(Listener()) as listener:
        yield listener


def released(fleet: Fleet, number: str) -> dict[str, object]:
    """Return GitHub's response about a release."""
    env = fleet.environment
    url = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/releases/{number}"
    found: dict[str, object] = requests.get(
        url, headers={"Authorization": f"Bearer {env['GITHUB_TOKEN']}"}, timeout=60
    ).json()
    return found


@pytest.mark.attack("GitHub's token goes to no host that a reply names", entry="W11")
def test_an_upload_url_at_another_host_is_refused_with_a_sentence(fleet: Fleet, other: Listener) -> None:
    number = fleet.drafted()
    there = {**released(fleet, number), "upload_url": f"{other.url}/assets{{?name,label}}"}
    fleet.server.inject(f"GET /repos/*/releases/{number}", Say(200, there))
    ran = fleet.upload(number, fleet.shards[0])
    assert ran.code == 2
    assert f"the token is not sent to {other.url}: only {fleet.server.url} may receive it" in ran.err
    assert "Traceback" not in ran.err
    other.close()
    assert other.heard == []


@pytest.mark.attack("GitHub's token goes to no host that a reply names", entry="W11")
def test_a_next_page_at_another_host_is_refused_even_without_assertions(fleet: Fleet, other: Listener) -> None:
    page = json.dumps([released(fleet, fleet.drafted("v0.9.0"))])
    headers = {"link": f'<{other.url}/repos/x>; rel="next"', "content-type": "application/json"}
    fleet.server.inject("GET /repos/*/releases", Say(200, page, headers), 2)  # of the count, and of the list
    ran = fleet.run("prepare", "--tag", "v1.0.0", PYTHONOPTIMIZE="1")
    assert ran.code == 2, ran.err
    assert "the token is not sent to" in ran.err
    other.close()
    assert other.heard == []


@pytest.mark.attack("no redirect takes GitHub's token along", entry="W11")
def test_a_redirect_drops_the_token(fleet: Fleet, other: Listener) -> None:
    fleet.published()
    fleet.server.repository().private = True
    fleet.server.inject("GET /repos/*/releases/assets/*", Say(302, "", {"location": f"{other.url}/x"}), 9)
    assert fleet.run("verify", "--tag", "v1.0.0").code == 2
    other.close()
    assert other.heard
    assert not [text for text in other.heard if b"uthorization" in text or b"ghs_" in text]


@pytest.mark.attack("no redirect takes GitHub's token along", entry="W11")
def test_a_session_sends_no_token_to_another_host(fleet: Fleet, other: Listener) -> None:
    with requests.Session() as session:
        session.mount("http://", GitHubAdapter(fleet.server.url))
        with pytest.raises(InputError, match="may receive it"):
            session.get(other.url, headers={"Authorization": "Bearer x"}, timeout=60)
        assert session.get(other.url, timeout=60).status_code == 404


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.attack("an endless reply of GitHub's is given up")
def test_an_endless_response_ends_with_an_error(fleet: Fleet, status: int, packed: bool) -> None:
    fault = Endless(status, packed=packed)
    fleet.server.inject("GET /repos/*", fault)
    with (
        fleet.releases() as releases,
        pytest.raises(Unavailable, match="longer than 128 MiB"),
    ):
        QUIET.call(lambda: releases.get(1), "looking")
    assert fault.left.wait(60)
    assert fault.sent < 2 * MAX_RESPONSE_BYTES


@pytest.mark.attack("an endless reply of GitHub's is given up")
def test_an_endless_response_to_an_upload_ends_and_the_assets_are_listed_again(fleet: Fleet) -> None:
    number, shard, said = int(fleet.drafted()), fleet.shards[0], list[str]()
    fault = Endless(201)
    fleet.server.inject("POST /uploads/*", fault)
    with fleet.releases() as releases:
        retry = Retry(said.append, lambda _: None)
        upload(releases, number, packages_of(reports_below(shard), shard), 1, 6_000, retry)
    assert "GitHub's response to an upload is too long; trying again" in said[0]
    assert fault.left.wait(60)
    assert fault.sent < MAX_RESPONSE_BYTES


def test_an_endless_redirect_of_a_download_ends_with_an_error(fleet: Fleet) -> None:
    fleet.published()
    fault = Endless(302, headers={"location": f"{fleet.server.url}/x"})
    fleet.server.inject("GET /*/releases/download/*", fault)
    with fleet.releases() as releases, pytest.raises(Unavailable, match="longer than 128 MiB"):
        verify(releases, "v1.0.0", fleet.manifest, QUIET)
    assert fault.left.wait(60)
    assert fault.sent < 2 * MAX_RESPONSE_BYTES
