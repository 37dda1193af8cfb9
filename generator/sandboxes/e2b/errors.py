"""Errors of the E2B SDK, of its HTTP transports and of proxies, mapped to failure classes.

The SDK raises exceptions from four hierarchies of its own and passes on those of httpx, connectrpc, pyqwest and json.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final, Literal

import httpx
import pyqwest
from connectrpc.errors import ConnectError
from e2b import exceptions as sdk
from e2b.sandbox.commands.command_handle import CommandExitException

from generator.errors import CratematrixError, InputError, Unavailable
from generator.sandboxes.contract import FailureClass, FileMissing, SandboxError

Kind = Literal[
    "sandbox_gone",
    "busy",
    "unreachable",
    "unauthorized",
    "rejected",
    "file_missing",
    "disk_full",
    "command_failed",
    "local_disk",
]

# busy: rate limit or overload. unreachable: no response, or one that is not E2B's. command_failed: a command of the
# runner itself exited with another code than 0. local_disk: the disk of this machine.
FAILURE_CLASSES: Final[dict[Kind, FailureClass]] = {
    "sandbox_gone": "transient",
    "busy": "transient",
    "unreachable": "transient",
    "unauthorized": "permanent",
    "rejected": "permanent",
    "file_missing": "permanent",
    "disk_full": "too_small",
    "command_failed": "transient",
    "local_disk": "permanent",
}

# Network connections never fail with these.
_DISK_ERRNOS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

MAX_MESSAGE_LENGTH: Final = 300
INVALID_KEY: Final = "E2B refuses the key: set E2B_API_KEY to a key of e2b.dev/dashboard"


EXCEPTION_KINDS: Final[tuple[tuple[tuple[type[BaseException], ...], Kind], ...]] = (
    ((CommandExitException,), "command_failed"),
    ((sdk.NotEnoughSpaceException,), "disk_full"),
    ((sdk.SandboxNotRunningException, sdk.SandboxNotFoundException), "sandbox_gone"),
    ((sdk.FileNotFoundException,), "file_missing"),
    ((sdk.RateLimitException, sdk.ServiceBusyException), "busy"),
    ((sdk.AuthenticationException,), "unauthorized"),
    ((sdk.InvalidArgumentException, sdk.TemplateException, sdk.NotFoundException), "rejected"),
    ((sdk.BuildException, sdk.VolumeException, sdk.SecretException), "rejected"),
    ((sdk.SandboxException,), "unreachable"),
    # A proxy's HTML page instead of E2B's JSON raises ValueError, KeyError or worse inside the SDK.
    ((ConnectError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL), "unreachable"),
    ((pyqwest.ReadError, pyqwest.WriteError, pyqwest.StreamError), "unreachable"),
    ((pyqwest.RemoteProtocolError, pyqwest.TooManyRedirects), "unreachable"),
    ((OSError, ValueError, LookupError, TypeError, AttributeError), "unreachable"),
)
"""Every exception type of SDK calls with its kind, subclasses before their base classes."""


class ResponseTooLong(Exception):
    """A response exceeds its limit; a retry would bring as much."""


@dataclass(frozen=True)
class ServiceError:
    """A failed call, in the service's words; `status` is the HTTP status code, where one is known.

    `is_unconnected` says that no connection could be made.
    """

    kind: Kind
    message: str
    status: int | None = None
    is_unconnected: bool = False

    @property
    def is_transient(self) -> bool:
        """Return True if a retry of the same call can succeed."""
        return self.kind in ("busy", "unreachable")

    def sandbox_error(self, failure: str) -> SandboxError:
        """Return the SandboxError; `failure` begins its message and says what does not work."""
        message = f"{failure}: {INVALID_KEY if self.kind == 'unauthorized' else self.message}"
        if self.kind == "file_missing":
            return FileMissing(message)
        return SandboxError(message, FAILURE_CLASSES[self.kind])


def user_error(error: Exception, failure: str = "") -> CratematrixError:
    """Return the error to show to the user for an SDK exception or a SandboxError."""
    known = error if isinstance(error, SandboxError) else service_error(error).sandbox_error(failure)
    if known.failure_class == "transient":
        return Unavailable(str(known), fix="try again later")
    return InputError(str(known))


def service_error(error: BaseException) -> ServiceError:
    """Return the meaning of an exception of an SDK call; unknown exceptions count as unreachable."""
    if too_long := _response_too_long(error):
        return ServiceError("rejected", str(too_long))
    if isinstance(error, OSError) and error.errno in _DISK_ERRNOS:
        return ServiceError("local_disk", f"this machine says: {error.strerror}")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ServiceError("unreachable", _unconnected(error), is_unconnected=True)
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    by_type: Kind = next((kind for types, kind in EXCEPTION_KINDS if isinstance(error, types)), "unreachable")
    by_status = _kind_of_status(status) if status is not None else None
    return ServiceError(by_status or by_type, _first_line(error), status)


def _unconnected(error: httpx.ConnectError | httpx.ConnectTimeout) -> str:
    """Return the host and port of a connection that could not be made, and the reason."""
    # The transport's words are "Request failed: error for url (URL): client error (Connect): CAUSE: DETAIL: ...".
    reason = ": ".join(_first_line(error).rpartition("(Connect): ")[2].split(": ")[:2])
    try:
        url = error.request.url
    except RuntimeError:  # the error has no request
        return reason
    return f"{url.host}:{url.port or (80 if url.scheme == 'http' else 443)} cannot be reached: {reason}"


def _response_too_long(error: BaseException | None) -> ResponseTooLong | None:
    """Search the causes of an exception, because the SDK wraps it more than once."""
    while error is not None and not isinstance(error, ResponseTooLong):
        error = error.__cause__ or error.__context__
    return error


def _kind_of_status(status: int) -> Kind | None:
    """Return the kind of an HTTP status code, or None when the code is no error."""
    if status in (429, 503):
        return "busy"
    if status in (408, 409, 425) or status >= 500:
        return "unreachable"
    if status in (401, 403):
        return "unauthorized"
    return "rejected" if status >= 400 else None


def _first_line(error: BaseException) -> str:
    """Return the first line of the message, or the type's name in place of a proxy's HTML page."""
    message = str(error).strip().split("\n", 1)[0].strip()
    if not message or message.startswith("<"):
        return type(error).__name__
    return message if len(message) <= MAX_MESSAGE_LENGTH else f"{message[: MAX_MESSAGE_LENGTH - 1]}…"
