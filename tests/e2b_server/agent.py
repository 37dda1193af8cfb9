"""The first program of a sandbox's machine: starts commands and touches files as the sandbox's user, on request.

It runs inside of the container on the standard library alone. Requests and replies are JSON, each after its length in
four bytes, on the socket that is inherited as the descriptor named by the only argument; open files travel beside them.
When the other end of the socket closes, the machine's owner is gone, and it ends.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

LENGTH = struct.Struct("!I")
MAX_DESCRIPTORS = 3


class Agent:
    """One end of the socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel, self._writing = channel, threading.Lock()

    def serve(self) -> None:
        """Answer requests until the other end is gone; each in a thread of its own, but for starts, in order."""
        self.say({"ready": os.getpid()})
        while received := receive(self._channel):
            request, descriptors = received
            if request["call"] == "start":
                self._answer(request, descriptors)
            else:
                threading.Thread(target=self._answer, args=(request, descriptors), daemon=True).start()

    def say(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Send one message."""
        with self._writing:
            send(self._channel, message, descriptors)

    def _answer(self, request: dict[str, Any], descriptors: list[int]) -> None:
        opened: list[int] = []
        call = request.pop("call")
        number = request.pop("number")
        try:
            match call:
                case "start":
                    answer: dict[str, Any] = {"pid": self._start(request, descriptors)}
                case "open":
                    answer = open_file(request["path"], bool(request["write"]), opened)
                case _:
                    answer = CALLS[call](**request)
            self.say({"number": number, **answer}, opened)
        except OSError as error:
            self.say({"number": number, "errno": error.errno or 0, "error": error.strerror or str(error)})
        except ValueError as error:
            self.say({"number": number, "errno": 0, "error": str(error)})
        finally:
            for descriptor in (*descriptors, *opened):
                os.close(descriptor)

    def _start(self, request: dict[str, Any], descriptors: list[int]) -> int:
        process = subprocess.Popen(
            request["argv"], env=request["env"], cwd=request["cwd"], start_new_session=True, umask=0o022,
            stdin=descriptors[0], stdout=descriptors[1], stderr=descriptors[2],
        )  # fmt: skip
        threading.Thread(target=self._wait, args=(process,), daemon=True).start()
        return process.pid

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        self.say({"exited": process.pid, "code": process.wait()})


def send(channel: socket.socket, message: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Send one message; descriptors go with its first bytes."""
    body = json.dumps(message).encode()
    socket.send_fds(channel, [LENGTH.pack(len(body))], descriptors)
    channel.sendall(body)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return one message and its descriptors, or None at the end."""
    try:
        head, descriptors, _, _ = socket.recv_fds(channel, LENGTH.size, MAX_DESCRIPTORS)
        if not head:
            return None
        head += _exactly(channel, LENGTH.size - len(head))
        return json.loads(_exactly(channel, LENGTH.unpack(head)[0])), descriptors
    except (ConnectionError, EOFError):
        return None


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def open_file(path: str, write: bool, opened: list[int]) -> dict[str, Any]:
    """Open a file; the directories above one that is written are made."""
    if write:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        opened.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666))
        return {}
    opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    found = os.fstat(opened[0])
    return {"size": found.st_size, "directory": stat.S_ISDIR(found.st_mode)}


def signal_process(pid: int, signal: int) -> dict[str, Any]:
    """Send a signal to one process and to nothing below it."""
    os.kill(pid, signal)
    return {}


def entry(path: str) -> dict[str, Any]:
    """Describe a file as envd does: a link by what it points to."""
    found = os.lstat(path)
    linked = stat.S_ISLNK(found.st_mode)
    followed = found
    if linked and os.path.exists(path):  # noqa: PTH110
        followed = os.stat(path)  # noqa: PTH116
    kind = (
        "DIRECTORY" if stat.S_ISDIR(followed.st_mode) else "FILE" if stat.S_ISREG(followed.st_mode) else "UNSPECIFIED"
    )
    described = {
        "name": os.path.basename(path),  # noqa: PTH119
        "type": kind,
        "path": path,
        "size": found.st_size,
        "mode": stat.S_IMODE(found.st_mode),
        "permissions": stat.filemode(found.st_mode),
        "owner": _name(pwd.getpwuid, found.st_uid),
        "group": _name(grp.getgrgid, found.st_gid),
        "modified": found.st_mtime_ns,
    }
    return {"entry": {**described, "target": os.path.realpath(path)} if linked else described}


def _name(find: Any, number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def make_directory(path: str) -> dict[str, Any]:
    """Make a directory and those above it; FileExistsError when it is there."""
    os.makedirs(path)  # noqa: PTH103
    return entry(path)


def list_directory(path: str, depth: int) -> dict[str, Any]:
    """Describe what is below a directory, at most `depth` levels down."""
    found: list[dict[str, Any]] = []
    for name in sorted(os.listdir(path)):  # noqa: PTH208
        below = os.path.join(path, name)  # noqa: PTH118
        found.append(entry(below)["entry"])
        if depth > 1 and os.path.isdir(below) and not os.path.islink(below):  # noqa: PTH112, PTH114
            found += list_directory(below, depth - 1)["entries"]
    return {"entries": found}


def remove(path: str) -> dict[str, Any]:
    """Remove whatever is there."""
    if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108
    return {}


def move(source: str, destination: str) -> dict[str, Any]:
    """Rename, and make the directories above the new name."""
    os.makedirs(os.path.dirname(destination), exist_ok=True)  # noqa: PTH103, PTH120
    os.rename(source, destination)  # noqa: PTH104
    return entry(destination)


def copy(source: str, destination: str) -> dict[str, Any]:
    """Copy what is in a directory into another, as it is."""
    subprocess.run(["/bin/cp", "-a", f"{source}/.", destination], env={}, check=False)  # noqa: TID251
    return {}


def is_directory(path: str) -> dict[str, Any]:
    """Whether there is a directory."""
    return {"is": os.path.isdir(path)}  # noqa: PTH112


CALLS: dict[str, Any] = {
    "signal": signal_process,
    "entry": entry,
    "make_directory": make_directory,
    "list_directory": list_directory,
    "remove": remove,
    "move": move,
    "copy": copy,
    "is_directory": is_directory,
}


if __name__ == "__main__":
    own = socket.socket(fileno=int(sys.argv[1]))
    own.set_inheritable(False)
    Agent(own).serve()
