"""The inner end of the one way out of a sandbox: what is said to a port of its own loopback reaches the proxy's socket.

The proxy listens on a Unix socket, of which no tool knows; Node.js, which every sandbox has, passes bytes on to it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from generator.toolchain.mounts import Bind

SOCKET: Final = "proxy"
# There while dependencies are fetched, and never later.
DIRECTORY: Final = "/etc/fetch"
PORT: Final = 3128

_RELAY: Final = f"""
const net = require("net");
const half = {{ allowHalfOpen: true }};
net.createServer(half, (near) => {{
  const far = net.connect({{ path: "{DIRECTORY}/{SOCKET}", ...half }});
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
  near.pipe(far).pipe(near);
}}).listen({PORT}, "127.0.0.1", 256, () => console.log("ready"));
"""
_PROXY: Final = f"http://127.0.0.1:{PORT}"

# Of all that fetches: curl, and with it Cargo and git, npm, pnpm and the first yarn; then later yarns.
VARIABLES: Final = {
    **{name: _PROXY for each in ("http_proxy", "https_proxy", "all_proxy") for name in (each, each.upper())},
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
    **dict.fromkeys(("YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"), _PROXY),
}


def socket_bind(directory: Path) -> Bind:
    """Show a directory of the host, in which the proxy listens."""
    return Bind(str(directory), DIRECTORY)


def relayed(script: str) -> str:
    """Return a script that starts when the relay listens; the relay ends with the sandbox's processes."""
    start = f"cd / && exec node --eval {shlex.quote(_RELAY)} 2> /dev/null"
    return f"""read -r _ < <({start}) || {{ echo "error: the way to the network cannot be opened" >&2; exit 1; }}
{script}"""
