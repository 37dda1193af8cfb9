"""What every request to GitHub passes, whoever makes it: PyGithub, or what moves files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from generator.errors import Unavailable
from generator.github_api.hosts import check_host

# Thirty releases with a thousand assets each, as GitHub lists them, are half of it.
MAX_REPLY: Final = 128 * 1024 * 1024


class GitHubAdapter(HTTPAdapter):
    """Sends the token for an API to its own hosts alone, and reads no reply without end.

    Only a stream that leads nowhere else is left to its reader, who knows how long it may be.
    """

    def __init__(self, api_url: str) -> None:
        super().__init__()
        self._api_url = api_url

    def send(self, request: PreparedRequest, stream: bool = False, *given: Any, **named: Any) -> Response:
        """Send a request; InputError where the token would leave GitHub."""
        if "Authorization" in request.headers:
            check_host(str(request.url), self._api_url)
        reply = super().send(request, stream, *given, **named)
        if not stream or reply.is_redirect:
            reply.raw = _Bounded(reply.raw)
        return reply


class _Bounded:
    """A reply's body, which ends with an error where it is longer than any of GitHub's."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *given: Any, **named: Any) -> Iterator[bytes]:
        """Yield the body in pieces, decoded."""
        left = MAX_REPLY
        for piece in self._raw.stream(*given, **named):
            left -= len(piece)
            if left < 0:
                self._raw.close()
                raise Unavailable(
                    f"GitHub's reply is longer than {MAX_REPLY >> 20} MiB",
                    fix="check GITHUB_API_URL, and what answers there",
                )
            yield piece
