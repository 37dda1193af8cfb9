"""Errors of the network in the output of tools that fetch dependencies: cargo, git, npm, yarn and pnpm.

Only codes and fixed forms of a tool's last error count. A word such as "timeout" may be the name of a package.
"""

from __future__ import annotations

import re
from typing import Final

_STATUS: Final = r"(?:5\d\d|429)"
_CODE: Final = (
    r"(?:ECONN\w+|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|EPIPE|ERR_SOCKET_TIMEOUT|ERR_SSL_\w+)"
)
# cargo names curl's code in brackets: https://curl.se/libcurl/c/libcurl-errors.html. A proxy refuses with a status of
# its own. libgit2 ends its message with the class of the error.
_ERRORS: Final = re.compile(
    rf"""
      \s*\[(?:5|6|7|16|18|28|35|52|55|56|92)\]\ (?!.*response\ 4(?!29))
    | \s*failed\ to\ get\ successful\ HTTP\ response\ from\ `[^`]*`.*,\ got\ {_STATUS}$
    | .*;\ class=(?:Net|Ssl)\ \(\d+\)
    | \s*failed\ to\ connect\ to\ .*;\ class=Os\ \(\d+\)
    | \s*unexpected\ http\ status\ code:\ {_STATUS};\ class=Http
    | fatal:\ unable\ to\ access\ '[^']*':\ (?!The\ requested\ URL\ returned\ error:\ 4(?!29))
    | error:\ RPC\ failed;
    | fatal:\ early\ EOF
    | npm\ (?:error|ERR!)\ (?:network\ |code\ (?:{_CODE}|E{_STATUS})$)
    | error\ An\ unexpected\ error\ occurred:\ ".*(?:\b{_CODE}\b|statusCode={_STATUS}|Request\ failed\ \\"{_STATUS})
    | ➤\ YN\d\d\d\d:\ .*(?:RequestError:|Response\ Code:\ {_STATUS})
    | \W*ERR_PNPM_(?:META_FETCH_FAIL|FETCH_{_STATUS})\b
    """,
    re.VERBOSE,
)


def is_network_error(line: str) -> bool:
    """Return True for a line in which a tool says that the network or a server failed."""
    return _ERRORS.match(line) is not None
