"""The name, version and description of a package, taken from Cargo.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

MAX_TEXT: Final = 1_000

# The oldest maintained Node at the time of writing.
ENGINES: Final = {"node": ">= 20"}


@dataclass(frozen=True)
class Identity:
    """The npm name and version, and the descriptive fields of Cargo.toml."""

    name: str
    version: str
    description: str | None = None
    license: str | None = None
    repository: str | None = None
    homepage: str | None = None
    keywords: tuple[str, ...] = ()

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
