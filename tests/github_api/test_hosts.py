"""The hosts that may receive the token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.github_api.hosts import origin, token_origins


@pytest.mark.parametrize(
    ("api_url", "origins"),
    [
        ("https://api.github.com", ("https://api.github.com", "https://uploads.github.com")),
        ("https://api.octo.ghe.com", ("https://api.octo.ghe.com", "https://uploads.octo.ghe.com")),
        ("https://github.example.com/api/v3", ("https://github.example.com",)),
        ("https://api.example.com/api/v3", ("https://api.example.com",)),
        ("https://api.github.com.example.com", ("https://api.github.com.example.com",)),
        ("https://api.notghe.com", ("https://api.notghe.com",)),
        ("http://127.0.0.1:8080", ("http://127.0.0.1:8080",)),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("nothing", ()),
    ],
)
def test_the_token_goes_to_the_hosts_of_the_api(api_url: str, origins: tuple[str, ...]) -> None:
    assert token_origins(api_url) == origins


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://uploads.github.com:443/repos/o/r", "https://uploads.github.com"),
        ("https://UPLOADS.github.com/", "https://uploads.github.com"),
        ("https://uploads.github.com:8443/", "https://uploads.github.com:8443"),
        ("http://uploads.github.com/", "http://uploads.github.com"),
        ("https://uploads.github.com@evil.example/", "https://evil.example"),
        ("https://evil.example/?https://uploads.github.com", "https://evil.example"),
        ("https://uploads.github.com.evil.example/", "https://uploads.github.com.evil.example"),
        ("https://uploads.github.com:99999/", None),
        ("https:///x", None),
        ("//uploads.github.com/x", None),
        ("file:///etc/passwd", None),
        ("", None),
    ],
)
def test_the_origin_of_a_url_is_the_host_of_its_connection(url: str, found: str | None) -> None:
    assert origin(url) == found


@given(st.text())
def test_any_text_has_an_origin_or_none(text: str) -> None:
    assert origin(text) not in token_origins("https://api.github.com") or "github.com" in text.lower()
