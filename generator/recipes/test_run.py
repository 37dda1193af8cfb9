"""Test runs on one platform: the host, or another one that this machine has a runtime for."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.cargo_target import target_variable
from generator.recipes.job import BuildJob
from generator.sandboxes.layout import RUNTIMES
from generator.scripts import script
from generator.toolchain.toolchain import Runtime

HOST_ONLY: Final = "the manifest's own test command runs on the host alone"
# A package's test script may start only programs of this machine, which proves nothing for another platform.
NO_NODE_LINE: Final = "note: the tests have started no Node.js"
NO_NODE: Final = "its tests start no Node.js"
# A script with one of these may run several programs, and no summary counts the tests of all.
_SEVERAL_COMMANDS: Final = re.compile(r"[;&|\n`]|\$\(|\b(npm|yarn|pnpm|make|sh|bash)\b")
# A manager that starts one runner of tests: npm and pnpm have `run` for scripts alone. Other options may have a value.
_STARTS_RUNNER: Final = re.compile(
    r"\s*(?:cross-env\s+)?(?:\w+=\S*\s+)*"
    r"(?P<manager>npm|pnpm|yarn(?:\s+run)?)(?:\s+(?:exec|dlx|--|-[BTsy]|--silent|--yes))*"
    r"\s+(?:ava|jest|mocha|node|vitest)(?:[@\s]|$)"
)


@dataclass(frozen=True)
class TestRun:
    """One test run: the script, and the name of the runtime, which is None for the host.

    Without a script nothing runs: the crate has no tests, or `reason` says why they cannot run. `runner` is cargo, or
    one command of the crate, whose summary counts all tests; None if the script may run several commands. With
    `needs_node` the last line is NO_NODE_LINE if the tests started no Node.
    """

    script: str | None = None
    runtime: str | None = None
    reason: str | None = None
    runner: Literal["cargo", "own"] | None = None
    needs_node: bool = False


def own_runner(command: str) -> Literal["own"] | None:
    """Return the runner of the crate's own test command, which may be the text of a script in package.json."""
    if found := _STARTS_RUNNER.match(command):
        command = command[: found.start("manager")] + command[found.end("manager") :]
    return None if _SEVERAL_COMMANDS.search(command) else "own"


def no_runtime(platform: PlatformName) -> TestRun:
    """Return the test run of a platform that has no runtime on this machine."""
    return TestRun(reason=f"nothing on this machine runs programs for {platform}")


def set_runner(root: str, target: str, platform: PlatformName, runtime: Runtime, programs: Iterable[str]) -> str:
    """Return lines that write a runner below `root` and have Cargo start a platform's tests by it.

    The kernel starts what a test starts, and knows no runtime for Linux. So the crate's own programs, which its tests
    start, are replaced by scripts.
    """
    if not runtime.command:
        return ""
    command, path = shlex.join(runtime.command), f"{root}/{RUNTIMES}/{platform}/run"
    names = shlex.join(programs) if PLATFORMS[platform].os == "linux" else ""
    wrap = f'(\nset -- "$1" {shlex.quote(command)} {names}\n{script("wrap-programs.sh")})\n' if names else ""
    text = f'#!/bin/bash\n{_exports(runtime)}{wrap}exec {command} "$@"\n'
    return f"{_write_program(path, text)}\nexport {target_variable(target, 'RUNNER')}={shlex.quote(path)}\n"


def npm_with_node(job: BuildJob, platform: PlatformName, runtime: Runtime, arguments: str) -> str:
    """Return a script that runs this machine's npm with `arguments` and another platform's Node.js.

    A runtime without a Node.js uses this machine's. On Linux, Node starts other programs by its own path, which has to
    be that of the script. NO_NODE_LINE is printed when nothing has started Node.js.
    """
    directory, system = f"{job.root}/{RUNTIMES}/{platform}", PLATFORMS[platform].os
    started, node_path = shlex.quote(f"{directory}/started"), f"{directory}/node"
    node = shlex.join((*runtime.command, runtime.node)) if runtime.node else '"$npm_node_execpath"'
    if system == "win32":
        start = f'set -- {node} "$@"\n{script("run-to-file.sh")}'
    else:
        before = shlex.quote(f"--require={directory}/itself.cjs") if system == "linux" else ""
        start = f'exec {node} {before} "$@"\n'
    text = f"#!/bin/sh\n: > {started}\n{_exports(runtime)}{start}"
    itself = _write_program(f"{directory}/itself.cjs", f"process.execPath = {json.dumps(node_path)}\n")
    return (
        f"{_write_program(node_path, text)}\n{itself}\n"
        f'npm=$(realpath "$(command -v npm)") node=$(command -v node)\n'
        f'PATH={shlex.quote(directory)}:$PATH "$node" "$npm" {arguments}\n'
        f"[ -e {started} ] || echo {shlex.quote(NO_NODE_LINE)}"
    )


def _exports(runtime: Runtime) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in runtime.environment.items())


def _write_program(path: str, text: str) -> str:
    """Return lines that write an executable file."""
    file = shlex.quote(path)
    return f'mkdir -p "$(dirname {file})" && printf %s {shlex.quote(text)} > {file} && chmod +x {file}'
