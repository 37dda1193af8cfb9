"""The command `targets`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from generator.backends.local import local_toolchain
from generator.builds.selection import select_crates
from generator.commands.options import complete_crates, manifest_option, plan_option
from generator.console.output import print_data, print_message
from generator.manifest.reading import load_manifest
from generator.planning.plan_file import load_plan
from generator.toolchain.rust_targets import missing_targets, unlinked_platforms, xwin_architectures


@click.command()
@manifest_option
@click.option("--shard", metavar="I/N", help="Targets of part I of N: of the --crate ones, or of the whole fleet.")
@click.option(
    "--crate",
    "crates",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_crates,
    envvar="CRATEMATRIX_TARGETS_CRATE",
    help="Targets of this crate; repeat it for more. The variable takes names separated by spaces.",
)
@plan_option("Plan of the run, as `build --plan` takes it.", "CRATEMATRIX_TARGETS_PLAN")
@click.option(
    "--xwin-arch",
    is_flag=True,
    help="Print instead what XWIN_ARCH has to be to fetch Microsoft's libraries: nothing, unless "
    "fleet.accept_microsoft_licence is true.",
)
def targets(
    manifest: Path, shard: str | None, crates: tuple[str, ...], plan_file: Path | None, xwin_arch: bool
) -> None:
    """Print the Rust targets that local builds need and do not have.

    One target per line, for: rustup target add $(cratematrix targets). Platforms without a linker on this machine are
    left out.
    """
    loaded = load_manifest(manifest)
    planned = load_plan(plan_file, loaded) if plan_file else None
    names = select_crates(loaded, shard, crates, planned).names
    if xwin_arch:
        print_data(",".join(xwin_architectures(loaded, names)))
        return
    toolchain = local_toolchain(os.environ)
    for target in missing_targets(loaded, names, toolchain):
        print_data(target)
    if unlinked := unlinked_platforms(loaded, names, toolchain):
        platforms = ", ".join(unlinked)
        print_message(f"note: left out, because no linker here supports them: {platforms}; see cratematrix doctor")
