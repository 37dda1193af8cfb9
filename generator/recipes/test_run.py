"""Running a crate's tests on one platform, the host or one that this machine has a runtime for."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.platforms import PLATFORMS, PlatformName
from generator.recipes.cargo_target import target_variable
from generator.recipes.job import BuildJob
from generator.toolchain.toolchain import Runtime

_SHELL: Final = "#!/bin/sh\n"
HOST_ONLY: Final = "the manifest's own test command is run on the host alone"
# A package's script may test something else by this machine's own programs: that says nothing of another platform.
NO_NODE: Final = ("note: the tests have started no Node.js", "its tests start no Node.js")


@dataclass(frozen=True)
class TestRun:
    """What runs the tests on a platform: the script, and `by`, which names the runtime, None for the host itself.

    Without a script there are none to run, or `reason` says why they are not run. `unless` are words of a line by which
    the script says that it ran nothing, and the reason.
    """

    script: str | None = None
    runtime: str | None = None
    reason: str | None = None
    nothing_ran: tuple[str, str] | None = None


def no_runtime(platform: PlatformName) -> TestRun:
    """Return that nothing here runs programs of a platform."""
    return TestRun(reason=f"nothing on this machine runs programs for {platform}")


# Puts programs that lie beside the tests behind scripts.
_BEHIND: Final = """if [[ $1 == */deps/* ]]; then
  cd "${1%%/deps/*}"
  for each in %(names)s; do
    if [ ! -f "$each" ] || [ -e "behind/$each" ]; then continue; fi
    mkdir -p behind && mv -- "$each" behind/ || continue
    printf '#!/bin/sh\\nexec %%s "${0%%%%/*}/behind/${0##*/}" "$@"\\n' %(command)s > "$each"
    chmod +x -- "$each"
  done
  cd "$OLDPWD"
fi
"""


def set_runner(root: str, target: str, platform: PlatformName, runtime: Runtime, programs: Iterable[str] = ()) -> str:
    """Return lines after which Cargo starts a platform's tests by its runtime; they leave a script below `root`.

    Where the kernel starts what a test starts, it knows nothing of a runtime for Linux: the crate's own programs, which
    are its tests' business, are put behind scripts. rustdoc's tests run at the same time and are left alone.
    """
    if not runtime.command:
        return ""
    command, place = shlex.join(runtime.command), f"{root}/runtimes/{platform}"
    names = shlex.join(programs) if PLATFORMS[platform].os == "linux" else ""
    behind = _BEHIND % {"names": names, "command": shlex.quote(command)} if names else ""
    text = f'#!/bin/bash\n{_exports(runtime)}{behind}exec {command} "$@"\n'
    runner = target_variable(target, "RUNNER")
    return f"{_written(f'{place}/run', text)}\nexport {runner}={shlex.quote(f'{place}/run')}\n"


# Wine takes no pipe of Linux for one of Windows, and Node ends when it first writes to one.
_NODE_OF_WINDOWS: Final = """said=$(mktemp)
%s "$@" > "$said" 2>&1
code=$?
cat "$said"
rm -f "$said"
exit $code
"""


def npm_with_node(job: BuildJob, platform: PlatformName, runtime: Runtime, script: str) -> str:
    """Return a script that npm of this machine runs `script` with, so that its `node` is that of a platform.

    What Node for Linux starts by the path of its own program, the kernel has to find behind a script too. A runtime
    without a Node.js has this machine's. The first of NO_NODE is printed where none was started.
    """
    place, system = f"{job.root}/runtimes/{platform}", PLATFORMS[platform].os
    started, itself = shlex.quote(f"{place}/started"), f"process.execPath = {json.dumps(f'{place}/node')}\n"
    node = shlex.join((*runtime.command, runtime.node)) if runtime.node else '"$npm_node_execpath"'
    if system == "win32":
        start = _NODE_OF_WINDOWS % node
    else:
        before = shlex.quote(f"--require={place}/itself.cjs") if system == "linux" else ""
        start = f'exec {node} {before} "$@"\n'
    text = f"{_SHELL}: > {started}\n{_exports(runtime)}{start}"
    return (
        f"{_written(f'{place}/node', text)}\n{_written(f'{place}/itself.cjs', itself)}\n"
        f'npm=$(realpath "$(command -v npm)") node=$(command -v node)\n'
        f'PATH={shlex.quote(place)}:$PATH "$node" "$npm" {script}\n'
        f"[ -e {started} ] || echo {shlex.quote(NO_NODE[0])}"
    )


def _exports(runtime: Runtime) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in runtime.environment.items())


def _written(path: str, text: str) -> str:
    """Return lines that write a program."""
    where = shlex.quote(path)
    return f'mkdir -p "$(dirname {where})" && printf %s {shlex.quote(text)} > {where} && chmod +x {where}'
