"""The wire, byte by byte, on plain sockets: what PyGithub sends, what it understands, and what the server answers.

These texts are GitHub's, from its documentation and from logs of those who use it, so that client and server cannot
share a mistake.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

import pytest
from github import Auth, Github, GithubException, UnknownObjectException

from tests.github_server import GitHubServer, Rules
from tests.github_server.starting import StartServer


def talk(server: GitHubServer, request: str, body: bytes = b"") -> tuple[str, dict[str, str], bytes]:
    """Send bytes and return the first line, the headers and the body as it is on the wire."""
    token = server.environment["GITHUB_TOKEN"]
    first, _, rest = request.partition("\n")
    head = f"{first} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{rest}connection: close\r\n"
    length = f"content-length: {len(body)}\r\n" if body else ""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=120) as connection:
        connection.sendall(f"{head}{length}\r\n".encode() + body)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    start, _, content = said.partition(b"\r\n\r\n")
    line, *lines = start.decode().split("\r\n")
    return line, dict(each.lower().split(": ", 1) for each in lines), content


JSON = "content-type: application/json\r\n"


def create(server: GitHubServer, body: bytes) -> tuple[str, dict[str, str], bytes]:
    return talk(server, f"POST /repos/octo-org/fleet/releases\n{JSON}", body)


def test_a_release_is_created(server: GitHubServer) -> None:
    line, headers, body = create(server, b'{"tag_name":"v1","name":"One","body":"text","draft":true}')
    assert (line, headers["content-type"]) == ("HTTP/1.1 201 Created", "application/json; charset=utf-8")
    said = json.loads(body)
    number, api = said["id"], f"{server.url}/repos/octo-org/fleet"
    assert headers["location"] == f"{api}/releases/{number}"
    assert (said["url"], said["assets_url"]) == (f"{api}/releases/{number}", f"{api}/releases/{number}/assets")
    assert said["upload_url"].endswith(f"/repos/octo-org/fleet/releases/{number}/assets{{?name,label}}")
    known = (
        "tag_name",
        "target_commitish",
        "name",
        "body",
        "draft",
        "prerelease",
        "immutable",
        "published_at",
        "assets",
    )
    assert [said[name] for name in known] == ["v1", "main", "One", "text", True, False, False, None, []]
    assert (said["author"]["login"], said["author"]["type"]) == ("github-actions[bot]", "Bot")


def test_an_asset_is_uploaded_twice(server: GitHubServer) -> None:
    number = json.loads(create(server, b'{"tag_name":"v1","draft":true}')[2])["id"]
    request = (
        f"POST /uploads/repos/octo-org/fleet/releases/{number}/assets?name=a.tgz\ncontent-type: application/gzip\r\n"
    )
    line, _, body = talk(server, request, b"hello")
    said = json.loads(body)
    assert line == "HTTP/1.1 201 Created"
    assert [said[name] for name in ("name", "label", "state", "content_type", "size", "digest", "download_count")] == [
        *("a.tgz", "", "uploaded", "application/gzip", 5),
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        0,
    ]
    line, _, body = talk(server, request, b"hello")
    assert line == "HTTP/1.1 422 Unprocessable Entity"
    said = json.loads(body)
    assert said["message"] == "Validation Failed"
    assert said["errors"] == [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]


def test_the_links_of_a_long_list(server: GitHubServer) -> None:
    for number in range(5):
        create(server, b'{"tag_name":"v%d","draft":true}' % number)
    _, headers, body = talk(server, "GET /repos/octo-org/fleet/releases?per_page=2&page=2\n")
    assert [each["tag_name"] for each in json.loads(body)] == ["v2", "v1"]
    at = f"{server.url}/repos/octo-org/fleet/releases?per_page=2&page="
    assert headers["link"] == (f'<{at}1>; rel="prev", <{at}3>; rel="next", <{at}3>; rel="last", <{at}1>; rel="first"')
    assert "link" not in talk(server, "GET /repos/octo-org/fleet/releases\n")[1]


def test_a_download_leads_away_from_the_api(server: GitHubServer) -> None:
    number = json.loads(create(server, b'{"tag_name":"v1"}')[2])["id"]
    upload = f"POST /uploads/repos/octo-org/fleet/releases/{number}/assets?name=a.tgz\n"
    asset = json.loads(talk(server, upload, b"hello")[2])
    path = asset["url"].removeprefix(server.url)
    line, headers, _ = talk(server, f"GET {path}\naccept: application/octet-stream\r\n")
    assert line == "HTTP/1.1 302 Found"
    line, headers, body = talk(server, f"GET {headers['location'].removeprefix(server.url)}\n")
    assert (line, headers["content-type"], body) == ("HTTP/1.1 200 OK", "application/octet-stream", b"hello")
    assert headers["content-disposition"] == "attachment; filename=a.tgz"
    assert asset["browser_download_url"] == f"{server.url}/octo-org/fleet/releases/download/v1/a.tgz"


def test_what_is_not_there(server: GitHubServer) -> None:
    line, headers, body = talk(server, "GET /repos/octo-org/fleet/releases/tags/v9\n")
    assert (line, headers["x-ratelimit-remaining"]) == ("HTTP/1.1 404 Not Found", "999")
    assert json.loads(body) == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }


def test_too_much_at_once(start_server: StartServer) -> None:
    server = start_server(Rules(content_per_minute=1, clock=lambda: 1_800_000_000.5))
    create(server, b'{"tag_name":"v1","draft":true}')
    line, headers, body = create(server, b'{"tag_name":"v1","draft":true}')
    assert (line, headers["retry-after"]) == ("HTTP/1.1 403 Forbidden", "60")
    assert (headers["x-ratelimit-used"], headers["x-ratelimit-reset"]) == ("1", "1800003601")
    assert json.loads(body)["message"] == (
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
        "Please retry your request again later."
    )


@dataclass
class Script:
    """A server that answers what it was told to, and keeps what it heard."""

    url: str
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*answers: str) -> Iterator[Script]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = Script(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    script.heard.append(_read(connection))
                    connection.sendall(answer.encode().replace(b"$URL", script.url.encode()))

        thread = threading.Thread(target=serve)
        thread.start()
        yield script
        thread.join(10)
        assert len(script.heard) == len(answers)


def _read(connection: socket.socket) -> bytes:
    whole = b""
    while b"\r\n\r\n" not in whole:
        whole += connection.recv(65_536)
    head, _, body = whole.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < sum(lengths):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: str, headers: str = "") -> str:
    """Return a reply that ends with its connection."""
    kind = "content-type: application/json; charset=utf-8\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{headers}connection: close\r\n\r\n{body}"


RELEASE = '{"id":7,"tag_name":"v1","draft":true,"url":"$URL/repos/o/r/releases/7","upload_url":"$URL/repos/o/r/releases/7/assets{?name,label}"}'


def client(script: Script) -> Github:
    return Github(
        auth=Auth.Token("secret"), base_url=script.url, lazy=True, retry=None, seconds_between_requests=0,
        seconds_between_writes=0,
    )  # fmt: skip


def test_what_pygithub_asks_for_a_draft_and_an_upload() -> None:
    asset = '{"id":8,"name":"a.tgz","state":"uploaded","size":5,"digest":"sha256:2cf2"}'
    with scripted(answer("201 Created", RELEASE), answer("201 Created", asset)) as script, client(script) as github:
        release = github.get_repo("o/r").create_git_release("v1", "One", "text", draft=True, make_latest="false")
        uploaded = release.upload_asset_from_memory(BytesIO(b"hello"), 5, "a.tgz", "application/gzip")
    assert (uploaded.id, uploaded.state, uploaded.digest) == (8, "uploaded", "sha256:2cf2")
    head, _, sent = script.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /repos/o/r/releases HTTP/1.1\r\n")
    assert b"\r\nAuthorization: token secret" in head
    assert json.loads(sent) == {
        "tag_name": "v1",
        "name": "One",
        "body": "text",
        "draft": True,
        "prerelease": False,
        "generate_release_notes": False,
        "make_latest": "false",
    }
    head, _, sent = script.heard[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /repos/o/r/releases/7/assets?label=&name=a.tgz HTTP/1.1\r\n")
    assert (b"\r\nContent-Type: application/gzip" in head, sent) == (True, b"hello")


def test_what_pygithub_makes_of_refusals() -> None:
    limit = (
        '{"documentation_url":"https://docs.github.com/en/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api'
        '#about-secondary-rate-limits","message":"You have exceeded a secondary rate limit and have been temporarily '
        'blocked from content creation. Please retry your request again later."}'
    )
    taken = (
        '{"message":"Validation Failed","errors":[{"resource":"ReleaseAsset","code":"already_exists","field":"name"}],'
        '"documentation_url":"https://docs.github.com/rest"}'
    )
    gone = '{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}'
    answers = (
        answer("403 Forbidden", limit, "retry-after: 60\r\n"),
        answer("422 Unprocessable Entity", taken),
        answer("404 Not Found", gone),
    )
    with scripted(*answers) as script, client(script) as github:
        repository = github.get_repo("o/r")
        ends = []
        for _ in range(2):
            with pytest.raises(GithubException) as caught:
                repository.create_git_release("v1", "v1", "text")
            ends.append((type(caught.value).__name__, caught.value.status))
        assert caught.value.data["errors"][0]["code"] == "already_exists"
        with pytest.raises(UnknownObjectException):
            repository.get_release("v1")
    assert ends == [("RateLimitExceededException", 403), ("GithubException", 422)]
    assert script.heard[2].startswith(b"GET /repos/o/r/releases/tags/v1 HTTP/1.1\r\n")
