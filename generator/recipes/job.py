"""Build job of a crate, and the crate's own metadata: the input of all recipes."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import ValidationError

from generator.cargo.configuration import FLAGS, CargoConfiguration
from generator.cargo.features import enabled_by_default
from generator.cargo.metadata import CargoMetadata, Package
from generator.errors import InputError, Unbuildable
from generator.manifest.crate_files import differences, parse_package_json
from generator.manifest.crate_models import Crate
from generator.manifest.settings import Settings
from generator.manifest.source_models import PathSource
from generator.npm.projects import NpmProject
from generator.packages.addon import WASM_RUNTIME_PACKAGES
from generator.packages.identity import Identity
from generator.platforms import PlatformName
from generator.recipes.cargo_target import CargoTarget, ProjectFlags, cargo_target
from generator.sandboxes.layout import TOOLS, source_path
from generator.sources.collect import CollectedSource
from generator.toolchain.toolchain import WASI_TARGET, Toolchain, missing_library, missing_target, unmet_dependency

# Node's interface for wasm, to link and to run: https://napi.rs/docs/concepts/webassembly
EMNAPI: Final = ("emnapi", *WASM_RUNTIME_PACKAGES)


@dataclass(frozen=True)
class BuildJob:
    """One crate to build for `platforms`, in a sandbox with the directory `root` and a toolchain.

    `configuration` is Cargo's, and `conditions` are the facts of each platform that its tables of [target]
    depend on, as rustc prints them. Both are known after the source has been read.
    """

    crate: Crate
    settings: Settings
    source: CollectedSource
    platforms: tuple[PlatformName, ...]
    toolchain: Toolchain
    root: str
    configuration: CargoConfiguration = field(default_factory=CargoConfiguration)
    conditions: Mapping[str, frozenset[str]] = field(default_factory=dict)

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

    @property
    def preparation(self) -> str:
        """Lines of Bash that run before each script of the crate."""
        channel = self.toolchain.channel
        path = f'export PATH={shlex.quote(channel.programs)}:"$PATH"\n' if channel else ""
        unused = (key.upper().replace("-", "_") for key in self.configuration.unused_caches)
        return path + "".join(f"export {variable}=\n" for variable in unused)

    def cargo_target(self, platform: PlatformName) -> CargoTarget:
        """Return Cargo's view of a platform for this crate."""
        kind, own = self.crate.kind, self.configuration
        target, conditions = self.toolchain.target(kind, platform), self.conditions.get(platform, frozenset())
        rustflags, rustdocflags = (own.flags(name, target, conditions) for name in FLAGS)
        project = ProjectFlags(rustflags, rustdocflags, own.names_target)
        return cargo_target(kind, platform, self.settings.glibc, self.toolchain, project)

    @property
    def directory(self) -> str:
        """The crate's directory in the sandbox."""
        return source_path(self.root, self.source.directory)

    @property
    def package_path(self) -> str:
        """The directory of package.json from the top of the source, or else the crate's."""
        return self.source.package or self.source.directory

    @property
    def package_directory(self) -> str:
        """The directory in the sandbox in which the crate's commands run: that of package.json, or else the crate's."""
        return source_path(self.root, self.package_path)

    def programs(self, package: Package) -> tuple[str, ...]:
        """Return the names of the package's programs; Unbuildable when the manifest names one that is not there."""
        wanted = self.crate.programs
        if wanted is None:
            return package.programs
        if missing := [name for name in wanted if name not in package.programs]:
            has = f"it has {', '.join(package.programs)}" if package.programs else "it has none"
            raise Unbuildable(f"{self.crate.name} has no program {', '.join(missing)} that is built: {has}")
        return tuple(sorted(wanted))

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
            platform_packages=self.settings.platform_packages,
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
    """The crate's own metadata, from Cargo.toml and, for an addon, package.json.

    `compiled_packages` are the names of the packages that Cargo compiles for each platform. `npm` says how an addon's
    npm packages are installed. `npm_dependencies` are the npm packages that a wasm crate imports, with their versions.
    """

    package: Package
    package_json: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    compiled_packages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    npm: NpmProject | None = None
    npm_dependencies: Mapping[str, str] = field(default_factory=dict)

    def has_script(self, name: Literal["build", "test"]) -> bool:
        """Return True if package.json has a script of that name, other than the placeholder that `npm init` writes."""
        return self.script(name) != ""

    def script(self, name: Literal["build", "test"]) -> str:
        """Return the text of a script in package.json, empty without one and for the placeholder of `npm init`."""
        scripts = (self.package_json or {}).get("scripts")
        text = scripts.get(name) if isinstance(scripts, dict) else None
        return text if isinstance(text, str) and "no test specified" not in text else ""


