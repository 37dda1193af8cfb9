"""What a crate becomes: an addon, a wasm package, a program or a library; or why it becomes nothing.

`publish = false` decides nothing: it speaks of Rust's registry, and the packages of a fleet are npm's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.cargo.features import enabled_by_default
from generator.cargo.manifests import CargoToml, Manifests, Package, Program
from generator.cargo.workspaces import inherited_dependency
from generator.discovery.package_json import PackageJson
from generator.platforms import Kind

# Directories whose crates serve the repository itself, as Cargo and its users name them.
SUPPORT_DIRECTORIES: Final = frozenset({"benches", "examples", "fixtures", "fuzz", "testdata", "tests", "xtask"})
ANY_PROGRAM: Final = re.compile(r"src/(main|bin/[^/]+|bin/[^/]+/main)\.rs")


@dataclass(frozen=True)
class Candidate:
    """A crate with everything that its kind depends on.

    `root` is its workspace's directory. `files` are paths from its own. `beside` is the package.json there, `nearby`
    the path of one with a `napi` key in the directory above or in one below.
    """

    directory: str
    manifest: CargoToml
    package: Package
    root: str | None
    files: frozenset[str]
    package_json: PackageJson | None
    nearby_package: str | None


def kind_of(crate: Candidate, manifests: Manifests) -> tuple[Kind | None, str]:
    """The crate's kind, or None where it becomes no crate of the fleet; and a sentence that says why."""
    if (reason := support_reason(crate)) is not None:
        return None, reason
    programs = program_names(crate)
    also = f"; that it also has {_listed(programs)} does not change that" if programs else ""
    cdylib = "cdylib" in (crate.manifest.library.crate_type if crate.manifest.library else [])
    if depends_on(crate, "napi", manifests):
        if crate.package_json is not None and crate.package_json.napi is not None:
            return "napi", f"it depends on napi, and package.json beside it has a `napi` key{also}"
        if cdylib:
            return None, _addon_without_package(crate)
    if cdylib and depends_on(crate, "wasm-bindgen", manifests, by_default=True):
        return "wasm", f"it is a cdylib that depends on wasm-bindgen{also}"
    if programs:
        return "bin", f"it has {_listed(programs)}"
    if crate.manifest.library is not None or (crate.package.autolib and "src/lib.rs" in crate.files):
        return "lib", "it has a library, but no program and no binding for Node or wasm"
    return None, "it has neither a library nor a program that is built by default"


def support_reason(crate: Candidate) -> str | None:
    """Why a crate is a tool, test or example of the repository, or compiler-only; None when it is not."""
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
    """Names of the programs that a plain `cargo build` makes, sorted."""
    default = enabled_by_default(crate.manifest.features)
    declared = {path for program in crate.manifest.programs for path in _paths(program, crate.package.name)}
    built = {_name(program) for program in crate.manifest.programs if default.issuperset(program.required_features)}
    if crate.package.autobins:
        found = (path for path in crate.files if path not in declared and ANY_PROGRAM.fullmatch(path))
        built |= {_program_at(path, crate.package.name) for path in found}
    return tuple(sorted(built))


def depends_on(crate: Candidate, wanted: str, manifests: Manifests, *, by_default: bool = False) -> bool:
    """Whether a crate depends on a package of that name, on any platform; with `by_default`, without asking for it."""
    default = enabled_by_default(crate.manifest.features)
    for sections in crate.manifest.sections():
        for name, table in sections.dependencies.items():
            meant = inherited_dependency(name, crate.root, manifests) if table.workspace else table
            on = not table.optional or not default.isdisjoint({name, f"dep:{name}"})
            if (meant.package or name) == wanted and (on or not by_default):
                return True
    return False


def _addon_without_package(crate: Candidate) -> str:
    if crate.nearby_package is not None:
        return f"it is an addon, but its package.json is {crate.nearby_package}: move it beside Cargo.toml"
    return "it is a cdylib that depends on napi, but no package.json with a `napi` key lies beside its Cargo.toml"


def _paths(program: Program, package: str) -> Iterator[str]:
    """Where Cargo looks for a [[bin]]."""
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
    shown = ", ".join(programs[:3]) + (f" and {len(programs) - 3} more" if len(programs) > 3 else "")
    return f"the program{'s' if len(programs) > 1 else ''} {shown}"
