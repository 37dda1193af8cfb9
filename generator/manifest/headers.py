"""HTTP headers of `fleet.e2b.headers`: reserved names, and environment variables in values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Headers of HTTP itself (RFC 9110, RFC 9112, and Cookie of RFC 6265), and those that the E2B SDK sets.
_RESERVED: Final = re.compile(
    r"host|content-.*|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|accept|accept-encoding"
    r"|user-agent|cookie|idempotency-key|keepalive-.*|connect-.*|x-api-key|x-access-token|e2b-.*|x-metadata-.*"
    r"|lang|lang_version|package_version|publisher|sdk_runtime|system|proxy-.*",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")


def is_reserved_header(name: str) -> bool:
    """Return True if only HTTP or the E2B SDK may set a header."""
    return _RESERVED.fullmatch(name) is not None


def referenced_variables(value: str) -> tuple[str, ...]:
    """Return the environment variables that a header's value names as ${NAME}, in order."""
    return tuple(_REFERENCE.findall(value))


def expand_variables(value: str, variables: Mapping[str, str]) -> str:
    """Replace each ${NAME} in a header's value with the variable; KeyError if it is not set."""
    return _REFERENCE.sub(lambda found: variables[found[1]], value)
