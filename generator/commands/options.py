"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from generator.sandboxes.e2b.connection import Gateway

manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crates.json"),
    show_default=True,
    help="The manifest, JSON or YAML.",
)


backend_option = click.option(
    "--backend",
    type=click.Choice(["local", "e2b"]),
    default="local",
    show_default=True,
    help="Sandboxes on this machine, or at E2B.",
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
