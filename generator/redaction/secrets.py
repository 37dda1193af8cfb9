"""The secrets among environment variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

# Variables that always hold secrets.
SECRET_VARIABLES: Final = (
    "E2B_API_KEY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "NODE_AUTH_TOKEN",
    "NPM_TOKEN",
    "CARGO_REGISTRY_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)
# Variables whose URLs may hold a password.
URL_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "E2B_API_URL", "E2B_SANDBOX_URL")


def secrets_in_environment(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the secrets of an environment: the named variables, `SECRET_VARIABLES`, and passwords in URLs."""
    found = {name: environment[name] for name in (*SECRET_VARIABLES, *names) if environment.get(name)}
    for name in (*URL_VARIABLES, *(name.lower() for name in URL_VARIABLES)):
        if password := _password(environment.get(name, "")):
            found[f"the password in {name}"] = unquote(password)
            if "%" in password:
                found[f"the password in {name}, as it is written there"] = password
    return found


def _password(url: str) -> str | None:
    """Return the password of a URL, or the user name where a token stands alone; a proxy's scheme may be missing."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return None
    return parts.password or parts.username
