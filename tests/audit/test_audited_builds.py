"""`cratematrix build` on crates that build the wrong thing: the audit stops each before it is packed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from generator.audit.rules import MinimumVersions
from generator.builds.steps.audit import audit_unit, binaries_from_source, unassigned_binaries
from generator.errors import Unbuildable
from generator.platforms import Kind
from generator.reports.models import Artifact, Unit
from tests.audit.binaries import addon, needs_zig
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, git_repository, library, write_files

FILE = "demo.linux-x64-gnu.node"
SOURCE = "int getpid(void); int napi_register_module_v1(void) { return getpid(); }"
LINK = f"cc -shared -x c - -o {FILE}"
RIGHT = f'echo "{SOURCE}" | {LINK}'
# EM_AARCH64 in the header's e_machine.
OTHER_MACHINE = f"{RIGHT}; printf '\\267' | dd of={FILE} bs=1 seek=18 conv=notrunc status=none"
# A C library of the future, with a function of its own.
TOO_NEW = (
    "echo 'GLIBC_2.99 { global: lost; };' > versions.map; echo 'void lost(void) {}' | cc -shared -nostdlib -x c - "
    "-o future.so -Wl,-soname,libc.so.6,--version-script=versions.map; "
    f"echo 'void lost(void); {SOURCE.replace('return', 'lost(); return')}' | {LINK} -x none future.so; rm future.so"
)


def build(make: MakeRepository, command: str, binary: Path | None = None) -> tuple[int, dict[str, Any], Path]:
    """Build an addon by a command; `binary` is one that its repository holds for Macs already."""
    package = {"name": "@demo/demo", "version": "1.0.0", "main": "index.js", "napi": {"binaryName": "demo"}}
    files = library("demo") | {"demo/package.json": json.dumps(package), "demo/index.js": "exports.x = 1;"}
    top = make([entry("demo", kind="napi", commands={"build": command})], files)
    if binary is not None:
        shutil.rmtree(top / "dist", ignore_errors=True)  # or git would track what an earlier build has left
        (top / "demo/demo.darwin-arm64.node").write_bytes(binary.read_bytes())
        git_repository(top)
    ran = cratematrix("build", "--all", cwd=top)
    (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
    return ran.code, crate, top


@pytest.mark.attack("a binary that no platform names is never packed, whatever it is called", entry="H3")
def test_a_binary_that_is_named_for_no_platform_is_never_packed(repository: MakeRepository) -> None:
    code, crate, top = build(repository, f"{RIGHT}; cp {FILE} demo.darwin-arm64.Node")
    sentence = (
        "demo.darwin-arm64.Node is a binary for no platform of the crate: leave it out, or name it for its platform"
    )
    assert (code, crate["failure"]["class"], crate["failure"]["message"]) == (1, "permanent", sentence)
    assert f"error: {sentence}\n" in (top / "dist/logs/demo.log").read_text()
    assert not list((top / "dist").glob("*.tgz"))


@pytest.mark.parametrize(
    "begin", [b"\x7fELF", b"MZ\x90\0", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm"], ids=repr
)
@pytest.mark.parametrize("kind", ["napi", "wasm", "bin"])
@pytest.mark.attack("a binary that no platform names is never packed, whatever it is called", entry="H3")
def test_whatever_the_kind_a_binary_is_one_by_its_content(tmp_path: Path, kind: Kind, begin: bytes) -> None:
    names = ["README.md", "a.linux-x64-gnu.Node", "bin/LINUX-x64-gnu/tool", "x.WASM"]
    write_files(tmp_path, {**dict.fromkeys(names, ""), "short": "M", "text.md": "MIT"})
    for name in names:
        (tmp_path / name).write_bytes(begin)
    units = binaries_from_source(tmp_path, (), kind)
    assert [sentence.split()[0] for sentence in unassigned_binaries(tmp_path, units)] == sorted(names)


@pytest.mark.parametrize(
    ("kind", "platforms"), [("napi", {"darwin-x64", "wasm32"}), ("bin", {"darwin-x64"}), ("wasm", {"wasm32"})]
)
def test_binaries_that_lay_in_the_source_are_those_of_platforms_that_the_kind_has(
    tmp_path: Path, kind: Kind, platforms: set[str]
) -> None:
    write_files(tmp_path, {"a.darwin-x64.node": "", "a.wasm": ""})
    assert {unit.platform for unit in binaries_from_source(tmp_path, (), kind)} == platforms


def test_what_is_right_is_packed_and_its_facts_are_in_the_report(repository: MakeRepository) -> None:
    code, crate, top = build(repository, RIGHT)
    assert (code, crate["state"]) == (0, "built")
    (audit,) = crate["units"][0]["audit"]
    assert (audit["file"], audit["format"], audit["machine"], audit["findings"]) == (FILE, "ELF", "x64", [])
    assert (audit["libraries"], audit["glibc"]) == (["libc.so.6"], "2.2.5")
    assert list((top / "dist").glob("*.tgz"))


@pytest.mark.parametrize(
    ("command", "rule", "message"),
    [
        (OTHER_MACHINE, "format", f"{FILE} is not a linux-x64-gnu binary: it is ELF for arm64 (64 bits); build it for"),
        (TOO_NEW, "glibc", f"{FILE} needs glibc 2.99, but must run with glibc 2."),
        (
            f'echo "int x;" | {LINK}',
            "registration",
            f"{FILE} does not export napi_register_module_v1, so Node.js finds",
        ),
    ],
)
def test_what_is_wrong_fails_its_unit_with_a_sentence(
    repository: MakeRepository, command: str, rule: str, message: str
) -> None:
    code, crate, top = build(repository, command)
    assert (code, crate["state"], crate["package"]) == (1, "failed", None)
    assert (crate["failure"]["class"], crate["failure"]["phase"]) == ("permanent", "audit")
    assert crate["failure"]["message"].startswith(message)
    (unit,) = crate["units"]
    assert (unit["state"], unit["reason"]) == ("failed", crate["failure"]["message"])
    (finding,) = unit["audit"][0]["findings"]
    assert (finding["rule"], finding["severity"]) == (rule, "violation")
    assert finding["message"] in (top / "dist/logs/demo.log").read_text()
    assert not list((top / "dist").glob("*.tgz"))


def test_more_binaries_of_a_platform_than_a_package_has_are_refused_unread(tmp_path: Path) -> None:
    many = tuple(Artifact(file=f"bin/linux-x64-gnu/{number}", bytes=1, sha256="0" * 64) for number in range(51))
    with pytest.raises(Unbuildable, match="the build made 51 binaries for linux-x64-gnu: the limit is 50"):
        audit_unit(
            Unit(platform="linux-x64-gnu", state="built", artifacts=many), tmp_path, "bin", MinimumVersions(), print
        )


@pytest.mark.slow
@needs_zig
def test_a_binary_that_lay_in_the_source_is_audited_like_one_that_was_built(
    repository: MakeRepository, tmp_path: Path
) -> None:
    made = addon(tmp_path, "darwin-arm64")
    code, crate, _ = build(repository, RIGHT, made)
    assert (code, crate["notes"][-1]) == (0, "the binaries for darwin-arm64 in the package come from the source")
    data = bytearray(made.read_bytes())
    data[0x2010] ^= 1
    made.write_bytes(data)
    code, crate, _ = build(repository, RIGHT, made)
    assert (code, crate["failure"] and crate["failure"]["phase"]) == (1, "audit")
    assert "demo.darwin-arm64.node has an invalid code signature, so macOS kills it" in crate["failure"]["message"]