def read_metadata(job: BuildJob, metadata: bytes, package_json: bytes | None, compiled: bytes = b"") -> CrateMetadata:
    """Read the descriptions from the sandbox; Unbuildable when they disagree with the manifest."""
    try:
        described = CargoMetadata.model_validate_json(metadata)
    except ValidationError:
        raise Unbuildable("cargo metadata gave no usable description of the crate") from None
    package = described.package_at(f"{job.directory}/Cargo.toml")
    if package is None:
        raise Unbuildable(f"{job.source.directory}/Cargo.toml describes a workspace, not a package")
    is_addon = job.crate.kind == "napi"  # Beside other crates, package.json belongs to something else.
    declared = _parse_package_json(job, package_json) if is_addon and package_json is not None else None
    notes = _differences(job, package, declared)
    return CrateMetadata(_without_disabled_targets(job, package), declared, notes, _compiled_packages(compiled))


def cdylib_name(job: BuildJob, metadata: CrateMetadata) -> str:
    """Return the module name of the library that JavaScript loads; Unbuildable when there is none."""
    library = metadata.package.library
    if library is None or "cdylib" not in library.crate_types:
        raise Unbuildable(f"kind {job.crate.kind} needs a library with crate-type cdylib in Cargo.toml")
    return library.name.replace("-", "_")


def read_conditions(lines: bytes) -> dict[str, frozenset[str]]:
    """Read lines of "PLATFORM FACT"."""
    pairs = [line.partition(" ") for line in lines.decode(errors="replace").splitlines()]
    return {platform: frozenset(fact for each, _, fact in pairs if each == platform) for platform, _, _ in pairs}


def _compiled_packages(lines: bytes) -> dict[str, frozenset[str]]:
    """Read lines of "PLATFORM NAME"."""
    pairs = [words for line in lines.decode(errors="replace").splitlines() if len(words := line.split()) == 2]
    return {platform: frozenset(name for other, name in pairs if other == platform) for platform, _ in pairs}


def unmet_need(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str | None:
    """Return the reason why the sandbox cannot build this crate for a platform, or None."""
    if job.crate.kind == "napi" and platform == "wasm32" and (why := _missing_emnapi(metadata.package_json or {})):
        return why
    channel = job.toolchain.channel
    if channel and (target := missing_target(job.crate.kind, platform, job.toolchain)):
        return missing_library([target], channel.name)
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
    revision of another repository cannot be changed, so there it is a note.
    """
    directory, name = job.source.directory, "Cargo.toml"
    own: Mapping[str, object] | None = {"version": package.version}
    if job.crate.kind == "napi":
        directory, name, own = job.package_path, "package.json", declared
    found = differences(job.crate, job.settings.npm_name, posixpath.normpath(f"{directory}/{name}"), own)
    notes = tuple(sentence for _, sentence in found)
    if notes and isinstance(job.crate.source, PathSource):
        raise Unbuildable(notes[0])
    return notes


def _parse_package_json(job: BuildJob, text: bytes) -> dict[str, Any]:
    try:
        return parse_package_json(posixpath.normpath(f"{job.package_path}/package.json"), text)
    except InputError as error:
        raise Unbuildable(error.message) from None
