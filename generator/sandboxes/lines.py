"""A command's output, cut into lines as it arrives."""

from __future__ import annotations

import codecs
import io

from generator.sandboxes.sandbox import MAX_LINE, OnLine


class Lines:
    """Turns chunks of bytes into lines.

    UTF-8, with U+FFFD for what is not; CR, LF and CR LF all end a line; a line longer than `MAX_LINE` characters is
    delivered in pieces; `end` delivers a last line that no break ended.
    """

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Deliver every line that `chunk` completes."""
        *lines, rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        for line in lines:
            self._deliver(line)
        while len(rest) > MAX_LINE:
            self._on_line(rest[:MAX_LINE])
            rest = rest[MAX_LINE:]
        self._rest = rest

    def end(self) -> None:
        """Deliver what is left."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        for line in rest.removesuffix("\n").split("\n") if rest else ():
            self._deliver(line)

    def _deliver(self, line: str) -> None:
        self._on_line(line[:MAX_LINE])
        for start in range(MAX_LINE, len(line), MAX_LINE):
            self._on_line(line[start : start + MAX_LINE])
