"""The daemon inside of a sandbox, on the protocol stubs that the SDK ships: processes, the file system, and /files."""

from __future__ import annotations

import asyncio
import errno
import os
import posixpath
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.request import RequestContext
from e2b.envd.filesystem import filesystem_pb as files
from e2b.envd.filesystem.filesystem_connect import Filesystem, FilesystemASGIApplication
from e2b.envd.process import process_pb as pb
from e2b.envd.process.process_connect import Process, ProcessASGIApplication
from protobuf import Oneof
from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.e2b_server.commands import Data, Ended, Listener, Lost, Running
from tests.e2b_server.machine import HOME, Refused
from tests.e2b_server.sandboxes import Box

ENVD_VERSION: Final = "0.6.13"
KEEPALIVE_SECONDS: Final = 90.0
BLOCK_BYTES: Final = 1 << 20


@dataclass
class Call:
    """One request to a sandbox; `gone` is set when the client has left."""

    box: Box
    gone: asyncio.Event = field(default_factory=asyncio.Event)


CALL: ContextVar[Call] = ContextVar("call")


class Processes(Process):
    """The process service."""

    async def list(self, request: pb.ListRequest, ctx: RequestContext[Any, Any], /) -> pb.ListResponse:
        """All that run."""
        return pb.ListResponse(
            processes=[
                pb.ProcessInfo(
                    config=pb.ProcessConfig(
                        cmd=each.argv[0], args=[*each.argv[1:]], envs=dict(each.envs), cwd=each.cwd
                    ),
                    pid=each.pid,
                    tag=each.tag,
                )
                for each in CALL.get().box.commands.alive()
            ]
        )

    async def start(
        self, request: pb.StartRequest, ctx: RequestContext[Any, Any], /
    ) -> AsyncIterator[pb.StartResponse]:
        """Start a command and tell what it says; its time over, its leader is killed."""
        box, config = CALL.get().box, request.process
        if request.has_field("pty"):
            raise ConnectError(Code.UNIMPLEMENTED, "this server has no terminals")
        if config is None or not config.cmd:
            raise ConnectError(Code.INVALID_ARGUMENT, "no command")
        cwd = inside(config.cwd) if config.has_field("cwd") and config.cwd else HOME
        stdin = request.stdin if request.has_field("stdin") else True
        tag = request.tag if request.has_field("tag") else None
        envs = {**box.born.env, **config.envs}
        try:
            if not (await box.machine.call("is_directory", path=cwd)).values["is"]:
                raise ConnectError(Code.INVALID_ARGUMENT, f"cwd '{cwd}' does not exist")
            running, listener = await box.commands.start(box.machine, (config.cmd, *config.args), envs, cwd, tag, stdin)
        except Refused as error:
            code = Code.INVALID_ARGUMENT if error.errno else Code.UNAVAILABLE
            raise ConnectError(code, f"error starting process '{config.cmd}': {error}") from None
        if ctx.timeout_ms is not None:
            # By a clock of its own: the client, whose deadline is the same, may have left a moment before.
            box.commands.later(ctx.timeout_ms / 1000, lambda: _kill(box, running, 9))
        async for event in self._events(running, listener, ctx):
            yield pb.StartResponse(event=event)

    async def connect(
        self, request: pb.ConnectRequest, ctx: RequestContext[Any, Any], /
    ) -> AsyncIterator[pb.ConnectResponse]:
        """Tell what a command says from now on, or how it ended."""
        running, listener = self._find(request.process), Listener()
        if running.ended:
            listener.add(running.ended)
        running.listeners.add(listener)
        async for event in self._events(running, listener, ctx):
            yield pb.ConnectResponse(event=event)

    async def send_signal(
        self, request: pb.SendSignalRequest, ctx: RequestContext[Any, Any], /
    ) -> pb.SendSignalResponse:
        """Signal a command's leader, and nothing that it started."""
        running = self._find(request.process)
        if request.signal not in (pb.Signal.SIGKILL, pb.Signal.SIGTERM):
            raise ConnectError(Code.UNIMPLEMENTED, f"invalid signal: {request.signal}")
        if running.ended or running.exited.done():
            raise ConnectError(Code.NOT_FOUND, f"process with pid {running.pid} not found")
        await _kill(CALL.get().box, running, int(request.signal))
        return pb.SendSignalResponse()

    async def send_input(self, request: pb.SendInputRequest, ctx: RequestContext[Any, Any], /) -> pb.SendInputResponse:
        """Write to a command's input."""
        running = self._find(request.process)
        given = request.input.input if request.input else None
        if given is None or given.field != "stdin":
            raise ConnectError(Code.UNIMPLEMENTED, "this server has no terminals")
        if running.stdin is None:
            raise ConnectError(Code.FAILED_PRECONDITION, "stdin not enabled or closed")
        try:
            await asyncio.to_thread(_write_all, running.stdin, given.value)
        except OSError as error:
            raise ConnectError(Code.INTERNAL, f"error writing to stdin: {error.strerror}") from None
        return pb.SendInputResponse()

    async def close_stdin(
        self, request: pb.CloseStdinRequest, ctx: RequestContext[Any, Any], /
    ) -> pb.CloseStdinResponse:
        """End a command's input."""
        self._find(request.process).close_stdin()
        return pb.CloseStdinResponse()

    def _find(self, selector: pb.ProcessSelector | None) -> Running:
        chosen = selector.selector if selector else None
        if chosen is None:
            raise ConnectError(Code.INVALID_ARGUMENT, "invalid input type <nil>")
        match chosen:
            case Oneof(field="pid", value=int(pid)):
                running = CALL.get().box.commands.find(pid, None)
            case _:
                running = CALL.get().box.commands.find(None, str(chosen.value))
        if running is None:
            raise ConnectError(Code.NOT_FOUND, f"process with {chosen.field} {chosen.value} not found")
        return running

    async def _events(
        self, running: Running, listener: Listener, ctx: RequestContext[Any, Any]
    ) -> AsyncIterator[pb.ProcessEvent]:
        """Yield events until the end, the client's leaving, or the client's own deadline."""
        call, milliseconds = CALL.get(), ctx.timeout_ms
        deadline = float("inf") if milliseconds is None else time.monotonic() + milliseconds / 1000
        interval = float(ctx.request_headers.get("keepalive-ping-interval", str(KEEPALIVE_SECONDS)))
        leaving = asyncio.create_task(_close_when_gone(call, listener))
        try:
            yield _event("start", pb.ProcessEvent.StartEvent(pid=running.pid))
            while not call.gone.is_set():
                match await listener.take(min(interval, deadline - time.monotonic())):
                    case Data(stream, content):
                        output: Any = Oneof(stream, content)
                        yield _event("data", pb.ProcessEvent.DataEvent(output=output))
                    case Ended() as ended:
                        yield _event("end", _end_event(ended))
                        return
                    case Lost():
                        if not call.gone.is_set():
                            raise ConnectError(Code.UNAVAILABLE, f"the connection to sandbox {call.box.born.id} ended")
                    case None if time.monotonic() >= deadline:
                        raise ConnectError(Code.DEADLINE_EXCEEDED, "context deadline exceeded")
                    case None:
                        yield _event("keepalive", pb.ProcessEvent.KeepAlive())
        finally:
            leaving.cancel()
            running.listeners.discard(listener)
            listener.close()


