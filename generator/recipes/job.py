"""Build job of a crate, and the crate's own metadata: the input of all recipes."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import ValidationError

from generator.cargo.features import enabled_by_default
from generator.cargo.metadata import CargoMetadata, Package
from generator.errors import Unbuildable
from generator.manifest.models import Crate, PathSource
from generator.manifest.settings import Settings
from generator.packages.addon import WASM_RUNTIME_PACKAGES
from generator.packages.identity import Identity
from generator.platforms import PlatformName
from generator.recipes.cargo_target import CargoTarget, cargo_target
from generator.sandboxes.layout import TOOLS, source_path
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import WASI_TARGET, Toolchain, unmet_dependency

# Node's interface for wasm, to link and to run: https://napi.rs/docs/concepts/webassembly
EMNAPI: Final = ("emnapi", *WASM_RUNTIME_PACKAGES)


@dataclass(frozen=True)
class BuildJob:
    """One crate to build for `platforms`, in a sandbox with the directory `root` and a toolchain."""

    crate: Crate
    settings: Settings
    source: CollectedSource
    platforms: tuple[PlatformName, ...]
    toolchain: Toolchain
    root: str

    @property
    def host(self) -> PlatformName:
        """The sandbox's own platform."""
        return self.toolchain.host

    @property
    def compiled_platforms(self) -> tuple[PlatformName, ...]:
        """Platforms to compile for, the host first. It is always there when a build script runs for it alone."""
        always = self.crate.kind == "napi" or (self.crate.commands.build is not None and self.crate.kind != "wasm")
        first = (self.host,) if always or self.host in self.platforms else ()
        return tuple(dict.fromkeys((*first, *self.platforms)))

    @property
    def measures_coverage(self) -> bool:
        """Return True if the tests' coverage is measured."""
        return self.settings.tests and self.settings.coverage and self.toolchain.no_coverage is None

    def cargo_target(self, platform: PlatformName) -> CargoTarget:
        """Return Cargo's view of a platform for this crate."""
        return cargo_target(self.crate.kind, platform, self.settings.glibc, self.toolchain)

    @property
    def directory(self) -> str:
        """The crate's directory in the sandbox."""
        return source_path(self.root, self.source.directory)

    def identity(self, package: Package) -> Identity:
        """Return the npm package's name, version and description."""
        return Identity(
            name=self.settings.npm_name,
            version=self.crate.version,
            description=package.description,
            license=package.license,
            repository=package.repository,
            homepage=package.homepage,
            keywords=package.keywords,
        )

    @property
    def tools(self) -> str:
        """Directory of the programs that the recipe asks for."""
        return f"{self.root}/{TOOLS}"

    @property
    def workspace(self) -> str:
        """Directory of the Cargo workspace in the sandbox. rustc names files relative to it."""
        return source_path(self.root, self.source.workspace)


@dataclass(frozen=True)
class CrateMetadata:
    """The crate's own metadata, from Cargo.toml and, where there is one, package.json.

    `compiled_packages` are the names of the packages that Cargo compiles for each platform. `npm_dependencies` are the
    npm packages that a wasm crate imports, with their versions.
    """

    package: Package
    package_json: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    compiled_packages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    npm_dependencies: Mapping[str, str] = field(default_factory=dict)

    def has_script(self, name: Literal["build", "test"]) -> bool:
        """Return True if package.json has a script of that name, other than the placeholder that `npm init` writes."""
        scripts = (self.package_json or {}).get("scripts")
        text = scripts.get(name) if isinstance(scripts, dict) else None
        return isinstance(text, str) and "no test specified" not in text


def read_metadata(job: BuildJob, metadata: bytes, package_json: bytes | None, compiled: bytes = b"") -> CrateMetadata:
    """Read the descriptions from the sandbox; Unbuildable when they disagree with the manifest."""
    try:
        described = CargoMetadata.model_validate_json(metadata)
    except ValidationError:
        raise Unbuildable("cargo metadata gave no usable description of the crate") from None
    package = described.package_at(f"{job.directory}/Cargo.toml")
    if package is None:
        raise Unbuildable(f"{job.source.directory}/Cargo.toml describes a workspace, not a package")
    declared = None if package_json is None else _parse_package_json(job, package_json)
    notes = _differences(job, package, declared)
    return CrateMetadata(_without_disabled_targets(job, package), declared, notes, _compiled_packages(compiled))


