"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from generator.errors import CratematrixError
from generator.manifest.finding import default_output, find_manifest
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.connection import Gateway

manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=find_manifest,
    show_default="crates.json or crates.yaml, here or in a directory above",
    help="The manifest, JSON or YAML.",
)


def out_option(help_text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for the directory of packages and reports, the same for the commands that write and read it."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_output,
        show_default="dist beside the manifest that is found without --manifest",
        help=help_text,
    )


def complete_crates(context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the manifest's crates that begin with a text, none while the manifest has errors."""
    with suppress(CratematrixError):
        manifest = load_manifest(Path(context.params.get("manifest") or find_manifest()))
        return [crate.name for crate in manifest.crates if crate.name.startswith(incomplete)]
    return []


def json_option(variable: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for a result as JSON, which is also an environment variable."""
    return click.option(
        "--json", "as_json", is_flag=True, envvar=variable, help="Print the result as JSON for programs."
    )


def plan_option(help_text: str, variable: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for the file of a plan; the command takes it as `plan_file`."""
    return click.option(
        "--plan",
        "plan_file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        envvar=variable,
        help=help_text,
    )


backend_option = click.option(
    "--backend",
    type=click.Choice(["local", "e2b"]),
    default="local",
    show_default=True,
    help="Sandboxes on this machine, or at E2B.",
)


def max_cost_option(help_text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for the most that sandboxes may cost, the same for the commands that predict and spend it."""
    return click.option(
        "--max-cost",
        type=click.FloatRange(min=0),
        metavar="AMOUNT",
        help=f"e2b: {help_text} than this, in the currency of the prices.",
    )


def gateway_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options with the addresses of E2B; the command takes them as one argument `gateway`."""

    @click.option("--e2b-api-url", metavar="URL", help="URL of E2B's API.  [default: $E2B_API_URL, or the manifest's]")
    @click.option(
        "--e2b-sandbox-url",
        metavar="URL",
        help="URL of E2B's sandboxes.  [default: $E2B_SANDBOX_URL, or the manifest's]",
    )
    @click.option(
        "--e2b-header",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Header of every request, for a gateway; ${NAME} in it is replaced by that environment variable.",
    )
    @functools.wraps(command)
    def with_gateway(
        e2b_api_url: str | None, e2b_sandbox_url: str | None, e2b_header: tuple[str, ...], **others: Any
    ) -> None:
        command(gateway=Gateway(e2b_api_url, e2b_sandbox_url, e2b_header), **others)

    return with_gateway
