"""Binaries for macOS, Windows and JavaScript, which Linux cannot run but must audit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import lief
import pytest

from generator.audit.rules import MinimumVersions
from generator.platforms import PlatformName
from tests.audit.binaries import (
    BARE,
    ZIG_TARGETS,
    addon,
    audited,
    found,
    needs_zig,
    only,
    program,
    run_zig,
    universal,
    write,
    zig,
)

pytestmark = needs_zig

# A function that a module imports: from where, under which name, and its number.
IMPORT = '__attribute__((import_module("%s"), import_name("%s"))) void f%d(void);\n'


@pytest.mark.parametrize("platform", ["darwin-x64", "darwin-arm64", "win32-x64-msvc", "win32-arm64-msvc"])
def test_an_addon_and_a_program_that_are_right_have_no_finding(tmp_path: Path, platform: PlatformName) -> None:
    result = audited(addon(tmp_path, platform), platform)
    assert (result.findings, result.format) == ((), "PE" if platform.startswith("win32") else "Mach-O")
    assert audited(program(tmp_path, platform), platform, "bin").findings == ()


@pytest.mark.parametrize("platform", ["darwin-x64", "darwin-arm64", "win32-x64-msvc", "win32-arm64-msvc", "wasm32"])
def test_an_addon_without_napis_symbol_is_refused(tmp_path: Path, platform: PlatformName) -> None:
    if platform == "wasm32":
        made = zig(
            tmp_path, "exe", ZIG_TARGETS[platform], "int other(void) { return 0; }", "-fno-entry", "--export=other"
        )
    else:
        made = zig(tmp_path, "lib", ZIG_TARGETS[platform], BARE, "-fentry=begin")
    assert found(audited(made, platform)) == {"registration"}


def test_a_mac_of_the_other_kind_is_another_machine(tmp_path: Path) -> None:
    assert "it is Mach-O for x64" in only(audited(addon(tmp_path, "darwin-x64"), "darwin-arm64"))


def test_in_a_universal_file_the_image_of_the_platform_is_audited(tmp_path: Path) -> None:
    parts = [addon(tmp_path, each).rename(tmp_path / each) for each in ("darwin-x64", "darwin-arm64")]
    both = universal(tmp_path / "both", *parts)
    assert audited(both, "darwin-x64").findings == audited(both, "darwin-arm64").findings == ()
    assert "it is Mach-O for x64 (64 bits) and Mach-O for arm64" in only(audited(both, "linux-x64-gnu"))
    changed = bytearray(both.read_bytes())
    changed[-len(parts[1].read_bytes()) + 0x1000] ^= 1
    both.write_bytes(changed)
    assert audited(both, "darwin-x64").findings == ()
    assert found(audited(both, "darwin-arm64")) == {"signature"}


def test_a_byte_that_changed_after_signing_is_found_on_its_page(tmp_path: Path) -> None:
    made = addon(tmp_path, "darwin-arm64")
    changed = bytearray(made.read_bytes())
    changed[0x8010] ^= 1
    made.write_bytes(changed)
    message = only(audited(made, "darwin-arm64"))
    assert (
        "invalid code signature, so macOS kills it: the bytes from offset 32768 differ from the signed bytes" in message
    )


def test_a_file_cut_short_or_added_to_after_signing_is_refused(tmp_path: Path) -> None:
    made = addon(tmp_path, "darwin-arm64")
    whole = made.read_bytes()
    made.write_bytes(whole + b"more")
    assert "the signature is not at the end of the file" in only(audited(made, "darwin-arm64"))
    made.write_bytes(whole[:-8])
    assert found(audited(made, "darwin-arm64")) & {"signature", "readable"}


def parsed(path: Path) -> lief.MachO.Binary:
    fat = lief.MachO.parse(path)
    assert fat is not None
    binary = fat.at(0)
    assert binary is not None
    return binary


def test_apple_silicon_needs_a_signature(tmp_path: Path) -> None:
    made = addon(tmp_path, "darwin-arm64")
    binary = parsed(made)
    assert binary.remove_signature()
    binary.write(str(made))
    assert "has no code signature, so Apple silicon kills it" in only(audited(made, "darwin-arm64"))


def test_a_file_that_was_stripped_after_linking_is_refused(tmp_path: Path) -> None:
    """What a strip that knows nothing of signatures does: symbols go, and the signature stays as it was."""
    made = program(tmp_path, "darwin-arm64")
    data = bytearray(made.read_bytes())
    symbols = parsed(made).symbol_command
    assert symbols is not None
    start, size = symbols.strings_offset, symbols.strings_size
    data[start : start + size] = bytes(size)
    made.write_bytes(data)
    assert found(audited(made, "darwin-arm64", "bin")) == {"signature"}


@pytest.mark.skipif(shutil.which("llvm-strip") is None, reason="llvm-strip is not installed")
def test_a_strip_that_signs_anew_leaves_a_file_that_is_right(tmp_path: Path) -> None:
    made = program(tmp_path, "darwin-arm64")
    before = made.read_bytes()
    subprocess.run(["llvm-strip", made], check=True)  # noqa: TID251
    assert made.read_bytes() != before
    assert audited(made, "darwin-arm64", "bin").findings == ()


def test_a_newer_macos_than_supported_is_refused(tmp_path: Path) -> None:
    made = addon(tmp_path, "darwin-arm64", target="aarch64-macos.14.0")
    result = audited(made, "darwin-arm64")
    assert result.macos == "14.0"
    assert "needs macOS 14.0, but must run on macOS 11.0: set MACOSX_DEPLOYMENT_TARGET=11.0" in only(result)
    assert audited(made, "darwin-arm64", minimum=MinimumVersions(macos_arm64="14.0")).findings == ()


def test_what_is_for_another_system_of_apples_is_refused(tmp_path: Path) -> None:
    made = addon(tmp_path, "darwin-arm64")
    binary = parsed(made)
    assert binary.build_version is not None
    binary.build_version.platform = lief.MachO.BuildVersion.PLATFORMS.IOS
    binary.write(str(made))
    messages = [each.message for each in audited(made, "darwin-arm64").findings if each.rule == "macos"]
    assert messages == ["made names no oldest macOS: set MACOSX_DEPLOYMENT_TARGET"]


def test_a_dll_of_the_compiler_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "lost.def", "LIBRARY libgcc_s_seh-1.dll\nEXPORTS\nlost\n")
    run_zig(tmp_path, "dlltool", "-m", "i386:x86-64", "-d", "lost.def", "-l", "lost.lib")
    calls = "__declspec(dllimport) void lost(void);\nvoid begin(void) { lost(); }"
    made = zig(tmp_path, "exe", ZIG_TARGETS["win32-x64-msvc"], calls, "lost.lib", "-fentry=begin")
    made.chmod(0o755)
    result = audited(made, "win32-x64-msvc", "bin")
    assert "needs the library libgcc_s_seh-1.dll, which other machines may lack" in only(result)


def test_a_windows_program_without_a_console_is_noted_and_one_for_arm_refused(tmp_path: Path) -> None:
    made = zig(tmp_path, "exe", ZIG_TARGETS["win32-x64-msvc"], BARE, "-fentry=begin", "--subsystem", "windows")
    made.chmod(0o755)
    assert found(audited(made, "win32-x64-msvc", "bin")) == {"note:subsystem"}
    made = zig(tmp_path, "exe", ZIG_TARGETS["win32-x64-msvc"], BARE, "-fentry=begin", "--subsystem", "native")
    made.chmod(0o755)
    assert found(audited(made, "win32-x64-msvc", "bin")) == {"subsystem"}
    made = zig(tmp_path, "exe", "aarch64-windows-gnu", BARE, "-fentry=begin")
    made.chmod(0o755)
    assert found(audited(made, "win32-x64-msvc", "bin")) == {"format"}


def test_a_module_may_import_from_the_glue_that_it_comes_with_and_from_nothing_else(tmp_path: Path) -> None:
    def importing(module: str, *names: str) -> Path:
        code = "".join(IMPORT % (module, name, number) for number, name in enumerate(names))
        code += f"int napi_register_wasm_v1(void) {{ {' '.join(f'f{n}();' for n in range(len(names)))} return 0; }}"
        return zig(tmp_path, "exe", "wasm32-freestanding", code, "-fno-entry", "--export=napi_register_wasm_v1")

    assert audited(importing("./words_bg.js", "lost"), "wasm32", "wasm").findings == ()
    assert "imports lost from env, which nothing in the package provides" in only(
        audited(importing("env", "lost"), "wasm32", "wasm")
    )
    assert audited(importing("env", "napi_throw", "_emnapi_now"), "wasm32", "napi").findings == ()
    assert "imports memcmp from env" in only(
        audited(importing("env", "napi_throw", "memcmp", "napi_wrap"), "wasm32", "napi")
    )
    assert found(audited(importing("./words_bg.js", "lost"), "wasm32", "napi")) == {"imports"}
