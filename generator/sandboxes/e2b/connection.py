"""Connection settings of E2B, from options, environment variables and the manifest, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from generator.errors import InputError
from generator.manifest.fleet_models import E2BService
from generator.manifest.headers import expand_variables, is_reserved_header, referenced_variables
from generator.manifest.values import HeaderName, HeaderValue, HostName, ServiceUrl


@dataclass(frozen=True)
class Gateway:
    """Options of the command line: URLs, and headers as "NAME: VALUE"."""

    api_url: str | None = None
    sandbox_url: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connection:
    """Configuration of the SDK, without secrets in its repr.

    A URL of None is E2B's own, of `domain`. `header_variables` are the environment variables that headers refer to.
    """

    api_key: str = field(repr=False)
    api_url: str | None = None
    sandbox_url: str | None = None
    domain: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    header_variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def api_params(self) -> dict[str, Any]:
        """Return the arguments of every SDK call; their headers go to the control plane only.

        All known values are passed, because the SDK reads E2B's environment variables for missing ones.
        """
        params: dict[str, Any] = {"api_key": self.api_key, "api_url": self.api_url, "sandbox_url": self.sandbox_url}
        params |= {"domain": self.domain, "api_headers": dict(self.headers) or None, "debug": False}
        return {name: value for name, value in params.items() if value is not None}

    def secrets(self) -> dict[str, str]:
        """Return the secrets of the connection by their names in messages."""
        headers = {f"the header {name}": value for name, value in self.headers.items() if name in self._secret_headers}
        return {"E2B_API_KEY": self.api_key, **self.header_variables, **headers}

    @property
    def _secret_headers(self) -> set[str]:
        return {
            name
            for name, value in self.headers.items()
            if any(secret in value for secret in self.header_variables.values())
        }


def resolve_connection(service: E2BService, options: Gateway, environment: Mapping[str, str]) -> Connection:
    """Return the connection; InputError with all problems at once, and without secrets."""
    problems: list[str] = []
    key = environment.get("E2B_API_KEY", "")
    if not key:
        problems.append("E2B_API_KEY is not set: take a key from e2b.dev/dashboard, or use --backend local")
    if environment.get("E2B_DEBUG", "").lower() == "true":
        problems.append("E2B_DEBUG=true starts no sandboxes: unset it")
    api_url = _setting("E2B_API_URL", options.api_url, environment, service.api_url, ServiceUrl, problems)
    sandbox_url = _setting(
        "E2B_SANDBOX_URL", options.sandbox_url, environment, service.sandbox_url, ServiceUrl, problems
    )
    domain = _setting("E2B_DOMAIN", None, environment, service.domain, HostName, problems)
    variables: dict[str, str] = {}
    headers = {
        name: _expand(name, value, environment, variables, problems)
        for name, value in {**service.headers, **_parse_headers(options.headers, problems)}.items()
    }
    if problems:
        first, *rest = problems
        if not rest:
            raise InputError(first)
        raise InputError(f"{len(problems)} settings of E2B are wrong", problems=tuple(problems))
    return Connection(key, api_url, sandbox_url, domain, headers, variables)


def _setting(
    name: str, option: str | None, environment: Mapping[str, str], default: str | None, kind: Any, problems: list[str]
) -> str | None:
    """Return the option, the environment variable or the default, in this order."""
    value = option or environment.get(name)
    if not value:
        return default
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError:
        source = f"--{name.lower().replace('_', '-')}" if option else name
        problems.append(
            f"{source} is not usable: use https://host/path without user, password and query, or a host name"
        )
        return None


def _parse_headers(headers: tuple[str, ...], problems: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, header in enumerate(headers, 1):
        name, colon, value = (part.strip() for part in header.partition(":"))
        try:
            TypeAdapter(HeaderName).validate_python(name)
            TypeAdapter(HeaderValue).validate_python(value)
        except ValidationError:
            problems.append(
                f"--e2b-header number {number} is not NAME: VALUE in visible ASCII, with $ only in ${{NAME}}"
            )
            continue
        if not colon or is_reserved_header(name):
            problems.append(f"--e2b-header number {number} is one that HTTP or the E2B SDK sets itself")
            continue
        found[name] = value
    return found


def _expand(
    header: str, value: str, environment: Mapping[str, str], variables: dict[str, str], problems: list[str]
) -> str:
    """Return a header's value with its ${NAME} references replaced, and add each to `variables`."""
    for name in referenced_variables(value):
        secret = environment.get(name, "")
        if not secret or not secret.isascii() or not secret.isprintable():
            problems.append(f"{name}, which the header {header} needs, is not set to visible ASCII")
        variables[name] = secret
    return expand_variables(value, variables)
