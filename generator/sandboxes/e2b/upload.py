"""Upload of one file, with a timeout for stalled connections.

The SDK bounds how long a download may stall, but leaves that to the sandbox for uploads. A proxy between the two could
block the runner for ever, even during a stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator.sandboxes.contract import SandboxError

CHUNK_BYTES: Final = 1024 * 1024
# The SDK's own timeout for downloads.
STALL_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1


@dataclass
class Upload:
    """Upload of a file in chunks; `on_chunk` receives each chunk as it is sent."""

    file: Path
    on_chunk: Callable[[bytes], object]
    stop: threading.Event
    _last_progress: float = field(default_factory=time.monotonic)
    _abandoned: bool = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the file until it ends or the upload is abandoned."""
        with self.file.open("rb") as file:
            while (chunk := file.read(CHUNK_BYTES)) and not self._abandoned:
                self.on_chunk(chunk)
                self._last_progress = time.monotonic()
                yield chunk
        self._last_progress = time.monotonic()

    def send(self, write: Callable[[Iterator[bytes]], object]) -> None:
        """Pass the chunks to `write` and raise its exceptions; TimeoutError when the upload stalls.

        An abandoned write goes on in a daemon thread, because nothing can interrupt it.
        """
        done: Future[object] = Future()
        threading.Thread(target=self._write, args=(write, done), name=f"upload {self.file.name}", daemon=True).start()
        while not wait((done,), POLL_SECONDS).done:
            self._abandoned = self.stop.is_set() or time.monotonic() - self._last_progress > STALL_SECONDS
            if self.stop.is_set():
                raise SandboxError("the run was stopped")
            if self._abandoned:
                raise TimeoutError(f"no progress for {STALL_SECONDS:g} s")
        done.result()

    def _write(self, write: Callable[[Iterator[bytes]], object], done: Future[object]) -> None:
        try:
            done.set_result(write(self.chunks()))
        except Exception as error:
            done.set_exception(error)
