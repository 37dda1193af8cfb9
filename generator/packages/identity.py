"""The name, version and description of a package, taken from Cargo.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from generator.manifest.names import platform_package
from generator.platforms import PlatformName

MAX_TEXT: Final = 1_000

# The oldest maintained Node at the time of writing.
ENGINES: Final = {"node": ">= 20"}


@dataclass(frozen=True)
class Identity:
    """The npm name and version, and the descriptive fields of Cargo.toml.

    `platform_packages` is the name of its packages for one platform, without the platform, if it is not `name`.
    """

    name: str
    version: str
    description: str | None = None
    license: str | None = None
    repository: str | None = None
    homepage: str | None = None
    keywords: tuple[str, ...] = ()
    platform_packages: str | None = None

    def platform_package(self, platform: PlatformName) -> str:
        """Return the name of its package for one platform."""
        return platform_package(self.platform_packages or self.name, platform)

    def fields(self) -> dict[str, Any]:
        """Return the first keys of a package.json, without the fields that Cargo.toml lacks."""
        described = {
            "description": self.description,
            "license": self.license,
            "repository": {"type": "git", "url": self.repository} if self.repository else None,
            "homepage": self.homepage,
            "keywords": list(self.keywords) or None,
        }
        head: dict[str, Any] = {"name": self.name, "version": self.version}
        return head | {key: value for key, value in described.items() if value and len(str(value)) <= MAX_TEXT}
