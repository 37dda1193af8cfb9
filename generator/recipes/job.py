"""What a recipe knows about the crate it writes scripts for."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError

from generator.cargo.features import enabled_by_default
from generator.errors import Unbuildable
from generator.manifest.models import Crate, PathSource
from generator.manifest.settings import Settings
from generator.packages.addon import RUNTIME
from generator.packages.identity import Identity
from generator.platforms import PlatformName
from generator.recipes.cargo_target import CargoTarget, cargo_target
from generator.sources.collect import CollectedSource
from generator.strict import Loose
from generator.toolchain.toolchain import WASI_TARGET, Toolchain, unmet_dependency

# What cargo says of a crate with 500 dependencies has 2 MiB.
MAX_DESCRIPTION: Final = 64 * 1024 * 1024
# Node's interface for wasm, to link and to run: https://napi.rs/docs/concepts/webassembly
EMNAPI: Final = ("emnapi", *RUNTIME)


@dataclass(frozen=True)
class BuildJob:
    """One crate to build for `platforms` in a sandbox whose own directory is `root` and that holds `toolchain`."""

    crate: Crate
    settings: Settings
    source: CollectedSource
    platforms: tuple[PlatformName, ...]
    toolchain: Toolchain
    root: str

    @property
    def host(self) -> PlatformName:
        """The platform that the sandbox itself is."""
        return self.toolchain.host

    @property
    def compiled_platforms(self) -> tuple[PlatformName, ...]:
        """What is compiled, in order: the host first, and in any case where a build script runs for it alone."""
        always = self.crate.kind == "napi" or (self.crate.commands.build is not None and self.crate.kind != "wasm")
        first = (self.host,) if always or self.host in self.platforms else ()
        return tuple(dict.fromkeys((*first, *self.platforms)))

    @property
    def measures_coverage(self) -> bool:
        """Whether coverage is measured when the tests are run."""
        return self.settings.tests and self.settings.coverage and self.toolchain.no_coverage is None

    def cargo_target(self, platform: PlatformName) -> CargoTarget:
        """How Cargo compiles this crate for a platform."""
        return cargo_target(self.crate.kind, platform, self.settings.glibc, self.toolchain)

    @property
    def directory(self) -> str:
        """The crate's directory in the sandbox."""
        return posixpath.normpath(f"{self.root}/source/{self.source.directory}")

    def identity(self, package: Package) -> Identity:
        """What the npm package is called and says of itself."""
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
        """Directory of the programs that the recipe asked for."""
        return f"{self.root}/tools"

    @property
    def workspace(self) -> str:
        """Directory of the Cargo workspace in the sandbox, from where rustc names files."""
        return posixpath.normpath(f"{self.root}/source/{self.source.workspace}")


class Target(Loose):
    """One target of a Cargo package."""

    name: str
    kind: tuple[str, ...]
    crate_types: tuple[str, ...] = ()
    required_features: tuple[str, ...] = Field(default=(), validation_alias="required-features")


def _name(dependency: object) -> object:
    return dependency.get("name") if isinstance(dependency, dict) else dependency


# Of what cargo says of a dependency, its name is all that matters here.
DependencyName = Annotated[str, BeforeValidator(_name)]


