"""What a build needs, looked at before anything is spent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from generator.errors import CratematrixError, InputError, Unavailable
from generator.files.user_cache import cache_directory
from generator.manifest.models import Manifest
from generator.platforms import PLATFORM_NAMES, Kind, PlatformName, host_platform
from generator.sandboxes.local.control_groups import find_control_groups
from generator.sandboxes.local.isolation import probe_isolation
from generator.sandboxes.local.keyring import use_empty_session_keyring
from generator.sandboxes.local.system_calls import system_call_filter
from generator.toolchain.host import HostToolchain, find_host_toolchain
from generator.toolchain.runtimes import NODE_PACKAGES, runtimes_directory
from generator.toolchain.toolchain import Linker, Toolchain, missing_library, missing_linker, missing_target

if TYPE_CHECKING:
    from generator.sandboxes.e2b.connection import Connection

State = Literal["ok", "note", "missing", "unknown"]
COLUMNS: Final = ("what", "state", "what it says")
LINKED_BY: Final[dict[Linker, str]] = {
    "cc": "linked by this machine's own compiler, for this machine's own C library",
    "zig": "linked by zig",
    "xwin": "linked by cargo-xwin",
    "wasm": "linked by Rust's own linker",
}
WASM_WORDS: Final[dict[Kind, str]] = {"wasm": "modules", "napi": "addons"}
# What runs a platform's tests where it is not the machine's own.
GET_RUNTIME: Final[dict[PlatformName, str]] = {
    "linux-arm64-gnu": "`apt-get install qemu-user-static libstdc++6-arm64-cross libatomic1-arm64-cross`",
    "win32-x64-msvc": "install Wine 8.13 or newer",
    "darwin-x64": "macOS runs on Apple's machines only",
    "darwin-arm64": "macOS runs on Apple's machines only",
}
GET_NODE: Final = "npm install --prefix {} --no-save --force {}"
SAMPLED: Final = (
    "memory by sampling: no control group (version 2) above this process is its own to divide; "
    "where the user has a systemd, `systemd-run --user --scope cratematrix build ...` gives it one"
)
# Sources, dependencies and targets of two large crates at once.
ROOM_BYTES: Final = 10 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as it must be, and what to do where it is not."""

    what: str
    state: State
    words: str


def verdict(findings: Sequence[Finding]) -> CratematrixError | None:
    """Return the error to end with: something is missing, or cannot be known; None when all is well."""
    missing = [each for each in findings if each.state == "missing"]
    unknown = [each for each in findings if each.state == "unknown"]
    if missing:
        return InputError(f"a build lacks {len(missing)} of the {len(findings)} things looked at: see above")
    if unknown:
        return Unavailable(f"{len(unknown)} of {len(findings)} things could not be looked at", fix="try again later")
    return None


def examine_local(environment: Mapping[str, str]) -> list[Finding]:
    """Look at what building on this machine needs."""
    host = host_platform()
    machine = (
        Finding("machine", "ok", host) if host else Finding("machine", "missing", "Linux or macOS, or --backend e2b")
    )
    tools, host_toolchain = _tools(environment)
    toolchain = host_toolchain.toolchain(host) if host_toolchain and host else None
    able = (*_platforms(toolchain, runtimes_directory(environment)), _coverage(toolchain)) if toolchain else ()
    return [machine, tools, *_isolation(), _room(environment), *able]


def examine_e2b(manifest: Manifest, directory: Path, connect: Callable[[], Connection]) -> list[Finding]:
    """Look at what building at E2B needs: `connect` says how it is reached; the manifest lies in `directory`."""
    try:
        connection = connect()
    except CratematrixError as problem:
        return [Finding("configuration", "missing", line) for line in problem.problems or (problem.advice,)]
    found = [Finding("configuration", "ok", connection.api_url or "E2B's own address"), _key(connection)]
    if found[-1].state != "ok":
        return found
    limits = manifest.fleet.limits
    told = (
        f"at most {limits.e2b_sandboxes} sandboxes at once and {limits.e2b_creates_per_second:g} creates a second, "
        "by the manifest: E2B does not tell an account's limits"
    )
    return [*found, Finding("limits", "note", told), *_templates(manifest, directory, connection)]


def _templates(manifest: Manifest, directory: Path, connection: Connection) -> Iterator[Finding]:
    from generator.sandboxes.e2b.template.building import sizes_in_use, template_state
    from generator.sandboxes.e2b.template.definition import load_definition
    from generator.sandboxes.e2b.template.identity import template_name

    try:
        definition = load_definition(directory)
    except InputError as problem:
        yield Finding("template", "missing", "; ".join((*problem.problems, problem.advice)))
        return
    for size in sizes_in_use(manifest):
        what = f"template {template_name(manifest.fleet.template, size)}"
        try:
            state = template_state(manifest, definition, size, connection)
        except CratematrixError as problem:
            yield Finding(what, "unknown" if isinstance(problem, Unavailable) else "missing", problem.advice)
            continue
        yield (
            Finding(what, "ok", state)
            if state == "ready"
            else Finding(what, "missing", f"{state}: run cratematrix template build")
        )


