"""The check of a Mach-O code signature: the hash of every page, as Apple's kernel checks it before execution.

Apple's layout: https://github.com/apple-oss-distributions/xnu, osfmk/kern/cs_blobs.h. All numbers are big endian.
Certificates are not checked: linkers write ad-hoc signatures, which have none.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

SUPER_BLOB: Final = 0xFADE0CC0
CODE_DIRECTORY: Final = 0xFADE0C02
MAX_BLOBS: Final = 32
# hashType: the hash, and the number of its bytes that are stored.
HASHES: Final = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
# log2 of the page size: linkers write 12, codesign 12 or 14.
PAGE_SIZES_LOG2: Final = (12, 14)
_DIRECTORY: Final = struct.Struct(">9I4B")


def find_signature_error(image: memoryview, offset: int, size: int) -> str | None:
    """Return the error of the signature at `offset` of an image, or None when the signature covers the whole image.

    `image` holds one architecture of the file and nothing else.
    """
    if offset + size != len(image):
        return "the signature is not at the end of the file: bytes were removed or added after signing"
    try:
        errors = [_directory_error(image, blob, offset) for blob in _directories(image[offset:])]
    except struct.error:
        return "the signature is cut short"
    if not errors:
        return "the signature holds no code directory"
    return next((error for error in errors if error), None)


def _directories(signature: memoryview) -> Iterator[memoryview]:
    magic, _, count = struct.unpack_from(">3I", signature)
    if magic != SUPER_BLOB or count > MAX_BLOBS:
        return
    for number in range(count):
        _, start = struct.unpack_from(">2I", signature, 12 + 8 * number)
        magic, length = struct.unpack_from(">2I", signature, start)
        if magic == CODE_DIRECTORY:
            yield signature[start : start + length]


def _directory_error(image: memoryview, directory: memoryview, signed_size: int) -> str | None:
    _, _, _, _, hashes, _, _, slots, limit, size, kind, _, page = _DIRECTORY.unpack_from(directory)
    if kind not in HASHES or size != HASHES[kind][1] or page not in PAGE_SIZES_LOG2:
        return "the signature has a kind of hash or a page size that macOS does not know"
    if limit != signed_size:
        return f"the signature covers {limit} of the {signed_size} bytes before it"
    if slots != -(-limit >> page) or hashes + slots * size > len(directory):
        return "the signature does not have a hash for every page"
    for number in range(slots):
        start = number << page
        content = image[start : min(start + (1 << page), limit)]
        expected = directory[hashes + number * size : hashes + (number + 1) * size]
        if hashlib.new(HASHES[kind][0], content, usedforsecurity=False).digest()[:size] != expected:
            return f"the bytes from offset {start} differ from the signed bytes"
    return None
