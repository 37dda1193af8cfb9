"""Uploads and downloads of release assets, each with a deadline by its size.

PyGithub's uploads have no timeout for the response, and its downloads need a token, so neither is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import requests

from generator.files.output import open_output
from generator.github_api.adapter import GitHubAdapter
from generator.github_api.connection import Connection
from generator.github_api.errors import USER_AGENT, GitHubError, error_from_response, map_transport_errors

CHUNK_BYTES: Final = 256 * 1024
MAX_RESPONSE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class TransferTimeouts:
    """Timeouts of one transfer, in seconds: `idle` without any data, and `minimum` plus the time for its bytes in all.

    `bytes_per_second` is the slowest supported link: the largest asset, 2 GiB, gets two and a half hours.
    """

    idle: int = 60
    minimum: float = 120.0
    bytes_per_second: float = 256 * 1024

    def deadline(self, size: int) -> float:
        """Return the deadline, on the monotonic clock, of a transfer of `size` bytes."""
        return time.monotonic() + self.minimum + size / self.bytes_per_second


class Transfers:
    """Uploads and downloads files; raises GitHubError."""

    def __init__(self, connection: Connection, timeouts: TransferTimeouts) -> None:
        self._token = connection.token
        self._timeouts = timeouts
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GitHubAdapter(connection.api_url))
        self._session.headers["User-Agent"] = USER_AGENT

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def upload(self, url: str, path: Path, name: str) -> Any:
        """Upload a file and return the JSON of the response."""
        with open_output(path.parent) as results, results.open(path.name) as file, map_transport_errors():
            size = os.fstat(file.fileno()).st_size
            deadline = self._timeouts.deadline(size)
            with self._session.post(
                url,
                params={"name": name},
                data=_TimedBody(file, size, deadline),
                headers={"Content-Type": "application/octet-stream", "Accept": "application/vnd.github+json"},
                auth=self._with_token,
                timeout=self._timeouts.idle,
                allow_redirects=False,
                stream=True,
            ) as response:
                return _parse_response(response, deadline)

    def download(self, url: str, size: int, token_url: str) -> Iterator[bytes]:
        """Yield a file in chunks, anonymously; if that is refused, from `token_url` with the token."""
        with map_transport_errors():
            deadline = self._timeouts.deadline(size)
            response = self._session.get(url, auth=_without_credentials, timeout=self._timeouts.idle, stream=True)
            if response.status_code in (401, 403, 404) and self._token:
                response.close()
                # requests drops the token on a redirect to another host.
                headers = {"Accept": "application/octet-stream"}
                response = self._session.get(
                    token_url, headers=headers, auth=self._with_token, timeout=self._timeouts.idle, stream=True
                )
            with response:
                if response.status_code != 200:
                    raise error_from_response(response.status_code, response.headers, None)
                yield from _chunks(response, deadline)

    def _with_token(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from reading a password in the user's .netrc."""
    return request


class _TimedBody:
    """A file with a deadline for its reads; with a length requests sends it without chunked encoding."""

    def __init__(self, file: BinaryIO, size: int, deadline: float) -> None:
        self._file = file
        self._size = size
        self._deadline = deadline

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk

    def read(self, amount: int = -1) -> bytes:
        _check_deadline(self._deadline)
        return self._file.read(amount)


def _check_deadline(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("the transfer takes too long")


def _chunks(response: requests.Response, deadline: float) -> Iterator[bytes]:
    for chunk in response.iter_content(CHUNK_BYTES):
        _check_deadline(deadline)
        yield chunk


def _parse_response(response: requests.Response, deadline: float) -> Any:
    """Return the JSON of a response; GitHubError for any status but 201, and for an oversized body."""
    text = b""
    for chunk in _chunks(response, deadline):
        text += chunk
        if len(text) > MAX_RESPONSE_BYTES:
            raise GitHubError("GitHub's response to an upload is too long")
    data = None
    with contextlib.suppress(ValueError):
        data = json.loads(text)
    if response.status_code != 201:
        raise error_from_response(response.status_code, response.headers, data)
    return data
