"""Imports and exports of a wasm module, read from its binary format; LIEF does not read wasm.

https://webassembly.github.io/spec/core/binary/modules.html; all other sections are skipped.
"""

from __future__ import annotations

import re
from typing import Final

IMPORTS: Final = 2
EXPORTS: Final = 7
MAGIC: Final = b"\0asm\x01\0\0\0"
# Far more than any module of the fleet has; a second is enough to read them.
MAX_ENTRIES: Final = 200_000
# Imports of an addon that emnapi provides: Node's functions, its own, and the memory. The linker puts undefined
# functions into the same module.
NODE_IMPORTS: Final = re.compile(r"napi_\w+|node_api_\w+|_?emnapi_\w+|memory")


class UnreadableBinary(Exception):
    """A binary cannot be read, with the reason in one sentence."""


class _Reader:
    """Reads values from bytes; raises UnreadableBinary at their end."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> memoryview:
        if count > len(self.data) - self.at:
            raise UnreadableBinary("the module is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        """Read an unsigned LEB128 number of at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise UnreadableBinary("the module holds a number that is too long")

    def name(self) -> str:
        return bytes(self.take(self.number())).decode(errors="replace")

    def entries(self) -> range:
        if (count := self.number()) > MAX_ENTRIES:
            raise UnreadableBinary(f"a section of the module has {count} entries")
        return range(count)

    def limits(self) -> None:
        """Skip the limits of a memory or a table: flags (bit 0: upper limit, bit 3: page size), and their numbers."""
        flags = self.number()
        for _ in range(1 + (flags & 1) + (flags >> 3 & 1)):
            self.number()

    def value_type(self) -> None:
        """Skip a type: one byte, or a reference to a type by its number."""
        if self.take(1)[0] in (0x63, 0x64):
            self.number()

    def import_description(self) -> None:
        """Skip the description of an import."""
        match kind := self.take(1)[0]:
            case 0:
                self.number()
            case 1:
                self.value_type()
                self.limits()
            case 2:
                self.limits()
            case 3:
                self.value_type()
                self.take(1)
            case 4:
                self.take(1)
                self.number()
            case _:
                raise UnreadableBinary(f"the module imports something of unknown kind {kind}")


def read_module(data: memoryview) -> tuple[dict[str, str], frozenset[str]]:
    """Return the modules that a module imports from, each with one name, and the names that it exports.

    The name is the first that does not match `NODE_IMPORTS`, or else any: it may be one that nothing provides.
    Raise UnreadableBinary when it is not a module of version 1, is cut short, or has no section.
    """
    imports, exports, sections = dict[str, str](), set[str](), 0
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise UnreadableBinary("it is not a wasm module of version 1")
    reader = _Reader(data[len(MAGIC) :])
    while reader.at < len(reader.data):
        section, body = reader.take(1)[0], _Reader(reader.take(reader.number()))
        sections += 1
        if section == IMPORTS:
            for _ in body.entries():
                module, name = body.name(), body.name()
                if NODE_IMPORTS.fullmatch(imports.setdefault(module, name)):
                    imports[module] = name
                body.import_description()
        elif section == EXPORTS:
            for _ in body.entries():
                exports.add(body.name())
                body.take(1)
                body.number()
    if not sections:
        raise UnreadableBinary("the module is empty")
    return imports, frozenset(exports)