def cdylib_name(job: BuildJob, metadata: CrateMetadata) -> str:
    """Return the module name of the library that JavaScript loads; Unbuildable when there is none."""
    library = metadata.package.library
    if library is None or "cdylib" not in library.crate_types:
        raise Unbuildable(f"kind {job.crate.kind} needs a library with crate-type cdylib in Cargo.toml")
    return library.name.replace("-", "_")


def _compiled_packages(lines: bytes) -> dict[str, frozenset[str]]:
    """Read lines of "PLATFORM NAME"."""
    pairs = [words for line in lines.decode(errors="replace").splitlines() if len(words := line.split()) == 2]
    return {platform: frozenset(name for other, name in pairs if other == platform) for platform, _ in pairs}


def unmet_need(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str | None:
    """Return the reason why the sandbox cannot build this crate for a platform, or None."""
    if job.crate.kind == "napi" and platform == "wasm32" and (why := _missing_emnapi(metadata.package_json or {})):
        return why
    return unmet_dependency(platform, metadata.compiled_packages.get(platform, frozenset()), job.toolchain)


def _missing_emnapi(package_json: dict[str, Any]) -> str | None:
    """Return what napi's command line lacks for wasm32, or None. Its version 3 writes no loader without the target."""
    named = {name for key in ("dependencies", "devDependencies") for name in package_json.get(key) or ()}
    if absent := [each for each in EMNAPI if each not in named]:
        return f"an addon for wasm32 needs {', '.join(absent)} among the dependencies in package.json"
    napi = package_json.get("napi")
    targets = napi.get("targets") if isinstance(napi, dict) else None
    if isinstance(targets, list) and not any(str(each).startswith("wasm32-wasi") for each in targets):
        return f"an addon for wasm32 needs {WASI_TARGET} among napi.targets in package.json"
    return None


def _without_disabled_targets(job: BuildJob, package: Package) -> Package:
    """Return the package without the targets whose required features are off, which Cargo skips.

    The manifest's own build command may enable any feature, so every target counts then.
    """
    if job.crate.commands.build is not None:
        return package
    enabled = enabled_by_default(package.features)
    targets = tuple(target for target in package.targets if enabled.issuperset(target.required_features))
    built = package.model_copy(update={"targets": targets})
    required = {name for target in package.targets if "bin" in target.kind for name in target.required_features}
    if job.crate.kind == "bin" and required - enabled and not built.programs:
        raise Unbuildable(
            f"every program of {job.crate.name} requires features that are off by default "
            f"({', '.join(sorted(required - enabled))}): "
            "add them to `default` in Cargo.toml, or give the crate a build command that enables them"
        )
    return built


def _differences(job: BuildJob, package: Package, declared: dict[str, Any] | None) -> tuple[str, ...]:
    """Return how the crate's own files differ from the manifest, which wins.

    In the manifest's repository one commit can change both, so a difference is a mistake: Unbuildable. A pinned
    revision of another repository cannot be changed, so there it is a note. An addon's version is that of its
    package.json, because napi's own projects leave 0.0.0 in Cargo.toml.
    """
    compared: list[tuple[str, str, Any, str]] = []
    if job.crate.kind != "napi" or declared is None:
        compared.append(("Cargo.toml", "version", package.version, job.crate.version))
    if declared is not None:
        compared.append(("package.json", "version", declared.get("version"), job.crate.version))
        compared.append(("package.json", "name", declared.get("name"), job.settings.npm_name))
    notes = tuple(
        f"{posixpath.normpath(f'{job.source.directory}/{file}')} has {key} {json.dumps(own)[:120]}, "
        f"the manifest {wanted}"
        for file, key, own, wanted in compared
        if own != wanted
    )
    if notes and isinstance(job.crate.source, PathSource):
        raise Unbuildable(notes[0])
    return notes


def _parse_package_json(job: BuildJob, text: bytes) -> dict[str, Any]:
    path = posixpath.normpath(f"{job.source.directory}/package.json")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Unbuildable(f"{path} is not valid JSON") from None
    if not isinstance(data, dict):
        raise Unbuildable(f"{path} is not a JSON object")
    return data
