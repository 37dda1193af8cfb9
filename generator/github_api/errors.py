"""What GitHub answers when it does not do what it is asked: its words, and what the user can do about them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator import __version__
from generator.errors import CratematrixError, InputError, Unavailable

# Who asks: GitHub refuses whoever does not say.
AGENT: Final = f"cratematrix/{__version__}"
# What requests, whose errors are OSErrors, and PyGithub raise when a reply is a proxy's, is cut, or leads elsewhere.
_ODD: Final = (RuntimeError, AssertionError, ValueError, TypeError, LookupError, AttributeError, OSError)


class GitHubError(Exception):
    """GitHub did not do what it was asked to.

    `status` is HTTP's, None when no usable reply came. `codes` are those of the single errors in a 422. `wait` is the
    seconds after which GitHub wants to be asked again, where it names them.
    """

    def __init__(
        self, message: str, status: int | None = None, codes: tuple[str, ...] = (), wait: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.codes = codes
        self.wait = wait

    @property
    def limited(self) -> bool:
        """Whether it was too much at once; a 403 is also what a token without the right gets."""
        said = self.wait is not None or "rate limit" in str(self).lower()
        return self.status == 429 or (self.status == 403 and said)

    @property
    def is_transient(self) -> bool:
        """Whether the same call may do better later."""
        return self.status is None or self.status >= 500 or self.status == 408 or self.limited


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that the headers of a refusal, in lower case, ask for; `now` is in seconds since 1970."""
    retry_after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if retry_after.isdecimal():
        return float(retry_after)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - now)
    return None


def refusal(status: int, headers: Mapping[str, Any], data: Any) -> GitHubError:
    """Return GitHub's words, the codes of its errors and the wait it asks for; a page of a proxy's has none."""
    said = data if isinstance(data, dict) else {}
    listed = said.get("errors")
    errors = [each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)]
    words = [str(said["message"])] if said.get("message") else []
    words += [str(each.get("message") or f"{each.get('field')} is {each.get('code')}") for each in errors]
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    return GitHubError(
        f"{status}: {'; '.join(words) or 'no words of GitHub'}"[:500],
        status,
        tuple(str(each.get("code")) for each in errors),
        asked_wait(lower, time.time()),
    )


def user_error(error: GitHubError, doing: str) -> CratematrixError:
    """Return the user's error for one of GitHub's."""
    if error.is_transient:
        return Unavailable(f"{doing}: {error}", fix="run the same command again later: it goes on where it was")
    if error.status == 401:
        return InputError(f"{doing}: GitHub refuses the token", fix="set GITHUB_TOKEN to one that is valid")
    if error.status in (403, 404):
        return InputError(
            f"{doing}: GitHub has no such thing for this token: {error}",
            fix="check GITHUB_REPOSITORY and the number or tag, and give the job `permissions: contents: write`",
        )
    return InputError(f"{doing}: GitHub refuses: {error}")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what goes wrong on the way into a GitHubError, without addresses and objects that nobody wants to read."""
    try:
        yield
    except _ODD as error:
        raise GitHubError(f"no usable answer from GitHub ({_cause(error)})") from None


def _cause(error: BaseException) -> str:
    """Name the error at the bottom of requests' and urllib3's nested ones."""
    nested = (*error.args, getattr(error, "reason", None), error.__cause__)
    for inner in nested:
        if isinstance(inner, BaseException):
            return _cause(inner)
    return str(error) if isinstance(error, TimeoutError) and error.args else type(error).__name__
