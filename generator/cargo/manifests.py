"""What of a Cargo.toml says what a crate is, where it belongs and what it needs; everything else is passed over."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import AliasChoices, AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from generator.errors import InputError
from generator.manifest.problems import escaped

MAX_SIZE: Final = 1024 * 1024
"""Characters of a Cargo.toml; the largest of well-known repositories have a tenth of it."""

# tomllib needs quadratic time for a dotted key: 20,000 parts take 6 s.
MAX_DOTS_IN_A_LINE: Final = 500

# Characters of a key that a message shows.
MAX_KEY: Final = 200


class FileModel(BaseModel):
    """Frozen, unknown keys passed over, no silent conversions; Cargo reads both crate-type and crate_type."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name.replace("_", "-"), name)),
    )


class Inherited(FileModel):
    """`key.workspace = true`."""

    workspace: bool


class DependencyTable(FileModel):
    """A dependency that is more than a version."""

    path: str | None = None
    package: str | None = None
    workspace: bool = False
    optional: bool = False


Dependency = Annotated[DependencyTable, BeforeValidator(lambda value: {} if isinstance(value, str) else value)]


class DependencySections(FileModel):
    """Dependencies of all platforms or of one."""

    dependencies: dict[str, Dependency] = {}
    build_dependencies: dict[str, Dependency] = {}
    dev_dependencies: dict[str, Dependency] = {}


class Package(FileModel):
    """[package]."""

    name: str
    version: str | Inherited | None = None
    edition: str | Inherited | None = None
    resolver: str | None = None
    workspace: str | None = None
    publish: bool | list[str] | Inherited = True
    autobins: bool = True
    autolib: bool = True
    metadata: dict[str, Any] = {}


class Library(FileModel):
    """[lib]."""

    proc_macro: bool = False
    crate_type: list[str] = []


class Program(FileModel):
    """[[bin]]."""

    name: str | None = None
    path: str | None = None
    required_features: list[str] = []


class WorkspacePackage(FileModel):
    """[workspace.package]."""

    version: str | None = None
    edition: str | None = None
    publish: bool | list[str] = True


class Workspace(FileModel):
    """[workspace]."""

    members: list[str] = []
    exclude: list[str] = []
    dependencies: dict[str, Dependency] = {}
    package: WorkspacePackage = WorkspacePackage()
    resolver: str | None = None


class CargoToml(DependencySections):
    """A whole Cargo.toml."""

    package: Package | None = None
    workspace: Workspace | None = None
    library: Library | None = Field(default=None, validation_alias="lib")
    programs: list[Program] = Field(default=[], validation_alias="bin")
    features: dict[str, list[str]] = {}
    target: dict[str, DependencySections] = {}
    patch: dict[str, dict[str, Dependency]] = {}
    replace: dict[str, Dependency] = {}

    def sections(self) -> Iterator[DependencySections]:
        """The dependencies of all platforms, then those of single ones."""
        yield self
        yield from self.target.values()

    def patches(self) -> Iterator[DependencyTable]:
        """What takes the place of other packages; Cargo heeds this in the root of a workspace alone."""
        for tables in (*self.patch.values(), self.replace):
            yield from tables.values()


Manifests = Mapping[str, CargoToml]
"""The Cargo.toml files of a repository by directory, from its top, "." for the top."""

Described = TypeVar("Described", bound=FileModel)


def manifest_path(directory: str) -> str:
    """Path of a directory's Cargo.toml."""
    return posixpath.normpath(f"{directory}/Cargo.toml")


def parse_cargo_toml(text: str) -> CargoToml:
    """Cargo.toml's text as a model; InputError says what is wrong and in which line."""
    described = validate_file(CargoToml, parse_toml(text, MAX_SIZE))
    if described.package is None and described.workspace is None:
        raise InputError("it has neither [package] nor [workspace]")
    return described


def parse_toml(text: str, limit: int) -> dict[str, Any]:
    """A text of at most `limit` characters as TOML reads it; InputError says what is wrong and in which line."""
    if len(text) > limit:
        raise InputError(f"it is larger than {limit // 2**20} MiB")
    crowded = next((n for n, line in enumerate(text.split("\n"), 1) if line.count(".") > MAX_DOTS_IN_A_LINE), None)
    if crowded is not None:
        raise InputError(f"line {crowded}: it has more than {MAX_DOTS_IN_A_LINE} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError("it is nested too deeply") from None
    except ValueError as error:  # tomllib.TOMLDecodeError, or an integer of more than 4,300 digits
        raise InputError(_toml_error(str(error), text)) from None


def _toml_error(message: str, text: str) -> str:
    """The sentence with its line in front; tomllib says it at the end, or says "end of document"."""
    sentence, _, place = message.partition(" (at ")
    at = re.match(r"line (\d+)", place)
    line = f"line {at[1]}: " if at else f"line {text.count(chr(10)) + 1}: " if place else ""
    return f"{line}it is not valid TOML: {sentence}"


def validate_file(model: type[Described], value: object) -> Described:
    """A parsed file as a model; InputError says which key is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{escaped(where[:MAX_KEY]) or 'the whole file'}: {first['msg']}") from None
