"""The hosts that may receive the token: the API's host and its upload host."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from generator.errors import InputError

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def origin(url: str) -> str | None:
    """Return scheme, host and port of a URL, without the scheme's default port; None for an incomplete URL."""
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
    """Return the origins that may receive the token of an API.

    The upload hosts are uploads.github.com for api.github.com, and uploads.SUB.ghe.com for api.SUB.ghe.com. A GitHub
    Enterprise Server has one host for both: HOST/api/v3 and HOST/api/uploads.
    """
    own = origin(api_url)
    if own is None:
        return ()
    rest = own.removeprefix("https://api.")
    return (own, f"https://uploads.{rest}") if rest == "github.com" or rest.endswith(".ghe.com") else (own,)


def check_host(url: str, api_url: str) -> None:
    """Raise InputError unless the URL's host may receive the token of the API."""
    found, allowed = origin(url), token_origins(api_url)
    if found not in allowed:
        raise InputError(
            f"the token is not sent to {found or 'a URL without a host'}: only {' and '.join(allowed)} may receive it",
            fix="check GITHUB_API_URL and the server at that address",
        )
