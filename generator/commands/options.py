"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crates.json"),
    show_default=True,
    help="The manifest, JSON or YAML.",
)


backend_option = click.option(
    "--backend", type=click.Choice(["local", "e2b"]), default="local", show_default=True, help="Where sandboxes are."
)


def gateway_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where E2B is; the command gets them as one `gateway`."""

    @click.option(
        "--e2b-api-url", metavar="URL", help="Where E2B's API is.  [default: $E2B_API_URL, or the manifest's]"
    )
    @click.option(
        "--e2b-sandbox-url",
        metavar="URL",
        help="Where its sandboxes are.  [default: $E2B_SANDBOX_URL, or the manifest's]",
    )
    @click.option(
        "--e2b-header",
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Sent with every call, for a gateway; ${NAME} in it is replaced by that variable.",
    )
    @functools.wraps(command)
    def with_gateway(
        e2b_api_url: str | None, e2b_sandbox_url: str | None, e2b_header: tuple[str, ...], **rest: Any
    ) -> None:
        from generator.sandboxes.e2b.connection import Gateway

        command(gateway=Gateway(e2b_api_url, e2b_sandbox_url, e2b_header), **rest)

    return with_gateway
