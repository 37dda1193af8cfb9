"""Recording of the Cargo builds of a build command, and their replay for other platforms.

napi's two command lines and the scripts around them differ, and each would run its JavaScript steps for every platform.
Here the command runs once, for the host. Its Cargo builds run again for the other platforms, with the same features,
package and profile.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from generator.recipes.cargo_target import CargoTarget
from generator.sandboxes.layout import CARGO_RECORD, CARGO_RECORDER
from generator.scripts import script, with_arguments


def record(command: str, root: str, host: CargoTarget, aliases: Mapping[str, str], *, napi: bool) -> str:
    """Return a script that runs a build command for the host and records the Cargo builds of it.

    `aliases` are the project's own subcommands of Cargo, with the words that they stand for. napi's command lines take
    their target from CARGO_BUILD_TARGET, and look for the result in its directory.
    """
    record, directory = shlex.quote(f"{root}/{CARGO_RECORD}"), shlex.quote(f"{root}/{CARGO_RECORDER}")
    settings = {
        "record": f"{root}/{CARGO_RECORD}",
        "host_target": host.target or "none",
        "host_argument": host.argument or "none",
        "host_subcommand": host.subcommand,
        "aliases": "\n".join(f"{name} {words}" for name, words in aliases.items()),
    }
    assignments = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    lines = [
        f"mkdir -p {directory} && rm -f {record}",
        f"printf %s {shlex.quote(script('cargo-recorder.sh'))} > {directory}/cargo",
        f"printf %s {shlex.quote(assignments)} > {directory}/settings",
        f"printf %s {shlex.quote(host.exports)} > {directory}/exports",
        f"chmod +x {directory}/cargo",
        f'(export CARGO={directory}/cargo PATH={directory}:"$PATH"',
        *([f"export CARGO_BUILD_TARGET={host.target}"] if napi and host.target else []),
        f"{host.exports}env -0 | LC_ALL=C sort -z > {directory}/environment",
        f"{command}\n)",
    ]
    return "\n".join(lines)


def replay(root: str, cargo_target: CargoTarget, platform: str) -> str:
    """Return a script that runs the recorded Cargo builds for another platform."""
    argument, subcommand = cargo_target.argument or "", cargo_target.subcommand.split()
    record = f"{root}/{CARGO_RECORD}"
    return with_arguments("replay-cargo.sh", record, platform, cargo_target.exports, argument, *subcommand)


def has_record(root: str) -> str:
    """Return a condition for Bash: a build command has recorded at least one Cargo build."""
    return f"[ -s {shlex.quote(root)}/{CARGO_RECORD} ]"
