"""Which hosts the token is sent to: the API's own, and the one that takes its uploads."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from generator.errors import InputError

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def origin(url: str) -> str | None:
    """Return the scheme, host and port of a URL, the last where it is not the scheme's own; None where one lacks."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port != _DEFAULT_PORTS[parts.scheme] else "")


def token_origins(api_url: str) -> tuple[str, ...]:
    """Return the origins that the token for an API may be sent to.

    GitHub has uploads.github.com beside api.github.com, and GHE.com uploads.SUB.ghe.com beside api.SUB.ghe.com. A
    GitHub Enterprise Server takes uploads where its API is: HOST/api/uploads beside HOST/api/v3.
    """
    own = origin(api_url)
    if own is None:
        return ()
    rest = own.removeprefix("https://api.")
    return (own, f"https://uploads.{rest}") if rest == "github.com" or rest.endswith(".ghe.com") else (own,)


def check_host(url: str, api_url: str) -> None:
    """Raise InputError unless the token for an API may be sent to a URL."""
    where, allowed = origin(url), token_origins(api_url)
    if where not in allowed:
        raise InputError(
            f"GitHub wants the token at {where or 'no address'}, and it is sent to {' and '.join(allowed)} alone",
            fix="check GITHUB_API_URL, and what answers there",
        )