def _key(connection: Connection) -> Finding:
    from generator.sandboxes.e2b.control_plane import count_sandboxes
    from generator.sandboxes.e2b.errors import user_error

    try:
        count = count_sandboxes(connection)
    except Exception as error:
        problem = user_error(error, "E2B cannot be asked")
        return Finding("key", "unknown" if isinstance(problem, Unavailable) else "missing", problem.advice)
    return Finding("key", "ok", f"accepted; {count} of its sandboxes exist now")


def _tools(environment: Mapping[str, str]) -> tuple[Finding, HostToolchain | None]:
    try:
        host_toolchain = find_host_toolchain(environment)
    except InputError as problem:
        return Finding("tools", "missing", "; ".join((*problem.problems, problem.advice))), None
    return Finding("tools", "ok", host_toolchain.fingerprint.split("\n")[0]), host_toolchain


def _platforms(toolchain: Toolchain, home: Path) -> Iterator[Finding]:
    """Say which platforms can be built for, by whom they are linked, and what each of the others needs.

    Another platform than the host is a note where it is missing: whoever needs it makes it `required`. Those that lack
    the same linker, or none but their libraries, are told of together.
    """
    lacks: dict[str | None, list[tuple[str, str | None]]] = {}
    for platform in PLATFORM_NAMES:
        kinds: tuple[Kind, ...] = ("wasm", "napi") if platform == "wasm32" else ("bin",)
        for kind in kinds:
            what = f"{platform} ({WASM_WORDS[kind]})" if platform == "wasm32" else platform
            target, linker = missing_target(kind, platform, toolchain), missing_linker(platform, toolchain)
            if target or linker:
                lacks.setdefault(linker, []).append((what, target))
            else:
                yield Finding(
                    what, "ok", f"{LINKED_BY[toolchain.linker(platform)]}; {_tests(platform, toolchain, home)}"
                )
    yield from starmap(_lack, lacks.items())


def _lack(linker: str | None, those: Sequence[tuple[str, str | None]]) -> Finding:
    """Say what platforms lack: a linker or none, and each its target or none."""
    targets = [target for _, target in those if target]
    wants = ([linker] if linker else []) + ([missing_library(targets)] if targets else [])
    return Finding(", ".join(what for what, _ in those), "note", "; ".join(wants))


def _tests(platform: PlatformName, toolchain: Toolchain, home: Path) -> str:
    """Say what runs a platform's tests here, or what it takes."""
    if platform == toolchain.host:
        return "tests run"
    if platform == "wasm32":
        return "tests run in Node"
    runtime = toolchain.runtime(platform)
    if runtime is None:
        return f"tests are not run: {GET_RUNTIME.get(platform, f'nothing here runs programs for {platform}')}"
    if runtime.node:
        return f"tests run by {runtime.name}, with Node {runtime.node_version}"
    if platform not in NODE_PACKAGES:
        return f"tests run by {runtime.name}; those of addons are not, for there is no Node.js for it"
    return f"tests run by {runtime.name}; those of addons take `{GET_NODE.format(home, NODE_PACKAGES[platform])}`"


def _coverage(toolchain: Toolchain) -> Finding:
    """Say whether coverage of tests can be measured: a note where it cannot, because crates are built all the same."""
    lack = toolchain.no_coverage
    return Finding("coverage", "note", lack) if lack else Finding("coverage", "ok", "measured by cargo-llvm-cov")


def _isolation() -> Iterator[Finding]:
    """Say whether crates can be isolated, and which of the walls that not every machine has hold here."""
    if problem := probe_isolation():
        yield Finding("isolation", "missing", problem.advice)
        return
    yield Finding("isolation", "ok", "bubblewrap")
    filtered = system_call_filter() is not None
    words = "filtered by libseccomp" if filtered else "not filtered: install libseccomp (apt-get install libseccomp2)"
    yield Finding("system calls", "ok" if filtered else "note", words)
    keyring = use_empty_session_keyring()
    words = "a new one for each command" if keyring else "none: the kernel has no keyrings, or forbids them"
    yield Finding("keyring", "ok", words)
    groups = find_control_groups()
    yield Finding("limits", "ok" if groups else "note", f"{groups.limits} by control groups" if groups else SAMPLED)


def _room(environment: Mapping[str, str]) -> Finding:
    place: Path = cache_directory(environment)
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    words = f"{free / 1024**3:.0f} GiB free at {place}"
    return Finding("disk", "ok" if free >= ROOM_BYTES else "note", words)
