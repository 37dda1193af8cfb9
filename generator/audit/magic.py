"""Magic numbers at the start of binaries."""

from __future__ import annotations

from typing import Final

MACH_O: Final = {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"}


def is_binary(head: bytes) -> bool:
    """Return whether a file's first four bytes are those of a program, a library or a wasm module."""
    return head in (b"\x7fELF", b"\0asm") or head[:2] == b"MZ" or head in MACH_O
