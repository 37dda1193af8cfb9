"""Taking down what a build script asks of Cargo, and asking it again for other platforms.

napi's two command lines and the scripts around them differ, and each would run its JavaScript steps for every platform:
here the script runs once, for the host, and what it had Cargo build is built for the others, with the same features,
package and profile.
"""

from __future__ import annotations

import shlex
from typing import Final

from generator.recipes.cargo_target import CargoTarget

# One line for each `cargo build`: the directory and the words, as a shell would read them again.
RECORD: Final = "cargo-builds"

# Stands before cargo on PATH, and is what napi's command line starts by CARGO. It takes down the words of a build less
# its target, and has the host's own target linked by zig where that was asked for.
_STAND_IN: Final = """#!/bin/bash
set -eo pipefail
here=$(dirname "$(realpath "$0")")
unset CARGO
PATH=${PATH//"$here:"/}
[ "${1-}" != xwin ] || shift
if [ "${1-}" != build ] && [ "${1-}" != zigbuild ]; then exec cargo "$@"; fi
shift
words=() target=
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2; shift 2 || break ;;
    --target=*) target=${1#--target=}; shift ;;
    *) words+=("$1"); shift ;;
  esac
done
printf '%%q ' "$PWD" "${words[@]}" >> %(record)s
echo >> %(record)s
if [ "$target" = %(target)s ]; then exec cargo %(subcommand)s "${words[@]}" --target %(asked)s; fi
unset CARGO_BUILD_TARGET
exec cargo build "${words[@]}" ${target:+--target "$target"}
"""


def record(script: str, root: str, host: CargoTarget, *, napi: bool) -> str:
    """Return a script that runs `script` for the host and takes down what it has Cargo build.

    napi's command lines take their target from CARGO_BUILD_TARGET, and look for the result where it leads.
    """
    stand_in = _STAND_IN % {
        "record": shlex.quote(f"{root}/{RECORD}"),
        "target": shlex.quote(host.target or "none"),
        "subcommand": host.subcommand,
        "asked": shlex.quote(host.argument or "none"),
    }
    lines = [
        f"mkdir -p {shlex.quote(root)}/stand-in && rm -f {shlex.quote(root)}/{RECORD}",
        f"printf %s {shlex.quote(stand_in)} > {shlex.quote(root)}/stand-in/cargo",
        f"chmod +x {shlex.quote(root)}/stand-in/cargo",
        f'(export CARGO={shlex.quote(root)}/stand-in/cargo PATH={shlex.quote(root)}/stand-in:"$PATH"',
        *([f"export CARGO_BUILD_TARGET={host.target}"] if napi and host.target else []),
        f"{host.exports}{script}\n)",
    ]
    return "\n".join(lines)


def replay(root: str, cargo_target: CargoTarget, platform: str) -> str:
    """Return a script that asks Cargo again, for another platform, for what was taken down."""
    record, target = f"{shlex.quote(root)}/{RECORD}", shlex.quote(cargo_target.argument or "")
    return f"""{cargo_target.exports}if [ ! -s {record} ]; then
  echo "error: the build command does not call cargo build, so it cannot be repeated for {platform}" >&2; exit 1
fi
while IFS= read -r line; do
  eval "words=($line)"
  (cd "${{words[0]}}" && cargo {cargo_target.subcommand} "${{words[@]:1}}" --target {target}) < /dev/null
done < {record}"""
