"""A command's output, cut into lines as it arrives."""

from __future__ import annotations

import codecs
import io
from typing import Final

from generator.sandboxes.contract import MAX_LINE, OnLine

# Of one command, in bytes: more than anybody reads. Each line costs time, so that the shortest counts as so much.
MAX_OUTPUT_BYTES: Final = 32 * 1024 * 1024
MIN_LINE_COST: Final = 64
# What is delivered of the end of longer output, in bytes: it says why a command failed.
TAIL_BYTES: Final = 64 * 1024


def line_cost(line: str) -> int:
    """Return what a line counts for where output is bounded."""
    return max(MIN_LINE_COST, len(line) + 1)


class LineSplitter:
    """Turns chunks of bytes into lines.

    UTF-8, with U+FFFD for what is not; CR, LF and CR LF all end a line; a line longer than `MAX_LINE` characters is
    delivered in pieces; `end` delivers a last line that no break ended. Of what is more than `MAX_OUTPUT` in all,
    only the end is delivered, after a line that says so; the rest costs no more than to read it.
    """

    def __init__(self, on_line: OnLine) -> None:
        self._on_line, self._left = on_line, MAX_OUTPUT_BYTES
        self._tail, self._lost = b"", 0
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Deliver every line that `chunk` completes."""
        if self._left > 0:
            self._split(chunk)
            return
        self._tail += chunk
        self._lost += max(0, len(self._tail) - TAIL_BYTES)
        self._tail = self._tail[-TAIL_BYTES:]

    def end(self) -> None:
        """Deliver what is left."""
        if self._lost:
            self._deliver(self._rest)
            self._deliver(f"(more than {MAX_OUTPUT_BYTES >> 20} MiB of output, of which only the end follows)")
            self._decoder.reset()
            self._rest, self._tail = "", self._tail.partition(b"\n")[2] or self._tail
        self._split(self._tail)
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        for line in rest.removesuffix("\n").split("\n") if rest else ():
            self._deliver(line)

    def _split(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        for line in lines:
            self._deliver(line)
        while len(rest) > MAX_LINE:
            self._deliver(rest[:MAX_LINE])
            rest = rest[MAX_LINE:]
        self._rest = rest

    def _deliver(self, line: str) -> None:
        self._left -= line_cost(line)
        self._on_line(line[:MAX_LINE])
        for start in range(MAX_LINE, len(line), MAX_LINE):
            self._on_line(line[start : start + MAX_LINE])
