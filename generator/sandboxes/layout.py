"""Names of files and directories in a sandbox. Those without a leading slash lie below the sandbox's root."""

from __future__ import annotations

import posixpath
from typing import Final

# Root of an isolated sandbox. A local sandbox without isolation has a directory of this machine instead.
ROOT: Final = "/build"

HOME: Final = "home"
CARGO_HOME: Final = "cargo"
CARGO_TARGET: Final = "target"
NPM_CACHE: Final = "npm"
# Cache of what zig compiles, and of other programs.
USER_CACHE: Final = f"{HOME}/.cache"

# Files of supervised commands, and tars on their way in, both by number.
COMMANDS: Final = ".commands"
TRANSFERS: Final = ".transfers"

# The collected source of a path or git crate, or the published source of a registry crate.
SOURCE: Final = "source"
# Programs that a recipe asks for, such as wasm-bindgen.
TOOLS: Final = "tools"
# Files of the crates of a batch that wait for their turn.
BATCH: Final = "batch"
# An npm project with the package's future dependencies. Installing it fills npm's cache.
NEEDED: Final = "needed"
# The package.json of that project for a wasm crate, which the host copies out.
IMPORTED: Final = "imported.json"
# Wrapper of Cargo, and the builds that it recorded.
CARGO_RECORDER: Final = "recorder"
CARGO_RECORD: Final = "cargo-builds"
# One directory per platform, with scripts that start its programs by a runtime.
RUNTIMES: Final = "runtimes"
# Programs of package managers in E2B's image, COMMAND-VERSION each. It does not lie below the root.
MANAGERS: Final = "/opt/managers"
# Files of the package, the tar of them, the packed tarballs, and the npm project that loads them.
OUT: Final = "out"
OUT_TAR: Final = "out.tar"
PACKED: Final = "packed"
LOAD: Final = "load"
# The source while the package is loaded, so that nothing of it can be used by its path.
HIDDEN_SOURCE: Final = "source.out-of-reach"

# Descriptions that the fetch step copies out.
METADATA: Final = "metadata.json"
LOCK: Final = "Cargo.lock"
PACKAGE_JSON: Final = "package.json"
PACKAGES: Final = "packages.txt"
CONDITIONS: Final = "conditions.txt"
DEPENDENCY_FILES_TAR: Final = "dependency-files.tar"

# Target directory of instrumented builds, and the coverage summary.
COVERED: Final = "covered"
COVERAGE_SUMMARY: Final = "coverage.json"

# Programs or libraries that are built once for many crates.
PREBUILT_TAR: Final = "prebuilt.tar"


def source_path(root: str, path: str) -> str:
    """Return the absolute path of a file or directory of the source; `path` starts at the source's top."""
    return posixpath.normpath(f"{root}/{SOURCE}/{path}")
