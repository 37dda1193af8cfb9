"""What this machine can build with: Rust, Node.js and linkers, where they really lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from generator.errors import CratematrixError, InputError
from generator.platforms import PlatformName
from generator.sandboxes.local.bubblewrap import Bind
from generator.toolchain.coverage import Profiler, find_profiler
from generator.toolchain.linkers import Linkers, find_linkers
from generator.toolchain.mounts import INSIDE, SYSTEM_PATH, Mount, ask_program, find_program, is_in_usr
from generator.toolchain.runtimes import FoundRuntime, find_runtimes
from generator.toolchain.toolchain import Toolchain

# Edition 2024 needs it: https://doc.rust-lang.org/edition-guide/rust-2024/
MIN_RUST: Final = (1, 85)
# What current napi command-line tools ask for.
MIN_NODE: Final = (20,)

# Where programs lie in a sandbox that sees anything below a place.
_PROGRAMS: Final = {
    f"{INSIDE}/bin/": f"{INSIDE}/bin", "/opt/node/": "/opt/node/bin", "/opt/rust/": "/opt/rust/bin",
}  # fmt: skip

_GET_RUST: Final = "install it with rustup (https://rustup.rs), then `rustup update stable`"
_GET_NODE: Final = "install Node.js 20 or newer with npm (https://nodejs.org)"
_GET_LINKER: Final = "apt-get install build-essential   (macOS: xcode-select --install)"


Found = TypeVar("Found")


@dataclass(frozen=True)
class HostToolchain:
    """Where the tools lie on the host and what they are.

    `rust` is the sysroot, `node` the prefix that holds bin/node, `npm` the file npm-cli.js; `targets` are those whose
    standard library is installed, `linkers` what links for other platforms, `profiler` what measures coverage, and
    `runtimes` what runs programs of other platforms.
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
    runtimes: tuple[FoundRuntime, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The versions in one line, for receipts."""
        rust = f"rustc {self.rustc_version}, cargo {self.cargo_version}"
        return ", ".join((rust, f"node {self.node_version}", f"npm {self.npm_version}", *self.linkers.versions))

    @property
    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox that has /usr needs besides: never a whole prefix, which may be somebody's ~/.local."""
        npm = self.npm.parent.parent
        places = (
            *((self.rust / part, f"/opt/rust/{part}") for part in ("bin", "lib", "libexec")),
            *((self.node / part, f"/opt/node/{part}") for part in ("bin/node", "include/node")),
            (npm, "/opt/node/lib/node_modules/npm"),
        )
        own = tuple(Bind(str(place), inside) for place, inside in places if place.exists() and not is_in_usr(place))
        return (*own, *(bind for place in self.mounts for bind in place.binds))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Everything else that a sandbox must see."""
        return (
            *self.linkers.mounts,
            *self.profiler.mounts,
            *(place for each in self.runtimes for place in each.mounts),
        )

    def variables(self, isolated: bool) -> dict[str, str]:
        """Return what tells programs where things lie."""
        return {each.variable: each.path_for(isolated) for each in self.mounts if each.variable}

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """The commands of an npm that is not in /usr: (path inside, what it points to)."""
        if is_in_usr(self.npm):
            return ()
        commands = ("npm", "npx")
        return tuple((f"/opt/node/bin/{name}", f"../lib/node_modules/npm/bin/{name}-cli.js") for name in commands)

    @property
    def path(self) -> str:
        """PATH inside an isolated sandbox."""
        targets = [bind.target for bind in self.binds]
        first = (place for start, place in _PROGRAMS.items() if any(each.startswith(start) for each in targets))
        system = (str(prefix / "bin") for prefix in (self.rust, self.node) if is_in_usr(prefix))
        return ":".join(dict.fromkeys((*first, *system, *SYSTEM_PATH)))

    def toolchain(self, host: PlatformName, isolated: bool = True) -> Toolchain:
        """Return what sandboxes of this machine build with, as recipes know it."""
        linkers = self.linkers
        runtimes = {each.platform: each.runtime(isolated) for each in self.runtimes if each.platform != host}
        targets = frozenset(self.targets)
        return Toolchain(host, targets, linkers.programs, linkers.apple_sdk, self.profiler.unmet_need, runtimes)


def find_host_toolchain(environ: Mapping[str, str]) -> HostToolchain:
    """Find the tools by `environ`'s PATH; InputError that names everything that is missing or too old at once."""
    problems: list[InputError] = []
    rust = _attempt(lambda: _find_rust(environ), problems)
    node = _attempt(lambda: _find_node(environ), problems)
    _attempt(lambda: _which("cc", environ, "a C linker", _GET_LINKER), problems)
    if rust and node and not problems:
        profiler = find_profiler(rust[0], rust[1], environ)
        return HostToolchain(*rust, *node, find_linkers(environ), profiler, find_runtimes(environ))
    if len(problems) == 1:
        raise problems[0]
    fix = "; ".join(problem.fix for problem in problems if problem.fix)
    raise InputError(
        "this machine lacks tools to build with", fix=fix, problems=tuple(problem.message for problem in problems)
    )


def _attempt(find: Callable[[], Found], problems: list[InputError]) -> Found | None:
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
    _at_least("Rust", rustc, MIN_RUST, _GET_RUST)
    libraries = sorted((rust / "lib" / "rustlib").glob("*/lib"))
    return rust, rustc, cargo, tuple(library.parent.name for library in libraries)


def _sysroot(rustc: Path, environ: Mapping[str, str]) -> Path:
    """Ask rustc, which may be rustup's proxy; a proxy that finds no toolchain is told where its own rustup lies.

    Another HOME is no reason to lose Rust: rustup's directory lies beside the directory of cargo that holds the proxy.
    """
    beside = (rustc.parent.parent.parent / name for name in (".rustup", "rustup"))
    homes = [{}, *({"RUSTUP_HOME": str(home)} for home in beside if home.is_dir())]
    said = "no toolchain is installed"
    for home in homes:
        try:
            # From / so that no rust-toolchain.toml decides; nothing is downloaded to answer.
            answer = ask_program([str(rustc), "--print", "sysroot"], {**environ, "RUSTUP_AUTO_INSTALL": "0", **home})
        except CratematrixError as error:
            said = error.message
        else:
            return Path(answer).resolve()
    raise InputError(f"{rustc} cannot say where Rust lies: {said}", fix=_GET_RUST)


def _find_node(environ: Mapping[str, str]) -> tuple[Path, str, Path, str]:
    command = _which("node", environ, "Node.js", _GET_NODE)
    try:  # its own word, because version managers put scripts on PATH
        node = Path(ask_program([str(command), "-p", "process.execPath"], environ)).resolve()
    except CratematrixError as error:
        raise InputError(f"{command} does not run: {error.message}", fix=_GET_NODE) from None
    version = _version(node, environ, _GET_NODE)
    _at_least("Node.js", version, MIN_NODE, _GET_NODE)
    own = {**environ, "PATH": f"{node.parent}:{environ.get('PATH', '')}"}
    npm = _which("npm", own, "npm", _GET_NODE)
    return node.parent.parent, version, npm.resolve(), _version(npm, own, _GET_NODE)


def _which(command: str, environ: Mapping[str, str], what: str, fix: str) -> Path:
    found = find_program(command, environ)
    if found is None:
        raise InputError(f"{what} is not installed: `{command}` is not on PATH", fix=fix)
    return found


def _version(tool: Path, environ: Mapping[str, str], fix: str) -> str:
    try:
        answer = ask_program([str(tool), "--version"], environ)
    except CratematrixError as error:
        raise InputError(f"{tool} does not run: {error.message}", fix=fix) from None
    found = re.search(r"\d+\.\d+\.\d+\S*", answer)
    if found is None:
        raise InputError(f"{tool} does not say which version it is", fix=fix)
    return found[0]


def _at_least(what: str, version: str, minimum: tuple[int, ...], fix: str) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(minimum)])
    if numbers < minimum:
        raise InputError(f"{what} {version} is too old: {'.'.join(map(str, minimum))} is needed", fix=fix)
