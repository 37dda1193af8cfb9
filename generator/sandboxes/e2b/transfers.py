"""One file each way: streamed, compressed where it pays, and compared by digest at both ends."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
import shutil
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar

from generator.sandboxes.contract import FileMissing, SandboxError
from generator.sandboxes.e2b.polling import Shell
from generator.sandboxes.e2b.retry import retry
from generator.sandboxes.e2b.upload import Upload

T = TypeVar("T")

SAMPLE_BYTES: Final = 1024 * 1024
# gzip costs more time than it saves where it saves less than this share; measured on what crates send and get, sources
# and programs shrink to a third, and archives of compressed things not at all.
WORTHWHILE: Final = 0.8
# What is smaller is sent as it is.
SMALL_BYTES: Final = 4096
# Left free on either side after a transfer.
SPARE_BYTES: Final = 64 * 1024 * 1024
UNPACK_SECONDS: Final = 900.0
MAX_ATTEMPTS: Final = 4

_SAID_DIFFERENT: Final = "different"
_SAID_NO_TAR: Final = "no-tar"
_SAID_MISSING: Final = "missing"
_SAID_LARGE: Final = "large"
# No more digits than a number of bytes has: the sandbox can say what it likes.
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_MEASURED: Final = re.compile(r"(\d{1,15}) ([0-9a-f]{64}) (\d{1,15})", re.ASCII)


class ScriptRunner(Protocol):
    """Longer scripts in the sandbox, which no broken or silent stream holds up."""

    def __call__(self, script: str, timeout: float) -> str:
        """Run a script to its end and return what it printed; SandboxError when it fails."""


class Stream(Protocol):
    """A download."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield its pieces."""

    def close(self) -> None:
        """Give its connection back."""


class Files(Protocol):
    """The part of the SDK that moves files; raises whatever the SDK raises."""

    def write(self, path: str, data: Iterable[bytes], *, gzip: bool, use_octet_stream: bool) -> object:
        """Write a file of the sandbox from a stream."""

    def read(self, path: str, format: Literal["stream"], *, gzip: bool) -> Stream:  # noqa: A002  its name in the SDK
        """Read a file of the sandbox as a stream."""


@dataclass(frozen=True)
class Transfer:
    """Moves files between this machine and a sandbox, until `stop`."""

    files: Files
    shell: Shell
    work: ScriptRunner
    stop: threading.Event

    def put(self, archive: Path, directory: str, carrier: str) -> None:
        """Unpack a tar into `directory`; `carrier` is where it lies meanwhile.

        SandboxError too_small when it would not fit, permanent when it is no tar.
        """
        size = archive.stat().st_size
        self._room(carrier, 2 * size)
        with archive.open("rb") as file:
            gzip = is_compressible(file.read(SAMPLE_BYTES))
        for _ in range(MAX_ATTEMPTS):
            digest = self._persist(lambda: self._send(archive, carrier, gzip), f"{archive.name} cannot be sent")
            said = self._unpack(carrier, directory, digest)
            if said.startswith(_SAID_NO_TAR):
                why = said.removeprefix(_SAID_NO_TAR).strip()
                raise SandboxError(f"{archive.name} cannot be unpacked: {why}", "permanent")
            if said != _SAID_DIFFERENT:
                return
        raise SandboxError(f"{archive.name} does not arrive as it was sent: the digests differ")

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy a regular file out; FileMissing when it is not one, SandboxError when it is too large for here."""
        name = path.rpartition("/")[2]
        size, digest, gzip = self._measure(path, name, max_bytes)
        free = shutil.disk_usage(destination.parent).free
        if size + SPARE_BYTES > free:
            raise SandboxError(f"{name} has {size} bytes and this machine room for {free}", "permanent")
        try:
            for _ in range(MAX_ATTEMPTS):
                received = self._persist(
                    lambda: self._receive(path, destination, size, gzip), f"{name} cannot be copied"
                )
                if received == digest:
                    return
        except BaseException:
            destination.unlink(missing_ok=True)
            raise
        destination.unlink(missing_ok=True)
        raise SandboxError(f"{name} does not arrive as it is in the sandbox: the digests differ")

    def _persist(self, call: Callable[[], T], doing: str) -> T:
        return retry(call, doing, self.stop)

    def _room(self, carrier: str, needed: int) -> None:
        directory = shlex.quote(carrier.rpartition("/")[0])
        script = f"mkdir -p -- {directory} && df --output=avail -B1 {directory} | tail -n 1"
        said = self._persist(lambda: self.shell(script, 30), "the sandbox's disk cannot be looked at").strip()
        if _NUMBER.fullmatch(said) and int(said) < needed + SPARE_BYTES:
            raise SandboxError(f"the sandbox has room for {said} bytes and needs {needed}", "too_small")

    def _send(self, archive: Path, carrier: str, gzip: bool) -> str:
        digest = hashlib.sha256()
        Upload(archive, digest.update, self.stop).send(
            lambda pieces: self.files.write(carrier, pieces, gzip=gzip, use_octet_stream=True)
        )
        return digest.hexdigest()

    def _unpack(self, carrier: str, directory: str, digest: str) -> str:
        """Compare, unpack and delete the carrier."""
        file, target = shlex.quote(carrier), shlex.quote(directory)
        script = f"""read -r digest _ < <(sha256sum < {file})
