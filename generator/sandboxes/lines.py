"""Command output, split into lines as it arrives."""

from __future__ import annotations

import codecs
import io
from typing import Final

from generator.sandboxes.contract import MAX_LINE, OnLine

# The output limit of one command, in bytes. Each line costs time, so the shortest line counts as MIN_LINE_COST bytes.
MAX_OUTPUT_BYTES: Final = 32 * 1024 * 1024
MIN_LINE_COST: Final = 64
# The end of longer output, in bytes, is still delivered: it says why a command failed.
TAIL_BYTES: Final = 64 * 1024


def line_cost(line: str) -> int:
    """Return how many bytes of an output limit a line uses up."""
    return max(MIN_LINE_COST, len(line) + 1)


class LineSplitter:
    """Splitter of bytes into lines, with an output limit.

    The text is UTF-8; invalid bytes become U+FFFD. CR, LF and CR LF end a line. Lines longer than `MAX_LINE` characters
    are delivered in pieces. Beyond `MAX_OUTPUT_BYTES`, a notice and the last `TAIL_BYTES` are delivered, and the rest
    is dropped.
    """

    def __init__(self, on_line: OnLine) -> None:
        self._on_line, self._budget = on_line, MAX_OUTPUT_BYTES
        self._tail, self._dropped = b"", 0
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._partial = ""

    def feed(self, chunk: bytes) -> None:
        """Deliver every line that `chunk` completes."""
        if self._budget > 0:
            self._split(chunk)
            return
        self._tail += chunk
        self._dropped += max(0, len(self._tail) - TAIL_BYTES)
        self._tail = self._tail[-TAIL_BYTES:]

    def end(self) -> None:
        """Deliver the tail, and the last line that no line break ended."""
        if self._dropped:
            self._deliver(self._partial)
            self._deliver(f"(more than {MAX_OUTPUT_BYTES >> 20} MiB of output: only the end follows)")
            self._decoder.reset()
            self._partial, self._tail = "", self._tail.partition(b"\n")[2] or self._tail
        self._split(self._tail)
        rest, self._partial = self._partial + self._decoder.decode(b"", final=True), ""
        for line in rest.removesuffix("\n").split("\n") if rest else ():
            self._deliver(line)

    def _split(self, chunk: bytes) -> None:
        *lines, rest = (self._partial + self._decoder.decode(chunk)).split("\n")
        for line in lines:
            self._deliver(line)
        while len(rest) > MAX_LINE:
            self._deliver(rest[:MAX_LINE])
            rest = rest[MAX_LINE:]
        self._partial = rest

    def _deliver(self, line: str) -> None:
        self._budget -= line_cost(line)
        self._on_line(line[:MAX_LINE])
        for start in range(MAX_LINE, len(line), MAX_LINE):
            self._on_line(line[start : start + MAX_LINE])
