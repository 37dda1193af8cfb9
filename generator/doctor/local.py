"""The doctor's checks of the backend `local`: tools, platforms, isolation and disk space of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Final

from generator.doctor.findings import Finding
from generator.errors import InputError
from generator.files.user_cache import cache_directory
from generator.platforms import PLATFORM_NAMES, Kind, PlatformName, host_platform
from generator.sandboxes.local.control_groups import find_control_groups
from generator.sandboxes.local.isolation import probe_isolation
from generator.sandboxes.local.keyring import use_empty_session_keyring
from generator.sandboxes.local.system_calls import system_call_filter
from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.runtimes import NODE_PACKAGES, runtimes_directory
from generator.toolchain.toolchain import Linker, Toolchain, missing_library, missing_linker, missing_target

LINKED_BY: Final[dict[Linker, str]] = {
    "cc": "linked by this machine's own compiler, for this machine's own C library",
    "zig": "linked by zig",
    "xwin": "linked by cargo-xwin",
    "wasm": "linked by Rust's own linker",
}
WASM_OUTPUT: Final[dict[Kind, str]] = {"wasm": "modules", "napi": "addons"}
# How to install a runtime for tests of another platform.
RUNTIME_FIX: Final[dict[PlatformName, str]] = {
    "linux-arm64-gnu": "`apt-get install qemu-user-static libstdc++6-arm64-cross libatomic1-arm64-cross`",
    "linux-arm64-musl": "`apt-get install qemu-user-static`",
    "win32-x64-msvc": "install Wine 8.13 or newer",
    "win32-arm64-msvc": "they run only on Windows for ARM",
    "darwin-x64": "macOS runs only on Apple's machines",
    "darwin-arm64": "macOS runs only on Apple's machines",
}
NODE_FIX: Final = "npm install --prefix {} --no-save --force {}"
SAMPLED: Final = (
    "memory by sampling: no control group (version 2) above this process may be divided by it; "
    "with systemd, `systemd-run --user --scope cratematrix build ...` makes one"
)
# Sources, dependencies and targets of two large crates.
RECOMMENDED_BYTES: Final = 10 * 1024**3


def local_findings(environment: Mapping[str, str]) -> list[Finding]:
    """Check everything that builds on this machine need."""
    host = host_platform()
    if host is None:
        message = (
            "local builds need Linux, or WSL on Windows, or macOS; all else works here, also builds with --backend e2b"
        )
        return [Finding("machine", "missing", message)]
    tools, host_toolchain = _tools(environment)
    findings = [Finding("machine", "ok", host), tools, *_isolation(), _disk(environment)]
    if host_toolchain:
        toolchain = host_toolchain.toolchain(host)
        findings += [*_platforms(toolchain, runtimes_directory(environment)), _coverage(toolchain)]
    return findings


def _tools(environment: Mapping[str, str]) -> tuple[Finding, HostToolchain | None]:
    try:
        host_toolchain = find_host_toolchain(environment)
    except InputError as error:
        return Finding("tools", "missing", "; ".join((*error.problems, error.message_with_fix))), None
    return Finding("tools", "ok", host_toolchain.fingerprint.split("\n")[0]), host_toolchain


def _platforms(toolchain: Toolchain, runtimes: Path) -> Iterator[Finding]:
    """Check each platform: a linker, a Rust target, and a runtime for its tests.

    A platform without them is a note, because only a platform in `required` has to be built. Platforms that need the
    same linker, or only a Rust target, share one finding.
    """
    needs: dict[str | None, list[tuple[str, str | None]]] = {}
    for platform in PLATFORM_NAMES:
        kinds: tuple[Kind, ...] = ("wasm", "napi") if platform == "wasm32" else ("bin",)
        for kind in kinds:
            check = f"{platform} ({WASM_OUTPUT[kind]})" if platform == "wasm32" else platform
            target, linker = missing_target(kind, platform, toolchain), missing_linker(platform, toolchain)
            if target or linker:
                needs.setdefault(linker, []).append((check, target))
            else:
                message = f"{LINKED_BY[toolchain.linker(platform)]}; {_tests(platform, toolchain, runtimes)}"
                yield Finding(check, "ok", message)
    yield from starmap(_unmet_needs, needs.items())


def _unmet_needs(linker: str | None, checks: Sequence[tuple[str, str | None]]) -> Finding:
    """Return one finding for platforms with the same missing linker, or none, each with its missing target, or None."""
    targets = [target for _, target in checks if target]
    needs = ([linker] if linker else []) + ([missing_library(targets)] if targets else [])
    return Finding(", ".join(check for check, _ in checks), "note", "; ".join(needs))


def _tests(platform: PlatformName, toolchain: Toolchain, runtimes: Path) -> str:
    """Return the runtime of a platform's tests, or how to install one."""
    if platform == toolchain.host:
        return "tests run"
    if platform == "wasm32":
        return "tests run in Node"
    runtime = toolchain.runtime(platform)
    if runtime is None:
        return f"tests do not run: {RUNTIME_FIX.get(platform, f'this machine has no runtime for {platform}')}"
    if runtime.node:
        return f"tests run by {runtime.name}, with Node {runtime.node_version}"
    if platform not in NODE_PACKAGES:
        return f"tests run by {runtime.name}; those of addons do not, because there is no Node.js for it"
    return f"tests run by {runtime.name}; those of addons need `{NODE_FIX.format(runtimes, NODE_PACKAGES[platform])}`"


def _coverage(toolchain: Toolchain) -> Finding:
    """Check the coverage tools: a note without them, because crates are built anyway."""
    if toolchain.no_coverage:
        return Finding("coverage", "note", toolchain.no_coverage)
    return Finding("coverage", "ok", "measured by cargo-llvm-cov")


def _isolation() -> Iterator[Finding]:
    """Check bubblewrap, and the parts of isolation that depend on the machine."""
    if problem := probe_isolation():
        yield Finding("isolation", "missing", problem.message_with_fix)
        return
    yield Finding("isolation", "ok", "bubblewrap")
    if system_call_filter() is not None:
        yield Finding("system calls", "ok", "filtered by libseccomp")
    else:
        yield Finding("system calls", "note", "not filtered: install libseccomp (apt-get install libseccomp2)")
    keyring = use_empty_session_keyring()
    message = "a new one for each command" if keyring else "none: the kernel has no keyrings, or forbids them"
    yield Finding("keyring", "ok", message)
    groups = find_control_groups()
    yield Finding("limits", "ok" if groups else "note", f"{groups.limits} by control groups" if groups else SAMPLED)


def _disk(environment: Mapping[str, str]) -> Finding:
    directory: Path = cache_directory(environment)
    while not directory.exists():
        directory = directory.parent
    free = shutil.disk_usage(directory).free
    message = f"{free / 1024**3:.0f} GiB free at {directory}"
    return Finding("disk", "ok" if free >= RECOMMENDED_BYTES else "note", message)
