"""The kind of a crate: addon, wasm package, program or library, or the reason why it has none.

`publish = false` is ignored: it concerns Rust's registry, and a fleet publishes npm packages.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.cargo.features import enabled_by_default
from generator.cargo.manifests import CargoToml, Manifests, Package, Program
from generator.cargo.workspaces import inherited_dependency
from generator.discovery.package_json import PackageJson
from generator.platforms import Kind

# Common names of directories whose crates only serve the repository itself.
SUPPORT_DIRECTORIES: Final = frozenset({"benches", "examples", "fixtures", "fuzz", "testdata", "tests", "xtask"})
NO_PACKAGE: Final = (
    "it is a cdylib that depends on napi, but no package.json with a `napi` key lies beside its Cargo.toml or names it "
    "in a script: if there is one, add the crate to crates.json, with that directory in its source as `package`"
)
ANY_PROGRAM: Final = re.compile(r"src/(main|bin/[^/]+|bin/[^/]+/main)\.rs")


@dataclass(frozen=True)
class Candidate:
    """A crate with all facts that decide its kind.

    `root` is its workspace's directory. `files` are paths relative to its own directory. `package_json` is that of
    `package_directory`: its own, or the one of an addon's package.json that belongs to it.
    """

    directory: str
    manifest: CargoToml
    package: Package
    root: str | None
    files: frozenset[str]
    package_json: PackageJson | None
    package_directory: str

    @property
    def package_path(self) -> str:
        """The path of its package.json."""
        return posixpath.normpath(f"{self.package_directory}/package.json")


def kind_of(crate: Candidate, manifests: Manifests) -> tuple[Kind | None, str]:
    """Return the crate's kind, or None when it is not for the fleet, and a sentence with the reason."""
    if (reason := support_reason(crate)) is not None:
        return None, reason
    programs = program_names(crate)
    also = f"; it also has {_listed(programs)}" if programs else ""
    cdylib = "cdylib" in (crate.manifest.library.crate_type if crate.manifest.library else [])
    if depends_on(crate, "napi", manifests):
        beside = crate.package_directory == crate.directory
        if crate.package_json is not None and crate.package_json.napi is not None and (beside or cdylib):
            where = "package.json beside it" if beside else crate.package_path
            return "napi", f"it depends on napi, and {where} has a `napi` key{also}"
        if cdylib:
            return None, NO_PACKAGE
    if cdylib and depends_on(crate, "wasm-bindgen", manifests, by_default=True):
        return "wasm", f"it is a cdylib that depends on wasm-bindgen{also}"
    if programs:
        return "bin", f"it has {_listed(programs)}"
    if crate.manifest.library is not None or (crate.package.autolib and "src/lib.rs" in crate.files):
        return "lib", "it has a library, but no program and no binding for Node or wasm"
    return None, "it has neither a library nor a program that is built by default"


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
    """Return the names of the programs that a plain `cargo build` makes, sorted."""
    default = enabled_by_default(crate.manifest.features)
    declared = {path for program in crate.manifest.programs for path in _paths(program, crate.package.name)}
    built = {_name(program) for program in crate.manifest.programs if default.issuperset(program.required_features)}
    if crate.package.autobins:
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
