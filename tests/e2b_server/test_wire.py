"""The wire, byte by byte, on plain sockets: what the SDK sends, what it understands, and what the server answers.

Client and server are built on one protocol library; a mistake of it would be on both sides, but not in these texts.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from e2b import CommandExitException, Sandbox
from e2b.exceptions import SandboxUnreachableException, TimeoutException
from e2b.sandbox.sandbox_api import SandboxQuery

from tests.e2b_server import E2BServer

KEY = "e2b_0123456789abcdef0123456789abcdef01234567"


def talk(server: E2BServer, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and return the status, the headers and the body as it is on the wire."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=120) as connection:
        connection.sendall(request)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def unchunk(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


def envelope(text: str, flags: int = 0) -> bytes:
    return struct.pack("!BI", flags, len(text)) + text.encode()


def control(method: str, path: str, body: str = "", headers: str = "") -> bytes:
    length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n{headers}{length}connection: close\r\n\r\n{body}".encode()


class Bare:
    """A sandbox, opened and used without the SDK."""

    def __init__(self, server: E2BServer) -> None:
        self.server, self.key = server, f"key-{len(server.created())}"
        status, headers, body = talk(
            server,
            control(
                "POST",
                "/v2/sandboxes",
                '{"templateID":"base","timeout":120,"metadata":{"run_id":"42 a&b","job":"x"},"envVars":{"A":"1"}}',
                f"idempotency-key: {self.key}\r\n",
            ),
        )
        assert (status, headers["content-type"]) == (201, "application/json")
        self.created = json.loads(body)
        self.id, self.token = self.created["sandboxID"], self.created["envdAccessToken"]

    def post(self, path: str, headers: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        own = f"host: x\r\nx-access-token: {self.token}\r\ne2b-sandbox-id: {self.id}\r\ne2b-sandbox-port: 49983\r\nconnection: close\r\n"
        return talk(
            self.server, f"POST {path} HTTP/1.1\r\n{own}{headers}content-length: {len(body)}\r\n\r\n".encode() + body
        )

    def start(self, message: str, headers: str = "") -> bytes:
        fixed = "connect-protocol-version: 1\r\ncontent-type: application/connect+json\r\nconnect-accept-encoding: identity\r\nconnect-content-encoding: identity\r\n"
        status, answered, body = self.post("/process.Process/Start", fixed + headers, envelope(message))
        assert (status, answered["content-type"]) == (200, "application/connect+json")
        return unchunk(body) if "transfer-encoding" in answered else body


@pytest.fixture
def bare(server: E2BServer) -> Bare:
    return Bare(server)


def test_a_create(bare: Bare) -> None:
    assert set(bare.created) == {"templateID", "sandboxID", "clientID", "envdVersion", "envdAccessToken", "domain"}
    assert (bare.created["envdVersion"], bare.created["domain"]) == ("0.6.13", None)
    (record,) = bare.server.running()
    assert (record.metadata, record.env, record.idempotency_key) == (
        {"run_id": "42 a&b", "job": "x"},
        {"A": "1"},
        bare.key,
    )


def test_a_list_by_metadata_that_is_encoded_three_times(bare: Bare) -> None:
    status, _, body = talk(bare.server, control("GET", "/v2/sandboxes?metadata=run_id%3D42%252520a%252526b&limit=1"))
    assert status == 200
    (found,) = json.loads(body)
    required = {
        "templateID",
        "sandboxID",
        "clientID",
        "startedAt",
        "endAt",
        "cpuCount",
        "memoryMB",
        "diskSizeMB",
        "state",
        "envdVersion",
    }
    assert required <= set(found)
    assert (found["sandboxID"], found["state"]) == (bare.id, "running")
    assert talk(bare.server, control("GET", "/v2/sandboxes?metadata=run_id%3D42"))[2] == b"[]"


def test_the_end_of_a_sandbox(bare: Bare) -> None:
    assert talk(bare.server, control("POST", f"/sandboxes/{bare.id}/timeout", '{"timeout":9}'))[::2] == (204, b"")
    assert talk(bare.server, control("DELETE", f"/sandboxes/{bare.id}"))[::2] == (204, b"")
    status, _, body = talk(bare.server, control("DELETE", f"/sandboxes/{bare.id}"))
    assert (status, json.loads(body)["code"]) == (404, 404)
    status, headers, body = bare.post("/filesystem.Filesystem/Stat", "content-type: application/json\r\n", b"{}")
    assert (status, headers["content-type"], body) == (
        502,
        "application/json",
        b'{"sandboxId":"%s","message":"The sandbox was not found","code":502}' % bare.id.encode(),
    )


UNARY = "connect-protocol-version: 1\r\ncontent-type: application/json\r\naccept-encoding: identity\r\ncontent-encoding: identity\r\nconnect-timeout-ms: 60000\r\n"


def test_a_unary_call_and_its_error(bare: Bare) -> None:
    status, headers, body = bare.post("/filesystem.Filesystem/MakeDir", UNARY, b'{"path":"/build/fs"}')
    assert (status, headers["content-type"]) == (200, "application/json")
    entry = rb'\{"entry":\{"name":"fs","type":"FILE_TYPE_DIRECTORY","path":"/build/fs","size":"\d+","mode":493,"permissions":"drwxr-xr-x","owner":"builder","group":"builder","modifiedTime":"[0-9T:.-]+Z"\}\}'
    assert re.fullmatch(entry, body), body
    status, headers, body = bare.post("/filesystem.Filesystem/MakeDir", UNARY, b'{"path":"/build/fs"}')
    assert (status, headers["content-type"], json.loads(body)["code"]) == (409, "application/json", "already_exists")


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("true", '{"event":{"end":{"exited":true,"status":"exit status 0"}}}'),
        ("exit 2", '{"event":{"end":{"exitCode":2,"exited":true,"status":"exit status 2","error":"exit status 2"}}}'),
        ("kill -9 $$", '{"event":{"end":{"exitCode":-1,"status":"signal: killed","error":"signal: killed"}}}'),
    ],
)
def test_a_stream_and_its_end(bare: Bare, script: str, end: str) -> None:
    message = '{"process":{"cmd":"/bin/bash","args":["-l","-c","echo out; echo $FOO; SCRIPT"],"envs":{"FOO":"bar"},"cwd":"/tmp"},"stdin":false}'
    said = bare.start(message.replace("SCRIPT", script))
    found = re.match(rb'\x00\x00\x00\x00.(\{"event":\{"start":\{"pid":\d+\}\}\})', said)
    assert found
    output = (
        ['{"event":{"data":{"stdout":"b3V0CmJhcgo="}}}'],
        ['{"event":{"data":{"stdout":"b3V0Cg=="}}}', '{"event":{"data":{"stdout":"YmFyCg=="}}}'],
    )
    assert said in [
        envelope(found[1].decode()) + b"".join(map(envelope, (*data, end))) + envelope("{}", flags=2) for data in output
    ]


def error_at_the_end(said: bytes) -> dict[str, str]:
    """Return the error of a stream's last envelope, which is of the kind that ends a stream."""
    last = b""
    while said:
        flags, size = struct.unpack_from("!BI", said)
        last, said = said[5 : 5 + size], said[5 + size :]
    assert flags == 2
    found: dict[str, str] = json.loads(last)["error"]
    return found


