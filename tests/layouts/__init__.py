"""Twelve repositories in the shape of other people's, each in a directory of its name, and what they go through.

`python -m tests.layouts [NAME…]` takes each through all commands, from `init` to a loaded package, and prints a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from generator.platforms import Kind

NPM_LOCK: Final = "npm install --package-lock-only --ignore-scripts --no-audit --no-fund"
YARN_LOCK: Final = "npm exec --yes --package=@yarnpkg/cli-dist@4.18.1 -- yarn install --mode=update-lockfile"
PNPM_LOCK: Final = "npm exec --yes --package=pnpm@10.34.8 -- pnpm install --lockfile-only --ignore-scripts"


@dataclass(frozen=True)
class Layout:
    """A repository of another shape.

    `crates` are those that `init` has to find, with their kinds. `npm_locks` are the commands that write the lock files
    of npm, yarn or pnpm, and `cargo_locks` the directories that have a Cargo.lock. `submodules` are directories that
    are repositories of their own. `answers` are options of `init`, `build` those of `build`. `needs` are programs
    besides those that every build needs. `registry` says that a crate comes from a private registry.
    """

    name: str
    crates: Mapping[str, Kind]
    npm_locks: Mapping[str, str] = field(default_factory=dict)
    cargo_locks: tuple[str, ...] = (".",)
    submodules: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    registry: bool = False


LAYOUTS: Final = (
    Layout("yarn-addon", {"yarn_addon": "napi"}, {".": YARN_LOCK}, cargo_locks=()),
    Layout("yarn-workspace", {"yw-double": "napi", "yw-reverse": "napi"}, {".": YARN_LOCK}),
    Layout("pnpm-catalog", {"catalog-native": "napi"}, {".": PNPM_LOCK}, cargo_locks=("packages/native",)),
    Layout("crate-apart", {"engine": "lib", "engine-binding": "napi"}, {".": NPM_LOCK}),
    Layout("unscoped-addon", {"layouts-native": "napi"}, {".": NPM_LOCK}, build=("--layout", "split")),
    Layout(
        "bindings-directory",
        {"slugs": "lib", "slugs-node": "napi"},
        {"bindings/node": NPM_LOCK},
        cargo_locks=("core", "bindings/node"),
    ),
    Layout(
        "virtual-workspace",
        {"lines": "lib", "lines-cli": "bin", "lines-count": "napi", "lines-upper": "napi"},
        {"packages/count": NPM_LOCK, "packages/upper": NPM_LOCK},
    ),
    Layout(
        "nested-workspaces",
        {"colors": "lib", "colors-web": "wasm"},
        cargo_locks=(".", "web"),
        submodules=("third_party/spec",),
    ),
    Layout("wasm-demo", {"wasm-demo": "wasm"}),
    Layout("wasm-pack-library", {"wasm-pack-library": "wasm"}),
    Layout("program-feature", {"tabulate": "bin"}),
    Layout("private-registry", {"digest-cli": "bin"}, needs=("cmake",), registry=True),
)
