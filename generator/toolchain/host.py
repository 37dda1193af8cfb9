"""The toolchain of this machine: Rust, Node.js and linkers, with their real paths."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from generator.errors import CratematrixError, InputError
from generator.platforms import PlatformName
from generator.toolchain.coverage import Profiler, find_profiler
from generator.toolchain.linkers import Linkers, find_linkers
from generator.toolchain.mounts import MOUNT_ROOT, SYSTEM_PATH, Bind, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.runtimes import HostRuntime, find_runtimes
from generator.toolchain.toolchain import RustChannel, Toolchain

# Edition 2024 needs it: https://doc.rust-lang.org/edition-guide/rust-2024/
MIN_RUST: Final = (1, 85)
# napi's current command-line tools need it.
MIN_NODE: Final = (20,)

# Directories on a sandbox's PATH, each for mounts below a prefix.
_PATH_OF_MOUNTS: Final = {
    f"{MOUNT_ROOT}/bin/": f"{MOUNT_ROOT}/bin", "/opt/node/": "/opt/node/bin", "/opt/rust/": "/opt/rust/bin",
}  # fmt: skip

# Directory of a channel below rustup's: its name and, but for one of the user's own, the machine's target.
_CHANNEL: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*?)(-(x86_64|aarch64)-[a-z0-9-]+)?")

_GET_RUST: Final = "install it with rustup (https://rustup.rs), then `rustup update stable`"
_GET_NODE: Final = "install Node.js 20 or newer with npm (https://nodejs.org)"
_GET_LINKER: Final = "apt-get install build-essential   (macOS: xcode-select --install)"


Found = TypeVar("Found")


@dataclass(frozen=True)
class HostChannel:
    """Another Rust that rustup has installed: its channel's name, its sysroot, its version and its targets."""

    name: str
    rust: Path
    version: str
    targets: tuple[str, ...]

    @property
    def mount(self) -> Mount:
        """The parts of the sysroot that a sandbox needs."""
        return Mount(self.rust, f"/opt/rustup/{self.name}", patterns=("bin", "lib", "libexec"))


