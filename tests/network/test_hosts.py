"""Hosts that are allowed while dependencies are fetched, and the refused host of a failed fetch."""

from __future__ import annotations

import pytest

from generator.network.hosts import allowed_hosts, refused_host


def test_a_setting_and_what_auto_stands_for() -> None:
    auto = ("a.example.com", "b.example.com")
    assert allowed_hosts("open", auto) is None
    assert allowed_hosts("auto", auto) == auto
    assert allowed_hosts(("git.example.com", "auto", "a.example.com"), auto) == ("git.example.com", *auto)


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("  failed to download from `https://crates.example.com/x/dl`", "crates.example.com"),
        ("  [6] Could not resolve hostname (Could not resolve host: Index.Example.COM)", "index.example.com"),
        ("fatal: unable to access 'https://git.example.com/a/b/': Could not resolve host: git.example.com", "git.example.com"),
        ("npm error request to https://npm.example.com/x failed, reason: getaddrinfo ENOTFOUND npm.example.com", "npm.example.com"),
        ("npm error getaddrinfo EAI_AGAIN npm.example.com", "npm.example.com"),
        ("curl: (7) Failed to connect to mirror.example.com port 443", "mirror.example.com"),
        ("  failed to download from `https://allowed.example.org/x`", None),
        ("  failed to download from `https://sub.wild.example.org/x`", None),
        ("error: no matching package named `x` found", None),
        ("see https://[broken", None),
    ],
)  # fmt: skip
def test_the_host_that_a_failed_fetch_wanted(line: str, host: str | None) -> None:
    assert refused_host(["earlier", line], ("allowed.example.org", "*.wild.example.org")) == host
