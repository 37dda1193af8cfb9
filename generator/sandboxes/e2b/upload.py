"""One file on its way into a sandbox.

The SDK bounds how long a download may stand still and leaves it to the sandbox for an upload: what stands between the
two could hold the runner for ever, also when it is to stop.
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

PIECE_BYTES: Final = 1024 * 1024
# What the SDK allows a download.
STALLED_SECONDS: Final = 60.0
POLL: Final = 0.1


@dataclass
class Upload:
    """The pieces of a file, each told to `seen` as it is taken, and when the last one was."""

    file: Path
    seen: Callable[[bytes], None]
    stop: threading.Event
    _moved: float = field(default_factory=time.monotonic)
    _given_up: bool = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the file until it ends or the upload is given up."""
        with self.file.open("rb") as file:
            while (piece := file.read(PIECE_BYTES)) and not self._given_up:
                self.seen(piece)
                self._moved = time.monotonic()
                yield piece
        self._moved = time.monotonic()

    def send(self, write: Callable[[Iterator[bytes]], object]) -> None:
        """Let `write` take the pieces, and raise what it raises; TimeoutError when it stands still.

        A write that is given up is left to a thread that nobody waits for: there is no other way to leave it.
        """
        done: Future[object] = Future()
        threading.Thread(target=self._write, args=(write, done), name=f"upload {self.file.name}", daemon=True).start()
        while not wait((done,), POLL).done:
            self._given_up = self.stop.is_set() or time.monotonic() - self._moved > STALLED_SECONDS
            if self.stop.is_set():
                raise SandboxError("the run was stopped")
            if self._given_up:
                raise TimeoutError(f"nothing has moved for {STALLED_SECONDS:g} s")
        done.result()

    def _write(self, write: Callable[[Iterator[bytes]], object], done: Future[object]) -> None:
        try:
            done.set_result(write(self.pieces()))
        except Exception as error:
            done.set_exception(error)
