"""Files to and from GitHub, each within a time that depends on its size alone.

PyGithub's uploads wait for a reply without end, and its downloads want a token, so neither is used.
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
from generator.github_api.errors import AGENT, GitHubError, refusal, told

PIECE_BYTES: Final = 256 * 1024
MAX_REPLY: Final = 1024 * 1024


@dataclass(frozen=True)
class Timing:
    """Seconds: a transfer ends after `idle` without a sign of life, and after `least` and what its bytes take.

    The slowest link that is waited for moves `bytes_a_second`: the largest asset, 2 GiB, has two hours and a half.
    """

    idle: int = 60
    least: float = 120.0
    bytes_a_second: float = 256 * 1024

    def ends(self, size: int) -> float:
        """Return the moment, of the monotonic clock, until which a transfer of so many bytes may last."""
        return time.monotonic() + self.least + size / self.bytes_a_second


class Transfers:
    """Sends and gets files; raises GitHubError."""

    def __init__(self, connection: Connection, timing: Timing) -> None:
        self._token = connection.token
        self._timing = timing
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GitHubAdapter(connection.api_url))
        self._session.headers["User-Agent"] = AGENT

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def send(self, url: str, path: Path, name: str) -> Any:
        """Upload a file, and return the JSON that comes back."""
        with open_output(path.parent) as results, results.open(path.name) as file, told():
            size = os.fstat(file.fileno()).st_size
            ends = self._timing.ends(size)
            with self._session.post(
                url,
                params={"name": name},
                data=_Body(file, size, ends),
                headers={"Content-Type": "application/octet-stream", "Accept": "application/vnd.github+json"},
                auth=self._signed,
                timeout=self._timing.idle,
                allow_redirects=False,
                stream=True,
            ) as reply:
                return _answer(reply, ends)

    def get(self, url: str, size: int, signed_url: str) -> Iterator[bytes]:
        """Yield a file as anybody gets it; from the other URL, with the token, where nobody gets it without."""
        with told():
            ends = self._timing.ends(size)
            reply = self._session.get(url, auth=_unsigned, timeout=self._timing.idle, stream=True)
            if reply.status_code in (401, 403, 404) and self._token:
                reply.close()
                # requests leaves the token out where this redirects to another host.
                headers = {"Accept": "application/octet-stream"}
                reply = self._session.get(
                    signed_url, headers=headers, auth=self._signed, timeout=self._timing.idle, stream=True
                )
            with reply:
                if reply.status_code != 200:
                    raise refusal(reply.status_code, reply.headers, None)
                yield from _timely(reply, ends)

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking for a password in the user's .netrc."""
    return request


class _Body:
    """A file that is read as long as there is time; its length lets requests send it in one piece."""

    def __init__(self, file: BinaryIO, size: int, ends: float) -> None:
        self._file = file
        self._size = size
        self._ends = ends

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(PIECE_BYTES):
            yield piece

    def read(self, amount: int = -1) -> bytes:
        _check_time(self._ends)
        return self._file.read(amount)


def _check_time(ends: float) -> None:
    if time.monotonic() > ends:
        raise TimeoutError("the transfer takes too long")


def _timely(reply: requests.Response, ends: float) -> Iterator[bytes]:
    for piece in reply.iter_content(PIECE_BYTES):
        _check_time(ends)
        yield piece


def _answer(reply: requests.Response, ends: float) -> Any:
    """Return the JSON of a reply; GitHubError when it is a refusal, or no answer of GitHub's."""
    text = b""
    for piece in _timely(reply, ends):
        text += piece
        if len(text) > MAX_REPLY:
            raise GitHubError("GitHub's reply to an upload has no end")
    data = None
    with contextlib.suppress(ValueError):
        data = json.loads(text)
    if reply.status_code != 201:
        raise refusal(reply.status_code, reply.headers, data)
    return data
