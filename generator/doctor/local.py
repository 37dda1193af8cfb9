"""The doctor's checks of the backend `local`: tools, platforms, isolation and disk space of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from generator.doctor.findings import Finding, State
from generator.doctor.needs import EVERYTHING, Needs
from generator.errors import InputError
from generator.files.user_cache import cache_directory
from generator.platforms import Kind, PlatformName, host_platform
from generator.sandboxes.local.control_groups import find_control_groups
from generator.sandboxes.local.isolation import probe_isolation
from generator.sandboxes.local.keyring import use_empty_session_keyring
from generator.sandboxes.local.system_calls import system_call_filter
from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.runtimes import NODE_PACKAGES, runtimes_directory
from generator.toolchain.toolchain import GET_XWIN, GET_ZIG, Linker, Toolchain, missing_linker, missing_target

LINKED_BY: Final[dict[Linker, str]] = {
    "cc": "linked by this machine's compiler, for its own C library",
    "zig": "linked by zig",
    "xwin": "linked by cargo-xwin",
    "wasm": "linked by Rust's own linker",
}
# The name of a linker that may be missing, and how to install it.
LINKER_FIX: Final[dict[Linker, tuple[str, str]]] = {
    "zig": ("cargo-zigbuild", GET_ZIG),
    "xwin": ("cargo-xwin", f"{GET_XWIN} (accepts Microsoft's licence)"),
}
WASM_OUTPUT: Final[dict[Kind, str]] = {"wasm": "modules", "napi": "addons"}
# How to install a runtime for tests of another platform.
RUNTIME_FIX: Final[dict[PlatformName, str]] = {
    "linux-arm64-gnu": "apt-get install qemu-user-static libstdc++6-arm64-cross libatomic1-arm64-cross",
    "linux-arm64-musl": "apt-get install qemu-user-static",
    "win32-x64-msvc": "install Wine 8.13 or newer",
    "win32-arm64-msvc": "they run only on Windows for ARM",
    "darwin-x64": "macOS runs only on Apple's machines",
    "darwin-arm64": "macOS runs only on Apple's machines",
}
NODE_FIX: Final = "npm install --prefix {} --no-save --force {}"
SAMPLED: Final = "memory by sampling: this process may divide no control group (version 2)"
SAMPLED_FIX: Final = "systemd-run --user --scope cratematrix build ..."
# Sources, dependencies and targets of two large crates.
RECOMMENDED_BYTES: Final = 10 * 1024**3


def local_findings(environment: Mapping[str, str], needs: Needs = EVERYTHING) -> list[Finding]:
    """Check everything that builds on this machine need."""
    host = host_platform()
    if host is None:
        message = (
            "local builds need Linux, or WSL on Windows, or macOS; all else works here, also builds with --backend e2b"
        )
        return [Finding("machine", "missing", message)]
    tools, host_toolchain = _tools(environment)
    findings = [Finding("machine", "ok", host), *tools, *_isolation(), _disk(environment)]
    if host_toolchain:
        toolchain = host_toolchain.toolchain(host)
        findings += _platforms(toolchain, runtimes_directory(environment), needs)
        if needs.coverage:
            findings.append(_coverage(toolchain))
    return findings


def _tools(environment: Mapping[str, str]) -> tuple[list[Finding], HostToolchain | None]:
    try:
        host_toolchain = find_host_toolchain(environment)
    except InputError as error:
        *others, last = error.problems or (error.message,)
        found = [Finding("tools", "missing", line) for line in others]
        return [*found, Finding("tools", "missing", last, error.fix)], None
    versions = host_toolchain.fingerprint.split("\n")[0].split(", ")
    return [Finding("tools", "ok", each) for each in versions], host_toolchain


def _platforms(toolchain: Toolchain, runtimes: Path, needs: Needs) -> Iterator[Finding]:
    """Check each platform that is needed: a linker, a Rust target, and a runtime for its tests.

    A platform without them is a note, because only a platform in `required` has to be built. Platforms that need the
    same linker share one finding, and so do missing Rust targets.
    """
    unlinked: dict[Linker, list[PlatformName]] = {}
    targets: dict[str, PlatformName] = {}
    for platform, kinds in needs.kinds.items():
        linker = toolchain.linker(platform)
        if missing_linker(platform, toolchain):
            unlinked.setdefault(linker, []).append(platform)
        missing = {
            target: kind for kind in _kinds(platform, kinds) if (target := missing_target(kind, platform, toolchain))
        }
        targets |= dict.fromkeys(missing, platform)
        for kind in _kinds(platform, kinds):
            if kind not in missing.values() and platform not in unlinked.get(linker, []):
                check = f"{platform} ({WASM_OUTPUT[kind]})" if platform == "wasm32" else platform
                yield Finding(check, "ok", LINKED_BY[linker])
                yield _tests(check, platform, toolchain, runtimes)
    for linker, platforms in unlinked.items():
        name, fix = LINKER_FIX[linker]
        yield Finding(name, _state(platforms, needs), f"not installed; it links {', '.join(platforms)}", fix)
    if targets:
        names = f"Rust's standard library is not installed for {', '.join(targets)}"
        yield Finding("Rust targets", _state(targets.values(), needs), names, f"rustup target add {' '.join(targets)}")


def _kinds(platform: PlatformName, kinds: Collection[Kind]) -> tuple[Kind, ...]:
    """Return one kind for each Rust target of a platform: on wasm32, modules and addons have different ones."""
    return tuple(kind for kind in WASM_OUTPUT if kind in kinds) if platform == "wasm32" else ("bin",)


def _state(platforms: Iterable[PlatformName], needs: Needs) -> State:
    return "note" if needs.required.isdisjoint(platforms) else "missing"


def _tests(check: str, platform: PlatformName, toolchain: Toolchain, runtimes: Path) -> Finding:
    """Return the finding on the runtime of a platform's tests."""
    if platform == toolchain.host:
        return Finding(check, "ok", "tests run")
    if platform == "wasm32":
        return Finding(check, "ok", "tests run in Node")
    runtime = toolchain.runtime(platform)
    if runtime is None:
        fix = RUNTIME_FIX.get(platform, f"this machine has no runtime for {platform}")
        return Finding(check, "note", "tests do not run", fix)
    if runtime.node:
        return Finding(check, "ok", f"tests run by {runtime.name}, with Node {runtime.node_version}")
    if platform not in NODE_PACKAGES:
        return Finding(check, "ok", f"tests run by {runtime.name}, those of addons do not: it has no Node.js")
    fix = NODE_FIX.format(runtimes, NODE_PACKAGES[platform])
    return Finding(check, "note", f"tests run by {runtime.name}, those of addons do not", fix)


