"""Real binaries of every platform, linked on the spot: by the host's cc, and for other systems by zig."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from generator.audit.findings import Audit
from generator.audit.reader import read_here
from generator.audit.reading import facts_of, read_facts
from generator.audit.rules import MinimumVersions, audit
from generator.platforms import Kind, PlatformName
from tests.support import HANGS

ADDON = "int napi_register_module_v1(void) { return 0; }\n"
PROGRAM = "int main(void) { return 0; }\n"
# Without a C library, which zig would have to build first for some systems.
BARE = "void begin(void) {}\n"
ZIG_TARGETS: dict[PlatformName, str] = {
    "linux-x64-gnu": "x86_64-linux-gnu.2.17",
    "linux-x64-musl": "x86_64-linux-musl",
    "linux-arm64-gnu": "aarch64-linux-gnu.2.17",
    "linux-arm64-musl": "aarch64-linux-musl",
    "darwin-x64": "x86_64-macos.10.13",
    "darwin-arm64": "aarch64-macos.11.0",
    "win32-x64-msvc": "x86_64-windows-gnu",
    "win32-arm64-msvc": "aarch64-windows-gnu",
    "wasm32": "wasm32-freestanding",
}

# In the toolchain for foreign platforms, on PATH, or beside these tests' own packages.
_PATH = os.pathsep.join([f"{os.environ.get('CROSS_TOOLCHAIN', '')}/bin", os.environ["PATH"]])
_FOUND = shutil.which("zig", path=_PATH)
_ZIG = [_FOUND] if _FOUND else [sys.executable, "-m", "ziglang"] if find_spec("ziglang") else None
needs_zig = pytest.mark.skipif(_ZIG is None, reason="zig is not installed (pip install ziglang)")


def run(words: list[str], cwd: Path) -> None:
    """Run a tool to its end; what it says is shown where it fails."""
    env = {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(cwd / "zig-cache")}
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=HANGS, env=env)  # noqa: TID251
    assert done.returncode == 0, f"{words}: {done.stderr}"


def write(directory: Path, name: str, text: str) -> Path:
    """Write a source file."""
    path = directory / name
    path.write_text(text)
    return path


def cc(directory: Path, source: str, *flags: str, name: str = "made") -> Path:
    """Link C for this machine."""
    run(["cc", "-x", "c", str(write(directory, f"{name}.c", source)), "-x", "none", "-o", name, *flags], directory)
    return directory / name


def stub(directory: Path, soname: str, version: str | None = None) -> str:
    """A library of some name with a function of some version in it, to link against."""
    script = write(directory, "versions.map", f"{version or 'V'} {{ global: lost; }};\n")
    flags = [f"-Wl,-soname,{soname}", *([f"-Wl,--version-script={script}"] if version else [])]
    return str(cc(directory, "void lost(void) {}\n", "-shared", "-nostdlib", *flags, name="stub.so"))


def run_zig(directory: Path, *words: str) -> None:
    """Run zig, which every test that calls this needs."""
    assert _ZIG is not None
    run([*_ZIG, *words], directory)


def zig(directory: Path, what: str, target: str, source: str, *flags: str, name: str = "made") -> Path:
    """Link C for another system; `what` is lib or exe. The compiler's own runtime would take zig minutes to build."""
    dynamic = ["-dynamic"] if what == "lib" else []
    source_file = write(directory, f"{name}.c", source).name
    words = [f"build-{what}", source_file, *dynamic, "-target", target, "-O", "ReleaseSmall", f"-femit-bin={name}"]
    run_zig(directory, *words, "-fno-compiler-rt", "-fno-ubsan-rt", *flags)
    return directory / name


def addon(directory: Path, platform: PlatformName, source: str = ADDON, target: str | None = None) -> Path:
    """An addon for a platform."""
    if platform == "wasm32":
        wasm = source.replace("_module_v1", "_wasm_v1")
        return zig(directory, "exe", ZIG_TARGETS[platform], wasm, "-fno-entry", "--export=napi_register_wasm_v1")
    flags = ["-fentry=napi_register_module_v1"] if platform.startswith("win32") else []
    return zig(directory, "lib", target or ZIG_TARGETS[platform], source, *flags)


def program(directory: Path, platform: PlatformName, target: str | None = None) -> Path:
    """A program for a platform, and executable."""
    bare = platform.startswith("win32") or platform.endswith("musl")
    flags = ["-fentry=begin"] if bare else ["-lc"]
    path = zig(directory, "exe", target or ZIG_TARGETS[platform], BARE if bare else PROGRAM, *flags)
    path.chmod(0o755)
    return path


def universal(path: Path, *images: Path) -> Path:
    """A universal Mach-O file, as lipo makes it: a table, then each image at the start of a page of 16 KiB."""
    table, content, page = b"", b"", 1 << 14
    for image in images:
        part = image.read_bytes()
        cpu, subtype = struct.unpack_from("<2I", part, 4)
        table += struct.pack(">5I", cpu, subtype, page + len(content), len(part), 14)
        content += part if image is images[-1] else part.ljust(-(-len(part) // page) * page, b"\0")
    path.write_bytes((struct.pack(">2I", 0xCAFEBABE, len(images)) + table).ljust(page, b"\0") + content)
    return path


def audited(path: Path, platform: PlatformName, kind: Kind = "napi", minimum: MinimumVersions | None = None) -> Audit:
    """Read a file and audit it as a build does, but in this process: to start another one takes longer than all else.

    The tests of hostile files and of whole builds use the reader's own process.
    """
    facts = facts_of(path, path.name, read_here(path))
    return audit(facts, platform, kind, minimum or MinimumVersions())


def audited_by_reader(path: Path, platform: PlatformName, minimum: MinimumVersions | None = None) -> Audit:
    """Read an addon in the reader's process, and audit it."""
    return audit(read_facts(path, path.name), platform, "napi", minimum or MinimumVersions())


def found(result: Audit) -> set[str]:
    """The rules that a file broke, and those that made a note of it as `note:RULE`."""
    return {f"note:{each.rule}" if each.severity == "note" else each.rule for each in result.findings}


def only(result: Audit) -> str:
    """The sentence of the one finding there is."""
    (finding,) = result.findings
    return finding.message