def _event(name: str, event: Any) -> pb.ProcessEvent:
    chosen: Any = Oneof(name, event)
    return pb.ProcessEvent(event=chosen)


async def _close_when_gone(call: Call, listener: Listener) -> None:
    await call.gone.wait()
    listener.close()
    listener.add(Lost())


async def _kill(box: Box, running: Running, number: int) -> None:
    """Signal a command's leader, if it still runs."""
    if running.exited.done():
        return
    try:
        await box.machine.call("signal", pid=running.pid, signal=number)
    except Refused as error:
        if error.errno != errno.ESRCH:
            raise ConnectError(Code.INTERNAL, str(error)) from None


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _end_event(ended: Ended) -> pb.ProcessEvent.EndEvent:
    if ended.code == 0:
        return pb.ProcessEvent.EndEvent(exited=True, status=ended.status)
    if ended.code > 0:
        return pb.ProcessEvent.EndEvent(exit_code=ended.code, exited=True, status=ended.status, error=ended.status)
    return pb.ProcessEvent.EndEvent(exit_code=-1, status=ended.status, error=ended.status)


def inside(path: str) -> str:
    """Return the absolute path of the sandbox that is meant: from the user's home where it is relative."""
    if path == "~" or path.startswith("~/"):
        path = HOME + path[1:]
    return posixpath.normpath(posixpath.join(HOME, path))


