"""GitHub's error responses as exceptions, and the user's error for each."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from generator import __version__
from generator.errors import CratematrixError, InputError, Unavailable, Unreachable, system_reason

# GitHub refuses requests without a User-Agent header.
USER_AGENT: Final = f"cratematrix/{__version__}"
# Raised by requests and PyGithub for a proxy's page, a truncated response or a redirect; requests has OSErrors.
_TRANSPORT_ERRORS: Final = (RuntimeError, AssertionError, ValueError, TypeError, LookupError, AttributeError, OSError)


class GitHubError(Exception):
    """A request to GitHub failed.

    `status` is the HTTP status, None without a usable response. `codes` are the error codes in a 422 response.
    `retry_after` is the delay in seconds that the response asks for, None if it names none. `is_unreachable` says that
    no connection could be made.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        codes: tuple[str, ...] = (),
        retry_after: float | None = None,
        *,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_unreachable = is_unreachable
        self.status = status
        self.codes = codes
        self.retry_after = retry_after

    @property
    def is_rate_limited(self) -> bool:
        """Return True if a rate limit was exceeded; a 403 alone may also be a missing permission."""
        named = self.retry_after is not None or "rate limit" in str(self).lower()
        return self.status == 429 or (self.status == 403 and named)

    @property
    def is_transient(self) -> bool:
        """Return True if a later attempt may succeed."""
        return self.status is None or self.status >= 500 or self.status == 408 or self.is_rate_limited


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Return the delay in seconds that lower-case response headers ask for; `now` is in seconds since 1970."""
    retry_after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if retry_after.isdecimal():
        return float(retry_after)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - now)
    return None


def error_from_response(status: int, headers: Mapping[str, Any], data: Any) -> GitHubError:
    """Return the error for a response, with GitHub's message, codes and delay; a proxy's page has none of these."""
    body = data if isinstance(data, dict) else {}
    listed = body.get("errors")
    errors = [each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)]
    messages = [str(body["message"])] if body.get("message") else []
    messages += [str(each.get("message") or f"{each.get('field')} is {each.get('code')}") for each in errors]
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    return GitHubError(
        f"{status}: {'; '.join(messages) or 'no message from GitHub'}"[:500],
        status,
        tuple(str(each.get("code")) for each in errors),
        retry_after_seconds(lower, time.time()),
    )


def user_error(error: GitHubError, action: str) -> CratematrixError:
    """Return the error to show to the user, with a fix."""
    if error.is_unreachable:
        return Unreachable(f"{action}: {error}", fix="check the network and GITHUB_API_URL, then run it again")
    if error.is_transient:
        return Unavailable(
            f"{action}: {error}", fix="run the same command again later: it continues with what is missing"
        )
    if error.status == 401:
        return InputError(f"{action}: GitHub refuses the token", fix="set GITHUB_TOKEN to a valid token")
    if error.status in (403, 404):
        return InputError(
            f"{action}: not found, or not allowed for this token: {error}",
            fix="check GITHUB_REPOSITORY and the number or tag, and give the job `permissions: contents: write`",
        )
    return InputError(f"{action}: GitHub refuses: {error}")


@contextlib.contextmanager
def map_transport_errors() -> Iterator[None]:
    """Map transport errors to a GitHubError with a short message."""
    try:
        yield
    except _TRANSPORT_ERRORS as error:
        cause = _root_cause(error)
        if isinstance(cause, ConnectionRefusedError | socket.gaierror):
            message = f"{_address(error)} cannot be reached: {system_reason(cause)}"
            raise GitHubError(message, is_unreachable=True) from None
        raise GitHubError(f"no usable response from {_address(error)} ({_name(cause)})") from None


def _address(error: BaseException) -> str:
    """Return the host and port of a failed request; requests keeps it in its errors."""
    url = getattr(getattr(error, "request", None), "url", None)
    parts = urlsplit(url if isinstance(url, str) else "")
    if not parts.hostname:
        return "GitHub"
    return f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"


def _root_cause(error: BaseException) -> BaseException:
    """Return the innermost error; requests and urllib3 nest theirs."""
    nested = (*error.args, getattr(error, "reason", None), error.__cause__)
    for inner in nested:
        if isinstance(inner, BaseException):
            return _root_cause(inner)
    return error


def _name(error: BaseException) -> str:
    return str(error) if isinstance(error, TimeoutError) and error.args else type(error).__name__