if [ "$digest" != {digest} ]; then echo {_SAID_DIFFERENT}; exit 0; fi
if said=$(mkdir -p -- {target} && tar -x --no-same-owner -f {file} -C {target} 2>&1); then
  rm -f -- {file}
else
  echo "{_SAID_NO_TAR} ${{said##*$'\\n'}}"
fi"""
        return self.work(script, UNPACK_SECONDS).strip()

    def _measure(self, path: str, name: str, max_bytes: int) -> tuple[int, str, bool]:
        """Return a file's size in bytes, its digest, and whether compressing it pays."""
        file = shlex.quote(path)
        script = f"""real=$(realpath -e -- {file})
if [ ! -f {file} ] || [ "$real" != {file} ]; then echo {_SAID_MISSING}; exit 0; fi
size=$(stat -c %s -- {file})
if [ "$size" -gt {max_bytes} ]; then echo {_SAID_LARGE}; exit 0; fi
echo "$size $(sha256sum < {file} | cut -d' ' -f1) $(head -c {SAMPLE_BYTES} {file} | gzip -1 | wc -c)\""""
        said = self.work(script, UNPACK_SECONDS).strip()
        if said == _SAID_MISSING:
            raise FileMissing(f"{name} is not a regular file of the sandbox")
        measured = _MEASURED.fullmatch(said)
        if said == _SAID_LARGE or (measured and int(measured[1]) > max_bytes):
            raise SandboxError(f"{name} is larger than {max_bytes} bytes", "permanent")
        if not measured:
            raise SandboxError(f"the sandbox gave no usable answer about {name}")
        size, sample = int(measured[1]), min(int(measured[1]), SAMPLE_BYTES)
        return size, measured[2], sample > SMALL_BYTES and int(measured[3]) < WORTHWHILE * sample

    def _receive(self, path: str, destination: Path, size: int, gzip: bool) -> str:
        """Copy at most `size` bytes, whatever comes, and return their digest; a download cut short has another."""
        digest, left = hashlib.sha256(), size
        with (
            destination.open("wb") as file,
            contextlib.closing(self.files.read(path, "stream", gzip=gzip)) as stream,
        ):
            for piece in stream:
                if self.stop.is_set():
                    raise SandboxError("the run was stopped")
                left -= len(piece)
                if left < 0:
                    break
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()


def is_compressible(sample: bytes) -> bool:
    """Whether compressing data that begins like this saves time."""
    return len(sample) > SMALL_BYTES and len(zlib.compress(sample, 1)) < WORTHWHILE * len(sample)