_CODES: Final = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.EEXIST: Code.ALREADY_EXISTS,
    errno.ENOTDIR: Code.INVALID_ARGUMENT,
    errno.EACCES: Code.PERMISSION_DENIED,
    errno.EPERM: Code.PERMISSION_DENIED,
    errno.EROFS: Code.PERMISSION_DENIED,
    errno.ENOSPC: Code.RESOURCE_EXHAUSTED,
    0: Code.UNAVAILABLE,
}


class FileSystem(Filesystem):
    """The file system service."""

    async def stat(self, request: files.StatRequest, ctx: RequestContext[Any, Any], /) -> files.StatResponse:
        """Describe one file."""
        return files.StatResponse(entry=_entry((await _ask("entry", path=inside(request.path)))["entry"]))

    async def make_dir(self, request: files.MakeDirRequest, ctx: RequestContext[Any, Any], /) -> files.MakeDirResponse:
        """Make a directory and those above it."""
        made = await _ask("make_directory", path=inside(request.path))
        return files.MakeDirResponse(entry=_entry(made["entry"]))

    async def list_dir(self, request: files.ListDirRequest, ctx: RequestContext[Any, Any], /) -> files.ListDirResponse:
        """Describe what is in a directory."""
        found = await _ask("list_directory", path=inside(request.path), depth=request.depth or 1)
        return files.ListDirResponse(entries=[_entry(each) for each in found["entries"]])

    async def remove(self, request: files.RemoveRequest, ctx: RequestContext[Any, Any], /) -> files.RemoveResponse:
        """Remove a file or a tree, or nothing where there is none."""
        await _ask("remove", path=inside(request.path))
        return files.RemoveResponse()

    async def move(self, request: files.MoveRequest, ctx: RequestContext[Any, Any], /) -> files.MoveResponse:
        """Rename."""
        moved = await _ask("move", source=inside(request.source), destination=inside(request.destination))
        return files.MoveResponse(entry=_entry(moved["entry"]))


async def _ask(call: str, **values: Any) -> Any:
    try:
        return (await CALL.get().box.machine.call(call, **values)).values
    except Refused as error:
        path = values.get("path") or values.get("source")
        raise ConnectError(_CODES.get(error.errno, Code.INTERNAL), f"path '{path}': {error}") from None


def _entry(said: dict[str, Any]) -> files.EntryInfo:
    seconds, nanos = divmod(said["modified"], 1_000_000_000)
    return files.EntryInfo(
        name=said["name"], type=files.FileType[said["type"]], path=said["path"], size=said["size"], mode=said["mode"],
        permissions=said["permissions"], owner=said["owner"], group=said["group"],
        modified_time=Timestamp(seconds=seconds, nanos=nanos), is_symlink="target" in said,
        symlink_target=said.get("target"),
    )  # fmt: skip


def problem(status: int, message: str) -> JSONResponse:
    """Return envd's and the service's error."""
    return JSONResponse({"code": status, "message": message}, status)


async def download(request: Request) -> Response:
    """GET /files: a file as it is, or compressed for who asks for it, never whole in memory."""
    path = inside(request.query_params.get("path", ""))
    try:
        answer = await CALL.get().box.machine.call("open", path=path, write=False)
    except Refused as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return problem(404, f"path '{path}' does not exist")
        return problem(403 if error.errno == errno.EACCES else 500, f"path '{path}': {error}")
    descriptor = answer.descriptors[0]
    if answer.values["directory"]:
        os.close(descriptor)
        return problem(400, f"path '{path}' is a directory")
    headers = {"content-disposition": f'inline; filename="{posixpath.basename(path)}"', "vary": "Accept-Encoding"}
    content = _blocks(descriptor)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = _compressed(content), "gzip"
    else:
        headers["content-length"] = str(answer.values["size"])
    return StreamingResponse(content, headers=headers, media_type="application/octet-stream")


