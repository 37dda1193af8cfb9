"""The HTTP adapter of every request to GitHub: token hosts are checked, and response sizes are bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from generator.errors import Unavailable
from generator.github_api.hosts import check_host

# Twice the size of GitHub's largest list: thirty releases with a thousand assets each.
MAX_RESPONSE_BYTES: Final = 128 * 1024 * 1024


class GitHubAdapter(HTTPAdapter):
    """Sends an API's token only to that API's hosts, and bounds response bodies.

    The caller bounds a streamed response, unless it is a redirect.
    """

    def __init__(self, api_url: str) -> None:
        super().__init__()
        self._api_url = api_url

    def send(self, request: PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Response:
        """Send a request; InputError for a request with a token to another host."""
        if "Authorization" in request.headers:
            check_host(str(request.url), self._api_url)
        response = super().send(request, stream, *args, **kwargs)
        if not stream or response.is_redirect:
            response.raw = _LimitedBody(response.raw)
        return response


class _LimitedBody:
    """A response body that raises Unavailable after MAX_RESPONSE_BYTES."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        """Yield the decoded body in chunks."""
        left = MAX_RESPONSE_BYTES
        for chunk in self._raw.stream(*args, **kwargs):
            left -= len(chunk)
            if left < 0:
                self._raw.close()
                raise Unavailable(
                    f"GitHub's response is longer than {MAX_RESPONSE_BYTES >> 20} MiB",
                    fix="check GITHUB_API_URL and the server at that address",
                )
            yield chunk