class Package(Loose):
    """One package as `cargo metadata` describes it."""

    name: str
    version: str
    manifest_path: str
    targets: tuple[Target, ...]
    features: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    description: str | None = None
    license: str | None = None
    repository: str | None = None
    homepage: str | None = None
    keywords: tuple[str, ...] = ()
    dependencies: frozenset[DependencyName] = frozenset()

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of its command-line programs, sorted."""
        return tuple(sorted(target.name for target in self.targets if "bin" in target.kind))

    @property
    def library(self) -> Target | None:
        """Its library target, if it has one."""
        return next(
            (
                each
                for each in self.targets
                if {"lib", "cdylib", "rlib", "dylib", "staticlib", "proc-macro"} & set(each.kind)
            ),
            None,
        )


class _Metadata(Loose):
    packages: tuple[Package, ...]


@dataclass(frozen=True)
class CrateMetadata:
    """What the crate says of itself, in Cargo.toml and, where there is one, package.json.

    `packages` are the names of what Cargo compiles for each platform.
    """

    package: Package
    package_json: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    compiled_packages: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def has_script(self, name: Literal["build", "test"]) -> bool:
        """Whether package.json has a script of that name, other than the placeholder that `npm init` writes."""
        scripts = (self.package_json or {}).get("scripts")
        text = scripts.get(name) if isinstance(scripts, dict) else None
        return isinstance(text, str) and "no test specified" not in text


def read_metadata(job: BuildJob, metadata: bytes, package_json: bytes | None, compiled: bytes = b"") -> CrateMetadata:
    """Read what the sandbox printed; Unbuildable when it is not what the manifest says."""
    try:
        packages = _Metadata.model_validate_json(metadata).packages
    except ValidationError:
        raise Unbuildable("cargo metadata gave no usable description of the crate") from None
    wanted = f"{job.directory}/Cargo.toml"
    package = next((each for each in packages if posixpath.normpath(each.manifest_path) == wanted), None)
    if package is None:
        raise Unbuildable(f"{job.source.directory}/Cargo.toml describes a workspace, not a package")
    declared = None if package_json is None else _package_json(job, package_json)
    notes = _disagreements(job, package, declared)
    return CrateMetadata(_as_built(job, package), declared, notes, _by_platform(compiled))


def cdylib_name(job: BuildJob, metadata: CrateMetadata) -> str:
    """Return the name of the library that JavaScript loads, as its file has it; Unbuildable where there is none."""
    library = metadata.package.library
    if library is None or "cdylib" not in library.crate_types:
        raise Unbuildable(f"kind {job.crate.kind} needs a library with crate-type cdylib in Cargo.toml")
    return library.name.replace("-", "_")


def _by_platform(lines: bytes) -> dict[str, frozenset[str]]:
    pairs = [words for line in lines.decode(errors="replace").splitlines() if len(words := line.split()) == 2]
    return {platform: frozenset(name for which, name in pairs if which == platform) for platform, _ in pairs}


def unmet_need(job: BuildJob, metadata: CrateMetadata, platform: PlatformName) -> str | None:
    """Return why this crate cannot be built for a platform with what the sandbox holds, or None."""
    if job.crate.kind == "napi" and platform == "wasm32" and (why := _lacks_emnapi(metadata.package_json or {})):
        return why
    return unmet_dependency(platform, metadata.compiled_packages.get(platform, frozenset()), job.toolchain)


def _lacks_emnapi(own: dict[str, Any]) -> str | None:
    """Return what napi's command line misses for wasm32; of version 3 the target too, or it writes no loader."""
    named = {name for key in ("dependencies", "devDependencies") for name in own.get(key) or ()}
    if absent := [each for each in EMNAPI if each not in named]:
        return f"an addon for wasm32 needs {', '.join(absent)} among the dependencies in package.json"
    targets = own["napi"].get("targets") if isinstance(own.get("napi"), dict) else None
    if isinstance(targets, list) and not any(str(each).startswith("wasm32-wasi") for each in targets):
        return f"an addon for wasm32 needs {WASI_TARGET} among napi.targets in package.json"
    return None


def _as_built(job: BuildJob, package: Package) -> Package:
    """Return the package without the targets that cargo passes over because features they require are off.

    What a build command of the manifest's own switches on is not known: then every target counts.
    """
    if job.crate.commands.build is not None:
        return package
    on = enabled_by_default(package.features)
    targets = tuple(each for each in package.targets if on.issuperset(each.required_features))
    built = package.model_copy(update={"targets": targets})
    off = {name for each in package.targets if "bin" in each.kind for name in each.required_features} - on
    if job.crate.kind == "bin" and off and not built.programs:
        raise Unbuildable(
            f"every program of {job.crate.name} requires features that are off by default ({', '.join(sorted(off))}): "
            "add them to `default` in Cargo.toml, or give the crate a build command that enables them"
        )
    return built


def _disagreements(job: BuildJob, package: Package, declared: dict[str, Any] | None) -> tuple[str, ...]:
    """Return how the crate's own files differ from the manifest, which wins.

    In the manifest's own repository both can be mended in one commit: there a difference is a mistake, Unbuildable.
    A pinned revision of another repository cannot be changed: there it is a note. An addon's version is that of its
    package.json: napi's own projects leave 0.0.0 in Cargo.toml.
    """
    said: list[tuple[str, str, Any, str]] = []
    if job.crate.kind != "napi" or declared is None:
        said.append(("Cargo.toml", "version", package.version, job.crate.version))
    if declared is not None:
        said.append(("package.json", "version", declared.get("version"), job.crate.version))
        said.append(("package.json", "name", declared.get("name"), job.settings.npm_name))
    notes = tuple(
        f"{posixpath.normpath(f'{job.source.directory}/{file}')} has {key} {json.dumps(own)[:120]}, "
        f"the manifest {wanted}"
        for file, key, own, wanted in said
        if own != wanted
    )
    if notes and isinstance(job.crate.source, PathSource):
        raise Unbuildable(notes[0])
    return notes


def _package_json(job: BuildJob, text: bytes) -> dict[str, Any]:
    where = posixpath.normpath(f"{job.source.directory}/package.json")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Unbuildable(f"{where} is not valid JSON") from None
    if not isinstance(data, dict):
        raise Unbuildable(f"{where} is not a JSON object")
    return data
