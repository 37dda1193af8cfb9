"""A Mach-O image's code signature, checked as Apple's kernel does before it runs a page: hash by hash.

Apple's layout: https://github.com/apple-oss-distributions/xnu, osfmk/kern/cs_blobs.h. All numbers are big endian.
The certificate of a signature that has one is not looked at: ad-hoc signatures, which linkers write, have none.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

SUPER_BLOB: Final = 0xFADE0CC0
CODE_DIRECTORY: Final = 0xFADE0C02
MAX_BLOBS: Final = 32
# hashType: which hash, and how many of its bytes are kept.
HASHES: Final = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
# log2 of the pages that are hashed one by one; linkers write 12, codesign 12 or 14.
PAGES: Final = (12, 14)
_DIRECTORY: Final = struct.Struct(">9I4B")


def signature_problem(image: memoryview, offset: int, size: int) -> str | None:
    """Say what is wrong with the signature at `offset` of an image, or None when it covers the whole image.

    `image` is one architecture's part of the file and nothing else.
    """
    if offset + size != len(image):
        return "the signature is not at the end of the file: something was cut off or added after signing"
    try:
        problems = [_broken_directory(image, blob, offset) for blob in _directories(image[offset:])]
    except struct.error:
        return "the signature is cut short"
    if not problems:
        return "the signature holds no code directory"
    return next((problem for problem in problems if problem), None)


def _directories(signature: memoryview) -> Iterator[memoryview]:
    magic, _, count = struct.unpack_from(">3I", signature)
    if magic != SUPER_BLOB or count > MAX_BLOBS:
        return
    for number in range(count):
        _, start = struct.unpack_from(">2I", signature, 12 + 8 * number)
        magic, length = struct.unpack_from(">2I", signature, start)
        if magic == CODE_DIRECTORY:
            yield signature[start : start + length]


def _broken_directory(image: memoryview, directory: memoryview, signed: int) -> str | None:
    _, _, _, _, hashes, _, _, slots, limit, size, kind, _, page = _DIRECTORY.unpack_from(directory)
    if kind not in HASHES or size != HASHES[kind][1] or page not in PAGES:
        return "the signature has a kind of hash or a page size that macOS does not know"
    if limit != signed:
        return f"the signature covers {limit} of the {signed} bytes before it"
    if slots != -(-limit >> page) or hashes + slots * size > len(directory):
        return "the signature does not have a hash for every page"
    for number in range(slots):
        start = number << page
        content = image[start : min(start + (1 << page), limit)]
        wanted = directory[hashes + number * size : hashes + (number + 1) * size]
        if hashlib.new(HASHES[kind][0], content, usedforsecurity=False).digest()[:size] != wanted:
            return f"the bytes from {start} on are not those that were signed"
    return None
