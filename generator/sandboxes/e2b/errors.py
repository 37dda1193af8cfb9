"""What can go wrong between the runner and E2B: every error of the SDK, of its transports and of proxies on the way.

The SDK raises from four hierarchies of its own, and lets those of httpx, connectrpc, pyqwest and json through. Each
becomes one of a few kinds here, and every kind belongs to one failure class.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from generator.errors import CratematrixError, InputError, Unavailable
from generator.sandboxes.contract import FailureClass, FileMissing, SandboxError

Kind = Literal["gone", "busy", "unreachable", "unauthorized", "refused", "missing", "full", "failed", "here"]

# gone: there is no such sandbox any more. busy: come back later. unreachable: no answer, or one that is not E2B's.
# failed: a command that the runner itself gave exited with another code than 0. here: this machine's own disk.
FAILURE_CLASSES: Final[dict[Kind, FailureClass]] = {
    "gone": "transient",
    "busy": "transient",
    "unreachable": "transient",
    "unauthorized": "permanent",
    "refused": "permanent",
    "missing": "permanent",
    "full": "too_small",
    "failed": "transient",
    "here": "permanent",
}

# No connection fails with these.
_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

MAX_MESSAGE_LENGTH: Final = 300
INVALID_KEY: Final = "E2B refuses the key: set E2B_API_KEY to a key of e2b.dev/dashboard"


class ResponseTooLong(Exception):
    """A reply of the service, or of a sandbox, is longer than any should be: asking again would bring as much."""


@dataclass(frozen=True)
class ServiceError:
    """What went wrong, in the service's own words; `status` is HTTP's, where one is known."""

    kind: Kind
    message: str
    status: int | None = None

    @property
    def is_transient(self) -> bool:
        """Whether the same call may do better later."""
        return self.kind in ("busy", "unreachable")

    def sandbox_error(self, doing: str) -> SandboxError:
        """Return the sandbox's error for it."""
        said = INVALID_KEY if self.kind == "unauthorized" else self.message
        message = f"{doing}: {said}"
        return FileMissing(message) if self.kind == "missing" else SandboxError(message, FAILURE_CLASSES[self.kind])


def user_error(error: Exception, doing: str = "") -> CratematrixError:
    """Return the user's error for one of the SDK, or for a SandboxError that was made of one."""
    known = error if isinstance(error, SandboxError) else service_error(error).sandbox_error(doing)
    if known.failure_class == "transient":
        return Unavailable(str(known), fix="try again later")
    return InputError(str(known))


def service_error(error: BaseException) -> ServiceError:
    """Say what an exception of a call of the SDK means; one that nobody knows is a failed contact."""
    if too_long := _too_long(error):
        return ServiceError("refused", str(too_long))
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return ServiceError("here", f"this machine says: {error.strerror}")
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    by_type: Kind = next((kind for types, kind in exception_kinds() if isinstance(error, types)), "unreachable")
    by_status = _by_status(status) if status is not None else None
    return ServiceError(by_status or by_type, _words(error), status)


def _too_long(error: BaseException | None) -> ResponseTooLong | None:
    """Look for it below what the layers of the SDK have made of it."""
    while error is not None and not isinstance(error, ResponseTooLong):
        error = error.__cause__ or error.__context__
    return error


def _by_status(status: int) -> Kind | None:
    """Return the kind of an HTTP status that the SDK handed on; None for one it should not have called an error."""
    if status in (429, 503):
        return "busy"
    if status in (408, 409, 425) or status >= 500:
        return "unreachable"
    if status in (401, 403):
        return "unauthorized"
    return "refused" if status >= 400 else None


@cache
def exception_kinds() -> tuple[tuple[tuple[type[BaseException], ...], Kind], ...]:
    """Return every type that calls of the SDK raise, the more special ones first."""
    import httpx
    import pyqwest
    from connectrpc.errors import ConnectError
    from e2b import exceptions as sdk
    from e2b.sandbox.commands.command_handle import CommandExitException

    return (
        ((CommandExitException,), "failed"),
        ((sdk.NotEnoughSpaceException,), "full"),
        ((sdk.SandboxNotRunningException, sdk.SandboxNotFoundException), "gone"),
        ((sdk.FileNotFoundException,), "missing"),
        ((sdk.RateLimitException, sdk.ServiceBusyException), "busy"),
        ((sdk.AuthenticationException,), "unauthorized"),
        ((sdk.InvalidArgumentException, sdk.TemplateException, sdk.NotFoundException), "refused"),
        ((sdk.BuildException, sdk.VolumeException, sdk.SecretException), "refused"),
        ((sdk.SandboxException,), "unreachable"),
        # A proxy's page where E2B's JSON was expected is a ValueError, a KeyError or worse inside the SDK.
        ((ConnectError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL), "unreachable"),
        ((pyqwest.ReadError, pyqwest.WriteError, pyqwest.StreamError), "unreachable"),
        ((pyqwest.RemoteProtocolError, pyqwest.TooManyRedirects), "unreachable"),
        ((OSError, ValueError, LookupError, TypeError, AttributeError), "unreachable"),
    )


def _words(error: BaseException) -> str:
    """Return the first line of what was said; a whole page of a proxy is not an answer."""
    said = str(error).strip().split("\n", 1)[0].strip()
    if not said or said.startswith("<"):
        return type(error).__name__
    return said if len(said) <= MAX_MESSAGE_LENGTH else f"{said[: MAX_MESSAGE_LENGTH - 1]}…"