def test_a_stream_that_ends_with_an_error(bare: Bare) -> None:
    message = '{"process":{"cmd":"/bin/bash","args":["-l","-c","sleep 9"]}}'
    said = bare.start(message, "connect-timeout-ms: 300\r\n")
    assert error_at_the_end(said) == {"code": "deadline_exceeded", "message": "context deadline exceeded"}
    refused = bare.start('{"process":{"cmd":"/bin/bash","cwd":"/none"}}')
    assert error_at_the_end(refused) == {"code": "invalid_argument", "message": "cwd '/none' does not exist"}


def test_a_silent_stream_is_kept_alive(bare: Bare) -> None:
    said = bare.start(
        '{"process":{"cmd":"/bin/bash","args":["-l","-c","sleep 1.3"]}}', "keepalive-ping-interval: 1\r\n"
    )
    assert said.count(envelope('{"event":{"keepalive":{}}}')) == 1


def test_bodies_that_are_none_are_refused_and_noted(server: E2BServer) -> None:
    status, _, body = talk(server, control("POST", "/v2/sandboxes", '{"templateID":7}'))
    assert (status, json.loads(body)["code"]) == (400, 400)
    assert talk(server, control("POST", "/v1/none", "{}"))[0] == 404
    status, _, body = talk(
        server, control("POST", "/v2/sandboxes", '{"templateID":"none","colour":"red"}', "x-odd: 1\r\n")
    )
    assert status == 404
    assert [violation.splitlines()[0].partition(": ")[2] for violation in server.violations] == [
        "1 validation error for NewSandbox", "no such path", "unknown header x-odd", "unknown field colour",
    ]  # fmt: skip
    server.violations.clear()


class Script:
    """A server without any protocol: it keeps what it is sent and answers what it was given, in turn."""

    def __init__(self, answers: list[bytes]) -> None:
        self.heard: list[bytes] = []
        self._answers = answers
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self.listening.accept()
            with connection:
                connection.settimeout(5)
                heard = b""
                while not complete(heard):
                    heard += connection.recv(65_536)
                self.heard.append(heard)
                connection.sendall(answer)


def complete(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if found := re.search(rb"content-length: (\d+)", head, re.IGNORECASE):
        return len(body) >= int(found[1])
    return body.endswith(b"0\r\n\r\n") if b"chunked" in head else bool(end)


def answer(status: str, body: bytes, kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        + body
    )


CREATED = answer(
    "201 Created",
    b'{"templateID":"base","sandboxID":"i7f41","clientID":"emu","envdVersion":"0.6.13","envdAccessToken":"tok","domain":null}',
)


@contextmanager
def scripted(monkeypatch: pytest.MonkeyPatch, *answers: bytes) -> Iterator[Script]:
    script = Script([*answers])
    url = f"http://127.0.0.1:{script.listening.getsockname()[1]}"
    for name, value in (("E2B_API_KEY", KEY), ("E2B_API_URL", url), ("E2B_SANDBOX_URL", url)):
        monkeypatch.setenv(name, value)
    try:
        yield script
        script.thread.join(5)
    finally:
        script.listening.close()


def headers_of(request: bytes) -> dict[str, str]:
    return dict(line.lower().split(": ", 1) for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:])


