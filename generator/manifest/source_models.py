"""The models of a crate's source: a directory of the checkout, a git repository, or Rust's crate registry."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Tag

from generator.manifest.values import CommitSha, CrateName, GitUrl, RelativePath, Version, alternatives
from generator.strict import Strict


class PathSource(Strict):
    """A directory in the checkout, relative to the manifest."""

    path: RelativePath = Field(
        examples=["packages/words"],
        description="Directory of the crate, relative to the manifest, inside the repository.",
    )
    package: RelativePath | None = Field(
        default=None,
        examples=["npm/words"],
        description="Directory of the addon's package.json, relative to the manifest, if it is not path.",
    )

    @property
    def package_directory(self) -> str:
        """The directory of package.json."""
        return self.package or self.path


class GitSource(Strict):
    """A directory in a git repository at one commit."""

    git: GitUrl = Field(
        examples=["https://github.com/you/words"], description="https URL of the repository, without credentials."
    )
    rev: CommitSha = Field(examples=["0123456789abcdef0123456789abcdef01234567"], description="Full commit SHA.")
    path: RelativePath = Field(
        default=".", examples=["packages/words"], description="Directory of the crate in that repository."
    )
    package: RelativePath | None = Field(
        default=None,
        examples=["npm/words"],
        description="Directory of the addon's package.json in that repository, if it is not path.",
    )

    @property
    def package_directory(self) -> str:
        """The directory of package.json."""
        return self.package or self.path


class RegistrySource(Strict):
    """A version of a crate in Rust's crate registry."""

    registry: CrateName = Field(examples=["words"], description="Name of the crate in the registry.")
    version: Version = Field(examples=["0.1.6"], description="Exact version.")


def _source_tag(value: Any) -> str | None:
    """Return the tag of a source, or None, which pydantic refuses, for anything but an object."""
    if not isinstance(value, dict | Strict):
        return None
    keys = value if isinstance(value, dict) else vars(value)
    return next((tag for tag in ("git", "registry") if tag in keys), "path")


Source = Annotated[
    Annotated[PathSource, Tag("path")] | Annotated[GitSource, Tag("git")] | Annotated[RegistrySource, Tag("registry")],
    alternatives(
        _source_tag,
        'a source is {"path": ...}, {"git": ..., "rev": ..., "path": ...} or {"registry": ..., "version": ...}',
    ),
]
