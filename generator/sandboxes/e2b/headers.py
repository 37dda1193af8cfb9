"""Headers of the connection on requests to a sandbox."""

from __future__ import annotations

from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.sdk import ConnectionConfig, Sandbox


def with_headers(sandbox: Sandbox, connection: Connection) -> Sandbox:
    """Return the sandbox with the connection's headers on commands and files too, where the SDK omits them."""
    if not connection.headers:
        return sandbox
    headers = {**connection.headers, **sandbox.connection_config.sandbox_headers}
    config = ConnectionConfig(**connection.api_params(), extra_sandbox_headers=headers)
    return type(sandbox)(
        sandbox_id=sandbox.sandbox_id,
        sandbox_domain=sandbox.sandbox_domain,
        envd_version=sandbox._envd_version,  # noqa: SLF001  the constructor wants it and nothing public has it
        envd_access_token=sandbox._envd_access_token,  # noqa: SLF001
        traffic_access_token=sandbox.traffic_access_token,
        connection_config=config,
    )
