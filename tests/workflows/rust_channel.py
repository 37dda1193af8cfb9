"""A channel of Rust's as its server has it, small enough for a test, from which the unmodified rustup installs.

The format is https://forge.rust-lang.org/infra/channel-layout.html, with packages as rust-installer makes them. Its
rustc and cargo say what they are and compile nothing; the standard libraries are empty files.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from generator import processes
from generator.platforms import PLATFORMS, host_platform
from tests.support import write_files

VERSION: Final = "1.90.0"
_RUSTC: Final = f"""#!/bin/sh
if [ "$1" = --print ]; then dirname "$(dirname "$0")"; else echo "rustc {VERSION} (abc 2026-01-01)"; fi
"""
_CARGO: Final = f"""#!/bin/sh
echo "cargo {VERSION} (abc 2026-01-01)"
"""


def installed_channel(top: Path, targets: Iterable[str]) -> dict[str, str]:
    """Serve a channel with these targets besides the host's, install it, and return the variables of rustup's."""
    host = PLATFORMS[host_platform() or "linux-x64-gnu"].target
    _serve(top / "dist", host, [host, *targets])
    homes = {"RUSTUP_HOME": str(top / "rustup"), "CARGO_HOME": str(top / "cargo")}
    variables = {**homes, "RUSTUP_DIST_SERVER": f"file://{top}"}
    for words in (["toolchain", "install", "--profile", "minimal", "--no-self-update", VERSION], ["default", VERSION]):
        env = {"PATH": os.environ["PATH"], "HOME": str(top), **variables}
        processes.output(["rustup", *words], timeout=120, cwd=top, env=env)
    return variables


def _serve(dist: Path, host: str, targets: list[str]) -> None:
    dist.mkdir(parents=True)
    packages = [
        _package(dist, "rustc", host, {"bin/rustc": _RUSTC}),
        _package(dist, "cargo", host, {"bin/cargo": _CARGO}),
        *(_package(dist, "rust-std", each, {f"lib/rustlib/{each}/lib/libstd.rlib": ""}) for each in targets),
    ]
    rust = [
        f'[pkg.rust]\nversion = "{VERSION}"\n[pkg.rust.target.{host}]\navailable = true\n',
        *(_part(host, "components", name, host) for name in ("rustc", "cargo", "rust-std")),
        *(_part(host, "extensions", "rust-std", each) for each in targets if each != host),
    ]
    versions = [f'[pkg.{name}]\nversion = "{VERSION}"\n' for name in ("rustc", "cargo", "rust-std")]
    profiles = '[profiles]\nminimal = ["rustc", "cargo", "rust-std"]\n'
    text = "".join(['manifest-version = "2"\ndate = "2026-01-01"\n', profiles, *rust, *versions, *packages])
    name = f"channel-rust-{VERSION}.toml"
    (dist / name).write_text(text)
    (dist / f"{name}.sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n")


def _part(host: str, kind: str, package: str, target: str) -> str:
    return f'[[pkg.rust.target.{host}.{kind}]]\npkg = "{package}"\ntarget = "{target}"\n'


def _package(dist: Path, name: str, target: str, files: Mapping[str, str]) -> str:
    """Write a package and return the manifest's lines on it."""
    stem = f"{name}-{VERSION}-{target}"
    part = f"rust-std-{target}" if name == "rust-std" else name
    held = {
        "components": f"{part}\n",
        "rust-installer-version": "3\n",
        f"{part}/manifest.in": "".join(f"file:{path}\n" for path in files),
        **{f"{part}/{path}": text for path, text in files.items()},
    }
    for path in write_files(dist / stem, held).rglob("bin/*"):
        path.chmod(0o755)
    file = dist / f"{stem}.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(dist / stem, stem)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f'[pkg.{name}.target.{target}]\navailable = true\nurl = "file://{file}"\nhash = "{digest}"\n'
