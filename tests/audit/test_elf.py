"""Linux binaries: the requirements on the machine that runs them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from generator.audit.rules import MinimumVersions
from generator.platforms import PlatformName
from tests.audit.binaries import ADDON, PROGRAM, addon, audited, cc, found, needs_zig, only, program, stub, write

CALLS = f"void lost(void);\n{ADDON.replace('return 0;', 'lost(); return 0;')}"
HOST = MinimumVersions(glibc="2.99")


@needs_zig
@pytest.mark.parametrize("platform", ["linux-x64-gnu", "linux-x64-musl", "linux-arm64-gnu", "linux-arm64-musl"])
def test_an_addon_and_a_program_that_are_right_have_no_finding(tmp_path: Path, platform: PlatformName) -> None:
    assert audited(addon(tmp_path, platform), platform).findings == ()
    assert audited(program(tmp_path, platform), platform, "bin").findings == ()


@needs_zig
def test_an_addon_of_another_machine_is_told_with_what_it_is(tmp_path: Path) -> None:
    message = "made is not a linux-x64-gnu binary: it is ELF for arm64 (64 bits); build it for x86_64-unknown-linux-gnu"
    assert only(audited(addon(tmp_path, "linux-arm64-gnu"), "linux-x64-gnu")) == message
    assert found(audited(addon(tmp_path, "linux-x64-gnu", target="x86-linux-gnu"), "linux-x64-gnu")) == {"format"}
    assert found(audited(addon(tmp_path, "linux-x64-gnu", target="aarch64_be-linux-gnu"), "linux-arm64-gnu")) == {
        "format"
    }
    assert found(audited(addon(tmp_path, "win32-x64-msvc"), "linux-x64-gnu")) == {"format"}


def test_a_glibc_newer_than_supported_is_refused(tmp_path: Path) -> None:
    made = cc(tmp_path, CALLS, "-shared", "-nostdlib", stub(tmp_path, "libc.so.6", "GLIBC_2.31"))
    assert audited(made, "linux-x64-gnu", minimum=MinimumVersions(glibc="2.31")).findings == ()
    result = audited(made, "linux-x64-gnu", minimum=MinimumVersions(glibc="2.17"))
    assert result.glibc == "2.31"
    assert only(result) == (
        "made needs glibc 2.31, but must run with glibc 2.17: build it for an older glibc, or raise the setting glibc"
    )
    assert found(audited(made, "linux-x64-gnu", minimum=MinimumVersions(glibc="2.4"))) == {"glibc"}


@pytest.mark.parametrize("version", ["GLIBC_PRIVATE", "GLIBC_ABI_NEW"])
def test_a_version_of_glibc_that_is_no_number_is_refused(tmp_path: Path, version: str) -> None:
    made = cc(tmp_path, CALLS, "-shared", "-nostdlib", stub(tmp_path, "libc.so.6", version))
    assert f"needs {version}" in only(audited(made, "linux-x64-gnu", minimum=HOST))


def test_packed_relocations_need_the_first_glibc_that_has_them(tmp_path: Path) -> None:
    made = cc(tmp_path, CALLS, "-shared", "-nostdlib", stub(tmp_path, "libc.so.6", "GLIBC_ABI_DT_RELR"))
    assert audited(made, "linux-x64-gnu").glibc == "2.36"


def test_what_rustc_links_needs_the_glibc_that_readelf_reads_from_it(tmp_path: Path) -> None:
    source = write(tmp_path, "main.rs", 'fn main() { std::thread::spawn(|| println!("{:?}", std::env::args())); }')
    subprocess.run(["rustc", source, "-O", "-o", "made"], cwd=tmp_path, check=True)  # noqa: TID251
    output = subprocess.check_output(["readelf", "--version-info", "made"], cwd=tmp_path, text=True)
    newest = max(tuple(map(int, each.split("."))) for each in re.findall(r"Name: GLIBC_([0-9.]+)", output))
    result = audited(tmp_path / "made", "linux-x64-gnu", "bin", HOST)
    assert (result.findings, result.glibc) == ((), ".".join(map(str, newest)))
    assert {"libc.so.6", "libgcc_s.so.1"} <= set(result.libraries)


def test_an_addon_without_napis_symbol_is_refused(tmp_path: Path) -> None:
    message = only(audited(cc(tmp_path, "int answer = 42;", "-shared"), "linux-x64-gnu", minimum=HOST))
    assert "does not export napi_register_module_v1, so Node.js finds no addon in it" in message
    hidden = ADDON.replace("int", '__attribute__((visibility("hidden"))) int', 1)
    assert found(audited(cc(tmp_path, hidden, "-shared"), "linux-x64-gnu", minimum=HOST)) == {"registration"}


def test_an_addon_that_registers_itself_when_it_is_loaded_is_right(tmp_path: Path) -> None:
    registers = (
        "void napi_module_register(void *);\n__attribute__((constructor)) void begin(void) { napi_module_register(0); }"
    )
    assert audited(cc(tmp_path, registers, "-shared"), "linux-x64-gnu", minimum=HOST).findings == ()


def test_a_program_is_no_addon_and_an_addon_no_program(tmp_path: Path) -> None:
    exported = cc(tmp_path, PROGRAM + ADDON, "-pie", "-rdynamic")
    assert found(audited(exported, "linux-x64-gnu", minimum=HOST)) == {"role"}
    assert found(audited(cc(tmp_path, ADDON, "-shared"), "linux-x64-gnu", "bin", HOST)) == {"role"}
    assert found(audited(cc(tmp_path, PROGRAM, "-c"), "linux-x64-gnu", "bin", HOST)) == {"role", "executable"}


def test_a_program_that_is_not_executable_is_refused(tmp_path: Path) -> None:
    made = cc(tmp_path, PROGRAM)
    assert audited(made, "linux-x64-gnu", "bin", HOST).findings == ()
    made.chmod(0o644)
    assert only(audited(made, "linux-x64-gnu", "bin", HOST)) == "made is not executable: give it mode 755"


def test_a_library_that_other_machines_lack_is_named(tmp_path: Path) -> None:
    made = cc(tmp_path, CALLS, "-shared", stub(tmp_path, "libssl.so.3"))
    message = "made needs the library libssl.so.3, which other machines may lack: link it statically"
    assert only(audited(made, "linux-x64-gnu", minimum=HOST)) == message
    made = cc(tmp_path, CALLS, "-shared", stub(tmp_path, "libstdc++.so.6"))
    assert found(audited(made, "linux-x64-gnu", minimum=HOST)) == {"note:libraries"}


def test_a_search_path_of_the_building_machine_is_refused(tmp_path: Path) -> None:
    made = cc(tmp_path, ADDON, "-shared", "-Wl,-rpath,/build/target/release:$ORIGIN/lib")
    assert "searches for libraries in /build/target/release, a directory" in only(
        audited(made, "linux-x64-gnu", minimum=HOST)
    )
    made = cc(tmp_path, ADDON, "-shared", "-Wl,--disable-new-dtags,-rpath,lib")
    assert found(audited(made, "linux-x64-gnu", minimum=HOST)) == {"search-path"}
    made = cc(tmp_path, ADDON, "-shared", "-Wl,-rpath,$ORIGIN")
    assert audited(made, "linux-x64-gnu", minimum=HOST).findings == ()


def test_a_loader_that_other_machines_lack_is_refused(tmp_path: Path) -> None:
    made = cc(tmp_path, PROGRAM, "-Wl,--dynamic-linker=/nix/store/glibc/ld.so")
    assert "uses the loader /nix/store/glibc/ld.so" in only(audited(made, "linux-x64-gnu", "bin", HOST))


def test_for_musl_a_program_must_be_static_and_nothing_may_need_glibc(tmp_path: Path) -> None:
    made = cc(tmp_path, PROGRAM)
    assert found(audited(made, "linux-x64-musl", "bin")) == {"static", "glibc"}
    made = cc(tmp_path, CALLS, "-shared", "-nostdlib", stub(tmp_path, "libc.so.6", "GLIBC_2.5"))
    assert found(audited(made, "linux-x64-musl")) == {"libraries", "glibc"}
    for musl in ("libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"):
        made = cc(tmp_path, CALLS, "-shared", "-nostdlib", stub(tmp_path, musl))
        assert audited(made, "linux-x64-musl").findings == ()
