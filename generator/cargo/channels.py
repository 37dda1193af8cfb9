"""The Rust channel that a project asks for: rust-toolchain.toml beside the crate, or in the nearest directory above it.

https://rust-lang.github.io/rustup/overrides.html#the-toolchain-file
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from generator.cargo.directories import ancestors
from generator.cargo.manifests import MAX_SIZE, parse_toml
from generator.errors import InputError
from generator.text import message_text

# rustup takes the first that exists. It may be a single line with the channel's name.
TOOLCHAIN_FILES: Final = ("rust-toolchain", "rust-toolchain.toml")


@dataclass(frozen=True)
class RequestedChannel:
    """A channel, such as 1.85 or nightly-2026-01-31, and the file that asks for it."""

    file: str
    name: str


def requested_channel(directory: str, read: Callable[[str], str | None]) -> RequestedChannel | None:
    """Return the channel for a crate's directory, or None; InputError for a file that cannot be read.

    `read` returns a file's text, or None without such a file.
    """
    for each in (directory, *ancestors(directory)):
        for name in TOOLCHAIN_FILES:
            path = posixpath.normpath(f"{each}/{name}")
            if (text := read(path)) is not None:
                channel = _channel(path, text)
                return RequestedChannel(path, channel) if channel else None
    return None


def _channel(path: str, text: str) -> str | None:
    lines = text.split()
    if len(lines) == 1 and not path.endswith(".toml"):
        return lines[0]
    try:
        table = parse_toml(text, MAX_SIZE).get("toolchain")
    except InputError as error:
        raise InputError(f"{message_text(path)}: {error.message}") from None
    found = (table.get("channel") or table.get("path")) if isinstance(table, dict) else None
    return found if isinstance(found, str) else None