def _coverage(toolchain: Toolchain) -> Finding:
    """Check the coverage tools: a note without them, because crates are built anyway."""
    if toolchain.no_coverage:
        return Finding("coverage", "note", toolchain.no_coverage)
    return Finding("coverage", "ok", "measured by cargo-llvm-cov")


def _isolation() -> Iterator[Finding]:
    """Check bubblewrap, and the parts of isolation that depend on the machine."""
    if problem := probe_isolation():
        yield Finding("isolation", "missing", problem.message, problem.fix)
        return
    yield Finding("isolation", "ok", "bubblewrap")
    if system_call_filter() is not None:
        yield Finding("system calls", "ok", "filtered by libseccomp")
    else:
        yield Finding("system calls", "note", "not filtered: libseccomp is missing", "apt-get install libseccomp2")
    keyring = use_empty_session_keyring()
    message = "a new one for each command" if keyring else "none: the kernel has no keyrings, or forbids them"
    yield Finding("keyring", "ok", message)
    groups = find_control_groups()
    if groups:
        yield Finding("limits", "ok", f"{groups.limits} by control groups")
    else:
        yield Finding("limits", "note", SAMPLED, SAMPLED_FIX)


def _disk(environment: Mapping[str, str]) -> Finding:
    directory: Path = cache_directory(environment)
    while not directory.exists():
        directory = directory.parent
    free = shutil.disk_usage(directory).free
    message = f"{free / 1024**3:.0f} GiB free at {directory}"
    return Finding("disk", "ok" if free >= RECOMMENDED_BYTES else "note", message)