@dataclass(frozen=True)
class HostToolchain:
    """The tools on the host: their paths and versions.

    `rust` is the sysroot, `node` the prefix of bin/node, and `npm` the file npm-cli.js. `targets` are the Rust targets
    with an installed standard library. `linkers` and `runtimes` are for other platforms; `profiler` is for coverage.
    `channels` are further Rusts, for crates that ask for one.
    """

    rust: Path
    rustc_version: str
    cargo_version: str
    targets: tuple[str, ...]
    node: Path
    node_version: str
    npm: Path
    npm_version: str
    linkers: Linkers
    profiler: Profiler = field(default_factory=Profiler)
    runtimes: tuple[HostRuntime, ...] = ()
    channels: tuple[HostChannel, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The versions in one line, for the build cache."""
        rust = f"rustc {self.rustc_version}, cargo {self.cargo_version}"
        return ", ".join((rust, f"node {self.node_version}", f"npm {self.npm_version}", *self.linkers.versions))

    @property
    def binds(self) -> tuple[Bind, ...]:
        """Bind mounts for a sandbox that has /usr; never a whole prefix, which may be ~/.local."""
        paths = (
            *((self.rust / part, f"/opt/rust/{part}") for part in ("bin", "lib", "libexec")),
            *((self.node / part, f"/opt/node/{part}") for part in ("bin/node", "include/node")),
            (self.npm.parent.parent, "/opt/node/lib/node_modules/npm"),
        )
        binds = tuple(Bind(str(path), target) for path, target in paths if path.exists() and not is_in_usr(path))
        # Two platforms may have one emulator.
        return tuple(dict.fromkeys((*binds, *(bind for mount in self.mounts for bind in mount.binds))))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Mounts of linkers, coverage tools and runtimes."""
        return (
            *self.linkers.mounts,
            *self.profiler.mounts,
            *(mount for runtime in self.runtimes for mount in runtime.mounts),
            *(channel.mount for channel in self.channels),
        )

    def variables(self, isolated: bool) -> dict[str, str]:
        """Return the environment variables that name the mounted tools."""
        return {mount.variable: mount.path_for(isolated) for mount in self.mounts if mount.variable}

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Symbolic links for npm's commands outside of /usr: (path in the sandbox, target)."""
        if is_in_usr(self.npm):
            return ()
        commands = ("npm", "npx")
        return tuple((f"/opt/node/bin/{name}", f"../lib/node_modules/npm/bin/{name}-cli.js") for name in commands)

    @property
    def path(self) -> str:
        """PATH inside an isolated sandbox."""
        targets = [bind.target for bind in self.binds]
        mounted = (
            path for prefix, path in _PATH_OF_MOUNTS.items() if any(target.startswith(prefix) for target in targets)
        )
        system = (str(prefix / "bin") for prefix in (self.rust, self.node) if is_in_usr(prefix))
        return ":".join(dict.fromkeys((*mounted, *system, *SYSTEM_PATH)))

    def toolchain(self, host: PlatformName, isolated: bool = True) -> Toolchain:
        """Return the toolchain of this machine's sandboxes, as recipes use it."""
        runtimes = {found.platform: found.runtime(isolated) for found in self.runtimes if found.platform != host}
        channels = (
            RustChannel(each.name, each.version, f"{each.mount.path_for(isolated)}/bin", frozenset(each.targets))
            for each in self.channels
        )
        return Toolchain(
            host=host,
            targets=frozenset(self.targets),
            programs=self.linkers.programs,
            windows=self.linkers.windows,
            apple_sdk=self.linkers.apple_sdk,
            no_coverage=self.profiler.unmet_need,
            runtimes=runtimes,
            rust_version=self.rustc_version,
            channels=tuple(channels),
        )


def find_host_toolchain(environ: Mapping[str, str]) -> HostToolchain:
    """Find the tools on the PATH of `environ`; one InputError names all that are missing or too old."""
    problems: list[InputError] = []
    rust = _collect_error(lambda: _find_rust(environ), problems)
    node = _collect_error(lambda: _find_node(environ), problems)
    _collect_error(lambda: _which("cc", environ, "a C linker", _GET_LINKER), problems)
    if rust and node and not problems:
        profiler = find_profiler(rust[0], rust[1], environ)
        runtimes, channels = find_runtimes(environ), tuple(_find_channels(rust[0], environ))
        return HostToolchain(*rust, *node, find_linkers(environ), profiler, runtimes, channels)
    if len(problems) == 1:
        raise problems[0]
    fix = "; ".join(problem.fix for problem in problems if problem.fix)
    raise InputError(
        "build tools are missing on this machine", fix=fix, problems=tuple(problem.message for problem in problems)
    )


def _collect_error(find: Callable[[], Found], problems: list[InputError]) -> Found | None:
    try:
        return find()
    except InputError as problem:
        problems.append(problem)
        return None


def _find_rust(environ: Mapping[str, str]) -> tuple[Path, str, str, tuple[str, ...]]:
    rust = _sysroot(_which("rustc", environ, "Rust", _GET_RUST), environ)
    if not (rust / "bin" / "cargo").exists():
        raise InputError(f"Rust in {rust} has no cargo", fix=_GET_RUST)
    rustc, cargo = (_version(rust / "bin" / tool, environ, _GET_RUST) for tool in ("rustc", "cargo"))
    _check_minimum("Rust", rustc, MIN_RUST, _GET_RUST)
    return rust, rustc, cargo, _targets(rust)


def _targets(rust: Path) -> tuple[str, ...]:
    return tuple(library.parent.name for library in sorted((rust / "lib" / "rustlib").glob("*/lib")))


def _find_channels(rust: Path, environ: Mapping[str, str]) -> Iterator[HostChannel]:
    """Yield the other Rusts in rustup's directory. Those that do not run are left out."""
    if rust.parent.name != "toolchains":
        return
    for each in sorted(rust.parent.iterdir()):
        found = _CHANNEL.fullmatch(each.name)
        if found and each.resolve() != rust and (each / "bin" / "cargo").exists():
            with contextlib.suppress(CratematrixError):
                version = _version(each / "bin" / "rustc", environ, _GET_RUST)
                yield HostChannel(found[1], each, version, _targets(each))


def _sysroot(rustc: Path, environ: Mapping[str, str]) -> Path:
    """Return the sysroot that rustc prints; InputError when it prints none.

    rustc may be rustup's proxy, which needs RUSTUP_HOME when HOME is another one. rustup's directory is a sibling of
    the Cargo home with the proxy.
    """
    siblings = (rustc.parent.parent.parent / name for name in (".rustup", "rustup"))
    homes = [{}, *({"RUSTUP_HOME": str(home)} for home in siblings if home.is_dir())]
    failed = InputError("no toolchain is installed", fix=_GET_RUST)
    for home in homes:
        try:
            # In / no rust-toolchain.toml chooses another toolchain; rustup downloads nothing.
            sysroot = ask_program([str(rustc), "--print", "sysroot"], {**environ, "RUSTUP_AUTO_INSTALL": "0", **home})
        except InputError as error:
            failed = error
        else:
            return Path(sysroot).resolve()
    raise InputError(f"{rustc} does not print the directory of Rust: {failed.message}", fix=failed.fix or _GET_RUST)


def _find_node(environ: Mapping[str, str]) -> tuple[Path, str, Path, str]:
    command = _which("node", environ, "Node.js", _GET_NODE)
    try:  # version managers put scripts on PATH: only Node.js itself knows its path
        words = ask_program([str(command), "-p", "process.version + ' ' + process.execPath"], environ)
    except InputError as error:
        raise InputError(f"{command} does not run: {error.message}", fix=error.fix or _GET_NODE) from None
    version, _, path = words.removeprefix("v").partition(" ")
    if not path:
        raise InputError(f"{command} does not print its version", fix=_GET_NODE)
    node = Path(path).resolve()
    _check_minimum("Node.js", version, MIN_NODE, _GET_NODE)
    with_node = {**environ, "PATH": f"{node.parent}:{environ.get('PATH', '')}"}
    npm = _which("npm", with_node, "npm", _GET_NODE)
    return node.parent.parent, version, npm.resolve(), _npm_version(npm, with_node)


def _npm_version(npm: Path, environ: Mapping[str, str]) -> str:
    """Return the version in npm's own package.json, because npm takes a quarter of a second to print it."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        package = json.loads((npm.resolve().parent.parent / "package.json").read_bytes())
        if isinstance(package, dict) and package.get("name") == "npm":
            return str(package["version"])
    return _version(npm, environ, _GET_NODE)


def _which(command: str, environ: Mapping[str, str], name: str, fix: str) -> Path:
    found = find_program(command, environ)
    if found is None:
        raise InputError(f"{name} is not installed: `{command}` is not on PATH", fix=fix)
    return found


def _version(tool: Path, environ: Mapping[str, str], fix: str) -> str:
    try:
        text = ask_program([str(tool), "--version"], environ)
    except InputError as error:
        raise InputError(f"{tool} does not run: {error.message}", fix=error.fix or fix) from None
    found = re.search(r"\d+\.\d+\.\d+\S*", text)
    if found is None:
        raise InputError(f"{tool} does not print its version", fix=fix)
    return found[0]


def _check_minimum(name: str, version: str, minimum: tuple[int, ...], fix: str) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(minimum)])
    if numbers < minimum:
        raise InputError(f"{name} {version} is too old: {'.'.join(map(str, minimum))} is needed", fix=fix)