def test_what_the_sdk_sends_to_create_and_list(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(monkeypatch, CREATED, answer("200 OK", b"[]")) as script:
        Sandbox.create(
            "base", timeout=120, metadata={"run_id": "42 a&b", "job": "x"}, envs={"A": "1"}, idempotency_key="abc-123"
        )
        Sandbox.list(query=SandboxQuery(metadata={"run_id": "42 a&b"})).next_items()
    create, listed = script.heard
    assert create.startswith(b"POST /v2/sandboxes HTTP/1.1\r\n")
    assert (
        headers_of(create)["x-api-key"],
        headers_of(create)["idempotency-key"],
        headers_of(create)["content-type"],
    ) == (KEY, "abc-123", "application/json")
    assert create.endswith(
        b'\r\n\r\n{"templateID":"base","timeout":120,"metadata":{"run_id":"42 a&b","job":"x"},"envVars":{"A":"1"}}'
    )
    assert b"metadata=run_id%3D42%252520a%252526b" in listed.partition(b"\r\n")[0]


def test_what_the_sdk_sends_and_understands_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    made = b'{"entry":{"name":"fs","type":"FILE_TYPE_DIRECTORY","path":"/w/fs","size":"4096","mode":493,"permissions":"drwxr-xr-x","owner":"user","group":"user","modifiedTime":"2026-11-22T20:46:14Z"}}'
    there = answer("409 Conflict", b'{"code":"already_exists","message":"path already exists"}')
    with scripted(monkeypatch, CREATED, answer("200 OK", made), there) as script:
        sandbox = Sandbox.create("base")
        assert sandbox.files.make_dir("/w/fs") is True
        assert sandbox.files.make_dir("/w/fs") is False
    sent = script.heard[1]
    assert sent.startswith(b"POST /filesystem.Filesystem/MakeDir HTTP/1.1\r\n")
    expected = {
        "connect-protocol-version": "1",
        "content-type": "application/json",
        "connect-timeout-ms": "60000",
        "x-access-token": "tok",
        "e2b-sandbox-id": "i7f41",
        "e2b-sandbox-port": "49983",
    }
    assert expected.items() <= headers_of(sent).items()
    assert b'{"path":"/w/fs"}' in sent.partition(b"\r\n\r\n")[2]


STARTED = envelope('{"event":{"start":{"pid":11089}}}') + envelope('{"event":{"data":{"stdout":"b3V0CmJhcgo="}}}')


def test_what_the_sdk_sends_and_understands_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [
        envelope('{"event":{"keepalive":{}}}')
        + envelope('{"event":{"end":{"exited":true,"status":"exit status 0"}}}')
        + envelope("{}", 2),
        envelope('{"event":{"end":{"exitCode":2,"exited":true,"status":"exit status 2","error":"exit status 2"}}}')
        + envelope("{}", 2),
        envelope('{"event":{"end":{"exitCode":-1,"status":"signal: killed","error":"signal: killed"}}}')
        + envelope("{}", 2),
        envelope('{"error":{"code":"deadline_exceeded","message":"context deadline exceeded"}}', 2),
    ]
    with scripted(
        monkeypatch, CREATED, *(answer("200 OK", STARTED + end, "application/connect+json") for end in ends)
    ) as script:
        sandbox = Sandbox.create("base")
        assert sandbox.commands.run("echo out", envs={"FOO": "bar"}, cwd="/tmp", timeout=30).stdout == "out\nbar\n"
        for code, error in ((2, "exit status 2"), (-1, "signal: killed")):
            with pytest.raises(CommandExitException) as caught:
                sandbox.commands.run("exit")
            assert (caught.value.exit_code, caught.value.error) == (code, error)
        with pytest.raises(TimeoutException):
            sandbox.commands.run("sleep 9")
    sent = script.heard[1]
    assert headers_of(sent)["content-type"] == "application/connect+json"
    assert (headers_of(sent)["connect-timeout-ms"], headers_of(sent)["keepalive-ping-interval"]) == ("30000", "50")
    message = (
        '{"process":{"cmd":"/bin/bash","args":["-l","-c","echo out"],"envs":{"FOO":"bar"},"cwd":"/tmp"},"stdin":false}'
    )
    assert unchunk(sent.partition(b"\r\n\r\n")[2]) == envelope(message)


def test_an_error_of_a_proxy_is_no_error_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    page = answer("502 Bad Gateway", b"<html>bad gateway</html>", "text/html")
    with scripted(monkeypatch, CREATED, page, b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"):
        sandbox = Sandbox.create("base")
        with pytest.raises(SandboxUnreachableException):
            sandbox.commands.run("true")
