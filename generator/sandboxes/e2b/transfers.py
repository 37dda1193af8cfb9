"""Transfer of files between this machine and a sandbox: streamed, compressed where it helps, and checked by SHA-256."""

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
# gzip takes longer than it saves above this ratio, by measurements of crates' files: sources and programs shrink to a
# third, archives of compressed files do not shrink.
MAX_COMPRESSION_RATIO: Final = 0.8
# Smaller files are sent uncompressed.
MIN_COMPRESSED_BYTES: Final = 4096
# Free disk space that a transfer leaves on either side.
RESERVED_BYTES: Final = 64 * 1024 * 1024
UNPACK_SECONDS: Final = 900.0
MAX_ATTEMPTS: Final = 4

# Results that the scripts print.
_DIGEST_DIFFERS: Final = "different"
_NOT_A_TAR: Final = "no-tar"
_NO_REGULAR_FILE: Final = "missing"
_TOO_LARGE: Final = "large"
# No more digits than a number of bytes has: a hostile sandbox can print anything.
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_SIZE_DIGEST_SAMPLE: Final = re.compile(r"(\d{1,15}) ([0-9a-f]{64}) (\d{1,15})", re.ASCII)


class ScriptRunner(Protocol):
    """Function that runs longer scripts in the sandbox, detached from the connection."""

    def __call__(self, script: str, timeout: float) -> str:
        """Run a script to its end and return its stdout; SandboxError when it fails."""


class Stream(Protocol):
    """Download stream of the SDK."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks."""

    def close(self) -> None:
        """Release the connection."""


class Files(Protocol):
    """File operations of the SDK; raises its exceptions."""

    def write(self, path: str, data: Iterable[bytes], *, gzip: bool, use_octet_stream: bool) -> object:
        """Write a file of the sandbox from a stream."""

    def read(self, path: str, format: Literal["stream"], *, gzip: bool) -> Stream:  # noqa: A002  its name in the SDK
        """Read a file of the sandbox as a stream."""


@dataclass(frozen=True)
class Transfer:
    """File transfer between this machine and a sandbox; `stop` ends it."""

    files: Files
    shell: Shell
    run_script: ScriptRunner
    stop: threading.Event

    def put(self, archive: Path, directory: str, remote_archive: str) -> None:
        """Upload a tar as `remote_archive` and unpack it into `directory`.

        SandboxError too_small when the disk is too small for it, permanent when it is no tar.
        """
        size = archive.stat().st_size
        self._check_free_space(remote_archive, 2 * size)
        with archive.open("rb") as file:
            gzip = is_compressible(file.read(SAMPLE_BYTES))
        for _ in range(MAX_ATTEMPTS):
            digest = self._retry(lambda: self._send(archive, remote_archive, gzip), f"{archive.name} cannot be sent")
            result = self._unpack(remote_archive, directory, digest)
            if result.startswith(_NOT_A_TAR):
                reason = result.removeprefix(_NOT_A_TAR).strip()
                raise SandboxError(f"{archive.name} cannot be unpacked: {reason}", "permanent")
            if result != _DIGEST_DIFFERS:
                return
        raise SandboxError(f"{archive.name} is damaged after the upload: the digests differ")

    def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Download a regular file; FileMissing when it is none, SandboxError when it is too large for this machine."""
        name = path.rpartition("/")[2]
        size, digest, gzip = self._measure(path, name, max_bytes)
        free = shutil.disk_usage(destination.parent).free
        if size + RESERVED_BYTES > free:
            raise SandboxError(f"{name} has {size} bytes, and this machine has room for {free}", "permanent")
        try:
            for _ in range(MAX_ATTEMPTS):
                received = self._retry(
                    lambda: self._receive(path, destination, size, gzip), f"{name} cannot be downloaded"
                )
                if received == digest:
                    return
        except BaseException:
            destination.unlink(missing_ok=True)
            raise
        destination.unlink(missing_ok=True)
        raise SandboxError(f"{name} is damaged after the download: the digests differ")

    def _retry(self, call: Callable[[], T], failure: str) -> T:
        return retry(call, failure, self.stop)

    def _check_free_space(self, remote_archive: str, needed: int) -> None:
        directory = shlex.quote(remote_archive.rpartition("/")[0])
        script = f"mkdir -p -- {directory} && df --output=avail -B1 {directory} | tail -n 1"
        free = self._retry(lambda: self.shell(script, 30), "the sandbox's free disk space is unknown").strip()
        if _NUMBER.fullmatch(free) and int(free) < needed + RESERVED_BYTES:
            raise SandboxError(f"the sandbox has room for {free} bytes and needs {needed}", "too_small")

    def _send(self, archive: Path, remote_archive: str, gzip: bool) -> str:
        digest = hashlib.sha256()
        Upload(archive, digest.update, self.stop).send(
            lambda chunks: self.files.write(remote_archive, chunks, gzip=gzip, use_octet_stream=True)
        )
        return digest.hexdigest()

    def _unpack(self, remote_archive: str, directory: str, digest: str) -> str:
        """Compare the digest, unpack the archive and delete it."""
        file, target = shlex.quote(remote_archive), shlex.quote(directory)
        script = f"""read -r digest _ < <(sha256sum < {file})
