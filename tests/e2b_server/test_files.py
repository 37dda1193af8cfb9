"""Files through the SDK: small ones, streams, and what cannot be done."""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
from collections.abc import Iterator

import pytest
from e2b import Sandbox
from e2b.exceptions import FileNotFoundException, InvalidArgumentException, NotEnoughSpaceException
from e2b.sandbox.filesystem.filesystem import FileType, WriteEntry

from tests.e2b_server import E2BServer


def test_files_are_written_read_listed_moved_and_removed(sandbox: Sandbox) -> None:
    files = sandbox.files
    files.write("/build/deep/er/a.txt", "text")
    files.write_files([WriteEntry(path="/build/deep/b", data=b"\0\xff"), WriteEntry(path="/build/deep/c", data="c")])
    assert files.read("/build/deep/er/a.txt") == "text"
    assert files.read("/build/deep/b", format="bytes") == bytearray(b"\0\xff")
    assert [(each.name, each.type) for each in files.list("/build/deep")] == [
        ("b", FileType.FILE),
        ("c", FileType.FILE),
        ("er", FileType.DIR),
    ]
    assert [each.path for each in files.list("/build/deep", depth=2)][-1] == "/build/deep/er/a.txt"
    assert files.rename("/build/deep/b", "/build/other/b").path == "/build/other/b"
    assert not files.exists("/build/deep/b")
    files.remove("/build/deep")
    files.remove("/build/deep")
    assert not files.exists("/build/deep")


def test_directories_are_made_once(sandbox: Sandbox) -> None:
    assert sandbox.files.make_dir("/build/x/y") is True
    assert sandbox.files.make_dir("/build/x/y") is False


def test_files_belong_to_the_sandboxs_own_user(sandbox: Sandbox) -> None:
    sandbox.files.write("/build/f", "x")
    sandbox.commands.run("chmod 0640 /build/f && ln -s f /build/link")
    info = sandbox.files.get_info("/build/f")
    assert (info.permissions, info.mode, info.size, info.owner, info.group) == (
        "-rw-r-----",
        0o640,
        1,
        "builder",
        "builder",
    )
    assert sandbox.files.get_info("/build/link").symlink_target == "/build/f"


def test_links_are_followed_as_the_sandbox_sees_them(sandbox: Sandbox) -> None:
    sandbox.commands.run(
        "ln -s /etc/hostname-of-the-host /build/out && ln -s /build/real /build/in && echo real > /build/real"
    )
    assert sandbox.files.read("/build/in") == "real\n"
    with pytest.raises(FileNotFoundException):
        sandbox.files.read("/build/out")


def test_what_is_not_there_is_not_found(sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundException):
        sandbox.files.read("/build/none")
    with pytest.raises(FileNotFoundException):
        sandbox.files.get_info("/build/none")
    with pytest.raises(FileNotFoundException):
        sandbox.files.list("/build/none")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.read("/build")


def pieces(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * (1 << 20)


@pytest.mark.parametrize("gzip", [False, True])
def test_streams_go_both_ways_without_being_held_in_memory(sandbox: Sandbox, gzip: bool) -> None:
    digest = hashlib.sha256(b"".join(pieces(24))).hexdigest()
    tracemalloc.start()
    sandbox.files.write("/build/large", pieces(24), gzip=gzip, use_octet_stream=True)
    assert sandbox.commands.run("sha256sum < /build/large").stdout.split()[0] == digest
    received = hashlib.sha256()
    for piece in sandbox.files.read("/build/large", format="stream", gzip=gzip):
        received.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received.hexdigest() == digest
    assert peak < 16 << 20


def test_a_file_object_is_sent_as_a_stream(server: E2BServer, sandbox: Sandbox) -> None:
    content = os.urandom(300_000)
    sandbox.files.write("/build/object", io.BytesIO(content), use_octet_stream=True)
    assert sandbox.files.read("/build/object", format="bytes") == content
    (sent,) = [
        seen
        for seen in server.requests
        if (seen.method, seen.path) == ("POST", "/files") and seen.headers["e2b-sandbox-id"] == sandbox.sandbox_id
    ]
    assert sent.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("streamed", [False, True])
def test_more_than_the_disk_holds_is_refused(server: E2BServer, streamed: bool) -> None:
    sandbox = Sandbox.create("tiny")
    with pytest.raises(NotEnoughSpaceException):
        sandbox.files.write("/build/large", pieces(2) if streamed else b"x" * (2 << 20), use_octet_stream=streamed)
    sandbox.files.remove("/build/large")
    sandbox.files.write("/build/small", b"x" * 1000)


def test_a_small_disk_can_be_filled_and_keeps_its_files_when_the_network_closes(server: E2BServer) -> None:
    sandbox = Sandbox.create("tiny")
    sandbox.commands.run("echo kept > /build/file")
    said = sandbox.commands.run(
        "head -c 2M /dev/zero > /build/large || df --output=avail -B1 /build | tail -n 1; rm /build/large"
    )
    assert (said.stdout.strip(), "No space left" in said.stderr) == ("0", True)
    sandbox.update_network({"deny_out": ["0.0.0.0/0"]})
    assert sandbox.files.read("/build/file") == "kept\n"
