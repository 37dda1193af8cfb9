"""The kind of a crate: addon, wasm package, program or library, or the reason why it has none."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.cargo.features import enabled_by, enabled_by_default
from generator.cargo.manifests import CargoToml, Manifests, Package, Program
from generator.cargo.workspaces import inherited_dependency
from generator.discovery.package_json import PackageJson
from generator.platforms import Kind

# Common names of directories whose crates only serve the repository itself.
SUPPORT_DIRECTORIES: Final = frozenset(
    {"bench", "benches", "benchmark", "benchmarks", "demo", "demos", "example", "examples", "fixture", "fixtures"}
    | {"fuzz", "playground", "playgrounds", "sample", "samples", "test", "testdata", "tests", "xtask"}
)
NO_PACKAGE: Final = (
    "it is a cdylib that depends on napi, but no package.json with a `napi` key lies beside its Cargo.toml or names it "
    "in a script. If there is one, add the crate to crates.json; `package` of its source is that directory"
)
NO_KEY: Final = (
    "it is a cdylib that depends on napi, and a script of {path} builds it, but that file has no `napi` key: "
    'add "napi": {{"binaryName": "…"}} with the name of its .node files'
)
# Crates that make a cdylib an extension of another program, which loads it. They export its symbols, so that no other
# package can have them. Crates of neon's first versions are of the type dylib.
EXTENSIONS: Final = {
    "neon": "Node by neon, and cratematrix builds addons of napi",
    "node-bindgen": "Node by node-bindgen, and cratematrix builds addons of napi",
    "cpython": "Python",
    "pyo3": "Python",
    "pyo3-ffi": "Python",
    "magnus": "Ruby",
    "rb-sys": "Ruby",
    "rustler": "Erlang",
    "ext-php-rs": "PHP",
    "extendr-api": "R",
    "jni": "Java",
    "pgrx": "PostgreSQL",
}
ANY_PROGRAM: Final = re.compile(r"src/(main|bin/[^/]+|bin/[^/]+/main)\.rs")


@dataclass(frozen=True)
class Candidate:
    """A crate with all facts that decide its kind.

    `edition` is the one that it inherits or names, else Cargo's default. `root` is its workspace's directory. `files`
    are paths relative to its own directory. `package_json` is that of `package_directory`: its own, or the one of an
    addon's package.json that belongs to it.
    """

    directory: str
    manifest: CargoToml
    package: Package
    edition: str
    root: str | None
    files: frozenset[str]
    package_json: PackageJson | None
    package_directory: str

    @property
    def package_path(self) -> str:
        """The path of its package.json."""
        return posixpath.normpath(f"{self.package_directory}/package.json")


@dataclass(frozen=True)
class Verdict:
    """The kind of a crate, None when it is not for the fleet, and a sentence with the reason.

    `features` are those that its build has to enable, besides the default ones.
    """

    kind: Kind | None
    reason: str
    features: tuple[str, ...] = ()


def kind_of(crate: Candidate, manifests: Manifests) -> Verdict:
    """Return the verdict on a crate.

    The result of a plain `cargo build` decides first, and a result behind a feature only without one.
    """
    if (reason := support_reason(crate)) is not None:
        return Verdict(None, reason)
    programs = program_names(crate)
    also = f"; it also has {_listed(programs)}" if programs else ""
    crate_types = crate.manifest.library.crate_type if crate.manifest.library else []
    cdylib = "cdylib" in crate_types
    if depends_on(crate, "napi", manifests):
        beside = crate.package_directory == crate.directory
        if crate.package_json is not None and crate.package_json.napi is not None and (beside or cdylib):
            where = "package.json beside it" if beside else crate.package_path
            return Verdict("napi", f"it depends on napi, and {where} has a `napi` key{also}")
        if cdylib:
            return Verdict(None, NO_PACKAGE if beside else NO_KEY.format(path=crate.package_path))
    if cdylib and depends_on(crate, "wasm-bindgen", manifests, by_default=True):
        return Verdict("wasm", f"it is a cdylib that depends on wasm-bindgen{also}")
    if programs:
        return Verdict("bin", f"it has {_listed(programs)}")
    if (cdylib or "dylib" in crate_types) and (used := _extension(crate, manifests)):
        return Verdict(None, f"it depends on {used}, so its library is an extension for {EXTENSIONS[used]}")
    if cdylib and (feature := _feature_with("wasm-bindgen", crate, manifests)):
        return Verdict("wasm", f"it is a cdylib that depends on wasm-bindgen by its feature {feature}", (feature,))
    if gated := _gated_programs(crate):
        return _verdict_on_gated(gated)
    if crate.manifest.library is not None or (crate.package.autolib and "src/lib.rs" in crate.files):
        return Verdict("lib", "it has a library, but no program and no binding for Node or wasm")
    return Verdict(None, "it has neither a library nor a program")


def support_reason(crate: Candidate) -> str | None:
    """Return the reason when a crate only serves the repository or the compiler, or else None."""
    support = next((part for part in crate.directory.split("/") if part in SUPPORT_DIRECTORIES), None)
    library = crate.manifest.library
    if support is not None:
        return f"crates below a directory named {support} serve the repository itself"
    if crate.package.name == "xtask" or crate.package.name.endswith("-xtask"):
        return "an xtask crate automates the repository itself"
    if crate.package.metadata.get("cargo-fuzz") is True:
        return "it holds fuzz targets (package.metadata.cargo-fuzz)"
    if library is not None and (library.proc_macro or "proc-macro" in library.crate_type):
        return "a procedural macro runs inside the compiler and is built with the crates that use it"
    return None


def program_names(crate: Candidate) -> tuple[str, ...]:
    """Return the names of the programs that a plain `cargo build` makes, sorted.

    In the edition 2015, Cargo does not look for programs beside a [[bin]].
    """
    default = enabled_by_default(crate.manifest.features)
    declared = {path for program in crate.manifest.programs for path in _paths(program, crate.package.name)}
    built = {_name(program) for program in crate.manifest.programs if default.issuperset(program.required_features)}
    automatic = crate.package.autobins
    if automatic is None:
        automatic = crate.edition != "2015" or not crate.manifest.programs
    if automatic:
        found = (path for path in crate.files if path not in declared and ANY_PROGRAM.fullmatch(path))
        built |= {_program_at(path, crate.package.name) for path in found}
    return tuple(sorted(built))


def depends_on(crate: Candidate, package: str, manifests: Manifests, *, by_default: bool = False) -> bool:
    """Return whether a crate depends on a package on any platform; with `by_default`, only with default features."""
    default = enabled_by_default(crate.manifest.features)
    for sections in crate.manifest.sections():
        for name, table in sections.dependencies.items():
            dependency = inherited_dependency(name, crate.root, manifests) if table.workspace else table
            enabled = not table.optional or not default.isdisjoint({name, f"dep:{name}"})
            if (dependency.package or name) == package and (enabled or not by_default):
                return True
    return False


def _extension(crate: Candidate, manifests: Manifests) -> str | None:
    """Return the crate of EXTENSIONS that is a default dependency of a crate, or None."""
    return next((each for each in EXTENSIONS if depends_on(crate, each, manifests, by_default=True)), None)


def _feature_with(package: str, crate: Candidate, manifests: Manifests) -> str | None:
    """Return the feature that enables an optional dependency and the least besides, or None."""
    wanted = _optional_names(package, crate, manifests)
    features = crate.manifest.features
    explicit = {name: enabled_by([name], features) for name in features}
    found = [(len(enabled), name) for name, enabled in explicit.items() if not enabled.isdisjoint(wanted)]
    if found:
        return min(found)[1]
    # Without any `dep:NAME`, Cargo makes a feature of the dependency's own name.
    return next((name for name in sorted(wanted) if not name.startswith("dep:")), None)


def _optional_names(package: str, crate: Candidate, manifests: Manifests) -> set[str]:
    """Return what features write to enable an optional dependency on a package: its name, and dep:NAME."""
    names: set[str] = set()
    for sections in crate.manifest.sections():
        for name, table in sections.dependencies.items():
            dependency = inherited_dependency(name, crate.root, manifests) if table.workspace else table
            if table.optional and (dependency.package or name) == package:
                names |= {name, f"dep:{name}"}
    return names


def _gated_programs(crate: Candidate) -> dict[str, list[str]]:
    """Return the programs whose required features are off by default, with those features."""
    default = enabled_by_default(crate.manifest.features)
    return {
        _name(program): sorted({*program.required_features} - default)
        for program in crate.manifest.programs
        if not default.issuperset(program.required_features)
    }


def _verdict_on_gated(programs: dict[str, list[str]]) -> Verdict:
    features = tuple(sorted({feature for each in programs.values() for feature in each}))
    wanted = f"the feature{'s' if len(features) > 1 else ''} {', '.join(features)}"
    return Verdict("bin", f"it has {_listed(tuple(sorted(programs)))}, with {wanted}", features)


def _paths(program: Program, package: str) -> Iterator[str]:
    """Yield the paths where Cargo looks for a [[bin]]."""
    if program.path is not None:
        yield program.path.removeprefix("./")
        return
    yield f"src/bin/{program.name}.rs"
    yield f"src/bin/{program.name}/main.rs"
    if program.name == package:
        yield "src/main.rs"


def _name(program: Program) -> str:
    return program.name or program.path or "?"


def _program_at(path: str, package: str) -> str:
    return package if path == "src/main.rs" else path.removeprefix("src/bin/").removesuffix(".rs").split("/")[0]


def _listed(programs: tuple[str, ...]) -> str:
    names = ", ".join(programs[:3]) + (f" and {len(programs) - 3} more" if len(programs) > 3 else "")
    return f"the program{'s' if len(programs) > 1 else ''} {names}"