if [ "$digest" != {digest} ]; then echo {_DIGEST_DIFFERS}; exit 0; fi
if said=$(mkdir -p -- {target} && tar -x --no-same-owner -f {file} -C {target} 2>&1); then
  rm -f -- {file}
else
  echo "{_NOT_A_TAR} ${{said##*$'\\n'}}"
fi"""
        return self.run_script(script, UNPACK_SECONDS).strip()

    def _measure(self, path: str, name: str, max_bytes: int) -> tuple[int, str, bool]:
        """Return a file's size in bytes, its SHA-256, and whether it is compressible."""
        file = shlex.quote(path)
        script = f"""real=$(realpath -e -- {file})
if [ ! -f {file} ] || [ "$real" != {file} ]; then echo {_NO_REGULAR_FILE}; exit 0; fi
size=$(stat -c %s -- {file})
if [ "$size" -gt {max_bytes} ]; then echo {_TOO_LARGE}; exit 0; fi
echo "$size $(sha256sum < {file} | cut -d' ' -f1) $(head -c {SAMPLE_BYTES} {file} | gzip -1 | wc -c)\""""
        result = self.run_script(script, UNPACK_SECONDS).strip()
        if result == _NO_REGULAR_FILE:
            raise FileMissing(f"{name} is not a regular file of the sandbox")
        measured = _SIZE_DIGEST_SAMPLE.fullmatch(result)
        if result == _TOO_LARGE or (measured and int(measured[1]) > max_bytes):
            raise SandboxError(f"{name} is larger than {max_bytes} bytes", "permanent")
        if not measured:
            raise SandboxError(f"the sandbox gave no usable answer about {name}")
        size, sample = int(measured[1]), min(int(measured[1]), SAMPLE_BYTES)
        compressible = sample > MIN_COMPRESSED_BYTES and int(measured[3]) < MAX_COMPRESSION_RATIO * sample
        return size, measured[2], compressible

    def _receive(self, path: str, destination: Path, size: int, gzip: bool) -> str:
        """Download at most `size` bytes and return their SHA-256."""
        digest, remaining = hashlib.sha256(), size
        with (
            destination.open("wb") as file,
            contextlib.closing(self.files.read(path, "stream", gzip=gzip)) as stream,
        ):
            for chunk in stream:
                if self.stop.is_set():
                    raise SandboxError("the run was stopped")
                remaining -= len(chunk)
                if remaining < 0:
                    break
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()


def is_compressible(sample: bytes) -> bool:
    """Return True if compression saves time for data that begins with this sample."""
    return len(sample) > MIN_COMPRESSED_BYTES and len(zlib.compress(sample, 1)) < MAX_COMPRESSION_RATIO * len(sample)
