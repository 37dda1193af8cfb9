"""Models of Cargo.toml: the crate, its workspace, its targets and its dependencies; other keys are ignored."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from generator.errors import InputError
from generator.text import escaped

MAX_SIZE: Final = 1024 * 1024
"""The maximum number of characters of a Cargo.toml; the largest well-known ones have a tenth of it."""

# tomllib needs quadratic time for a dotted key: 20,000 parts take 6 s.
MAX_DOTS_IN_A_LINE: Final = 500

# Maximum number of characters of a key in a message.
MAX_KEY: Final = 200


class FileModel(BaseModel):
    """Base of models of Cargo's and npm's files: frozen, without conversions; unknown keys are ignored.

    Cargo accepts both crate-type and crate_type.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name.replace("_", "-"), name)),
    )


class Inherited(FileModel):
    """A value that is inherited from the workspace: `key.workspace = true`."""

    workspace: bool


class DependencyTable(FileModel):
    """A dependency that is a table, not only a version."""

    path: str | None = None
    package: str | None = None
    workspace: bool = False
    optional: bool = False


Dependency = Annotated[DependencyTable, BeforeValidator(lambda value: {} if isinstance(value, str) else value)]


class DependencySections(FileModel):
    """The dependencies of all platforms or of one."""

    dependencies: dict[str, Dependency] = {}
    build_dependencies: dict[str, Dependency] = {}
    dev_dependencies: dict[str, Dependency] = {}


class Package(FileModel):
    """The table [package]. `inherited` are the keys that it takes from [workspace.package]."""

    name: str
    version: str | Inherited | None = None
    edition: str | Inherited | None = None
    resolver: str | None = None
    workspace: str | None = None
    publish: bool | list[str] | Inherited = True
    autobins: bool | None = None
    autolib: bool = True
    build: Any = None
    include: list[str] | Inherited = []
    exclude: list[str] | Inherited = []
    readme: str | bool | Inherited | None = None
    license_file: str | Inherited | None = None
    metadata: dict[str, Any] = {}
    inherited: frozenset[str] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _name_inherited_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {**value, "inherited": frozenset(key for key, each in value.items() if is_inherited(each))}


class Library(FileModel):
    """The table [lib]."""

    path: str | None = None
    proc_macro: bool = False
    crate_type: list[str] = []


class Program(FileModel):
    """A table [[bin]], [[test]], [[bench]] or [[example]]."""

    name: str | None = None
    path: str | None = None
    required_features: list[str] = []


class WorkspacePackage(FileModel):
    """The table [workspace.package]."""

    version: str | None = None
    edition: str | None = None
    publish: bool | list[str] = True
    include: list[str] = []
    exclude: list[str] = []
    readme: str | bool | None = None
    license_file: str | None = None


class Workspace(FileModel):
    """The table [workspace]."""

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
    tests: list[Program] = Field(default=[], validation_alias="test")
    benches: list[Program] = Field(default=[], validation_alias="bench")
    examples: list[Program] = Field(default=[], validation_alias="example")
    lints: Any = None
    features: dict[str, list[str]] = {}
    target: dict[str, DependencySections] = {}
    patch: dict[str, dict[str, Dependency]] = {}
    replace: dict[str, Dependency] = {}

    def sections(self) -> Iterator[DependencySections]:
        """Yield the dependencies of all platforms, then those of single platforms."""
        yield self
        yield from self.target.values()

    def patches(self) -> Iterator[DependencyTable]:
        """Yield the replacements of other packages; Cargo reads them only in the root of a workspace."""
        for tables in (*self.patch.values(), self.replace):
            yield from tables.values()


def is_inherited(value: object) -> bool:
    """Return whether a value of Cargo.toml is `key.workspace = true`."""
    return isinstance(value, dict) and value.get("workspace") is True


Manifests = Mapping[str, CargoToml]
"""The Cargo.toml files of a repository by directory, from its top, "." for the top."""

Described = TypeVar("Described", bound=FileModel)


def manifest_path(directory: str) -> str:
    """Return the path of a directory's Cargo.toml."""
    return posixpath.normpath(f"{directory}/Cargo.toml")


def parse_cargo_toml(text: str) -> CargoToml:
    """Parse a Cargo.toml; raise InputError with the reason and the line when it is invalid."""
    described = validate_file(CargoToml, parse_toml(text, MAX_SIZE))
    if described.package is None and described.workspace is None:
        raise InputError("it has neither [package] nor [workspace]")
    return described


def parse_toml(text: str, limit: int) -> dict[str, Any]:
    """Parse TOML of at most `limit` characters; raise InputError with the reason and the line when it is invalid."""
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
    """Return the message with its line in front; tomllib puts it at the end, or writes "end of document"."""
    sentence, _, place = message.partition(" (at ")
    at = re.match(r"line (\d+)", place)
    line = f"line {at[1]}: " if at else f"line {text.count(chr(10)) + 1}: " if place else ""
    return f"{line}it is not valid TOML: {sentence}"


def validate_file(model: type[Described], value: object) -> Described:
    """Return a parsed file as a model; raise InputError with the key that is invalid."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{escaped(where[:MAX_KEY]) or 'the whole file'}: {first['msg']}") from None
