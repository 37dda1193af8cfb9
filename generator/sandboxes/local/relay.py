"""Relay in the sandbox, from a port of its loopback to the fetch proxy's Unix socket.

Tools cannot use a Unix socket as a proxy. Node.js, which every sandbox has, passes the bytes on.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from generator.scripts import script
from generator.toolchain.mounts import Bind

SOCKET_NAME: Final = "proxy"
# Mounted while dependencies are fetched, and never later.
DIRECTORY: Final = "/etc/fetch"
PORT: Final = 3128

_PROXY: Final = f"http://127.0.0.1:{PORT}"

# The first ones are for curl, and with it Cargo and git, for npm, pnpm and yarn 1; the last ones are for later yarns.
PROXY_VARIABLES: Final = {
    **{name: _PROXY for each in ("http_proxy", "https_proxy", "all_proxy") for name in (each, each.upper())},
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
    **dict.fromkeys(("YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"), _PROXY),
}


def socket_bind(directory: Path) -> Bind:
    """Return the mount of the host's directory in which the proxy listens."""
    return Bind(str(directory), DIRECTORY)


def with_relay(command: str) -> str:
    """Return a script that starts the relay and then runs `command`. The relay ends with the sandbox's processes."""
    relay = shlex.join(("node", "--eval", script("relay.js"), f"{DIRECTORY}/{SOCKET_NAME}", str(PORT)))
    return f"""read -r _ < <(cd / && exec {relay} 2> /dev/null) || {{
  echo "error: the relay to the network proxy cannot be started" >&2; exit 1
}}
{command}"""