async def _blocks(descriptor: int) -> AsyncIterator[bytes]:
    try:
        while block := os.read(descriptor, BLOCK_BYTES // 4):
            yield block
    finally:
        os.close(descriptor)


async def _compressed(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    async for block in blocks:
        if packed := await asyncio.to_thread(packer.compress, block):
            yield packed
    yield packer.flush()


async def upload(request: Request) -> Response:
    """POST /files: one file as the body, or several as parts whose names are their paths."""
    kind = request.headers.get("content-type", "")
    length = int(request.headers.get("content-length", "0"))
    box = CALL.get().box
    try:
        room = (box.born.size.disk_mib << 20) - await asyncio.to_thread(box.machine.disk_bytes)
        if length > room:
            return problem(507, f"not enough disk space: {length} bytes for {room}")
        if kind.startswith("multipart/form-data"):
            written = await _take_parts(request, box, room)
        elif kind == "application/octet-stream" and "path" in request.query_params:
            path = inside(request.query_params["path"])
            written = [await _take(box, path, _unpacked(request), room)]
        else:
            return problem(400, f"content type {kind} with path {request.query_params.get('path')} is not understood")
    except Refused as error:
        if error.errno == errno.ENOSPC:
            return problem(507, f"not enough disk space: {error}")
        return problem(400 if error.errno else 502, str(error))
    except OSError as error:
        return problem(507 if error.errno == errno.ENOSPC else 502, f"not enough disk space: {error.strerror}")
    return JSONResponse(written)


async def _take_parts(request: Request, box: Box, room: int) -> list[dict[str, str]]:
    written = []
    async with request.form() as form:
        parts = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
        for part in parts:
            path = request.query_params.get("path") if len(parts) == 1 else None
            written.append(await _take(box, inside(path or part.filename or ""), _part_blocks(part), room))
    return written


async def _part_blocks(part: UploadFile) -> AsyncIterator[bytes]:
    while block := await part.read(BLOCK_BYTES):
        yield block


async def _unpacked(request: Request) -> AsyncIterator[bytes]:
    if request.headers.get("content-encoding") != "gzip":
        async for block in request.stream():
            yield block
        return
    unpacker = zlib.decompressobj(wbits=31)
    async for block in request.stream():
        rest = block
        while rest:
            if unpacked := await asyncio.to_thread(unpacker.decompress, rest, BLOCK_BYTES):
                yield unpacked
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()


async def _take(box: Box, path: str, content: AsyncIterator[bytes], room: int) -> dict[str, str]:
    """Write a file; Refused when it cannot be, or does not fit."""
    descriptor = (await box.machine.call("open", path=path, write=True)).descriptors[0]
    left = room
    try:
        async for block in content:
            left -= len(block)
            if left < 0:
                raise Refused(errno.ENOSPC, "No space left on device")
            _write_all(descriptor, block)
    finally:
        os.close(descriptor)
    return {"path": path, "name": posixpath.basename(path), "type": "file"}


ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


class Envd:
    """All of envd, for the sandbox of the current `CALL`."""

    def __init__(self) -> None:
        self._processes: Any = ProcessASGIApplication(Processes(), compressions=())
        self._files: Any = FilesystemASGIApplication(FileSystem(), compressions=())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if path.startswith("/process.Process/"):
            await self._processes(scope, receive, send)
        elif path.startswith("/filesystem.Filesystem/"):
            await self._files(scope, receive, send)
        else:
            await (await self._plain(Request(scope, receive)))(scope, receive, send)

    async def _plain(self, request: Request) -> Response:
        match request.method, request.url.path:
            case "GET", "/health":
                return Response(status_code=204)
            case "GET", "/files":
                return await download(request)
            case "POST", "/files":
                return await upload(request)
            case _:
                return problem(404, "404 page not found")
