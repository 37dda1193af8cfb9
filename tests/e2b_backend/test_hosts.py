"""Which hosts are allowed while dependencies are fetched, and which one a failed fetch wanted."""

from __future__ import annotations

import json

import pytest

from generator.e2b_backend.hosts import MAX_HOSTS, allowed_hosts, hosts_of, refused

CARGO = json.dumps({"dl": "https://crates.example.com/api/{crate}/dl", "api": "https://api.example.com"})
NPM = json.dumps({"registry": "https://npm.example.com/", "@a:registry": "https://a.example.com:8443/x", "prefix": "/"})


def test_the_hosts_of_the_tools_own_configuration() -> None:
    said = f"index index.example.com\ncargo {CARGO}\nnpm {NPM}\n"
    assert hosts_of(said) == (
        "a.example.com", "api.example.com", "crates.example.com", "index.example.com", "npm.example.com"
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    ["", "npm", "npm {", "npm []", 'npm {"registry": 5}', 'npm {"registry": "https://[x"}', "index -x-", "index a b",
     "cargo " + "[" * 100_000, "other https://example.com", 'npm {"registry": "https://a/../b c"}'],
)  # fmt: skip
def test_what_is_no_host_is_passed_over(said: str) -> None:
    assert hosts_of(said) in ((), ("a",))


def test_hosts_are_bounded() -> None:
    assert len(hosts_of("\n".join(f"index h{number}.example.com" for number in range(500)))) == MAX_HOSTS


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
    assert refused(["earlier", line], ("allowed.example.org", "*.wild.example.org")) == host
