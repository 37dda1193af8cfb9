"""Versions of the tools in E2B's image, and of the package managers: e2b/versions.json, which is their one place.

The Dockerfile, e2b/template.json, the linkers that runners install and the toolchain of this project's tests take them
from there. Updates are made by hand.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

from pydantic import Field

from generator.package_data import package_data
from generator.strict import Strict

FILE: Final = "e2b/versions.json"
_PLACEHOLDER: Final = re.compile(r"\{\{\{ (\w+) \}\}\}")


class ManagerVersion(Strict):
    """Version of yarn or pnpm for lock files up to a format; `sha512` is of its npm package's archive, in hex."""

    lock: int = Field(ge=1)
    version: str
    sha512: str = Field(pattern=r"^[0-9a-f]{128}$")


class Versions(Strict):
    """All versions. `glibc` is Debian's. `llvm` and `qemu` are those of its packages."""

    debian: str
    glibc: str
    llvm: str
    qemu: str
    rust: str
    rustup: str
    rustup_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    node: str
    npm: str
    ziglang: str
    cargo_zigbuild: str
    cargo_xwin: str
    managers: Mapping[str, tuple[ManagerVersion, ...]]

    def insert(self, text: str) -> str:
        """Return a text with each {{{ NAME }}} replaced by that version; other names stay as they are."""
        names = {name: value for name, value in self if isinstance(value, str)}
        return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[0]), text)


@functools.cache
def versions() -> Versions:
    """Return the versions of the packaged file."""
    return Versions.model_validate_json((package_data("e2b") / "versions.json").read_bytes())
