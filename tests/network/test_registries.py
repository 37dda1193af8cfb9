"""Registries in the output of a sandbox's tools, which is not trusted."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from generator.network.endpoints import Endpoint, endpoint_of
from generator.network.registries import MAX_ENDPOINTS, MAX_QUERIES, Registries, RegistryCache, parse_registries

CARGO = json.dumps({"dl": "https://crates.example.com/api/{crate}/dl", "api": "https://api.example.com"})
NPM = json.dumps({"registry": "https://npm.example.com/", "@a:registry": "https://a.example.com:8443/x", "prefix": "/"})
METADATA = json.dumps(
    {"packages": [{"dependencies": [{"name": "ask", "source": "registry+https://git.example.com/x"}]}]}
)


def test_the_tools_own_configuration() -> None:
    said = f"index https://index.example.com/\ncargo {CARGO}\ncrates {METADATA}\nnpm {NPM}\nusual https://usual.example.com/\n"
    found = parse_registries(said, [Endpoint("more.example.com", 8080)])
    packages = {("npm.example.com", 443), ("a.example.com", 8443), ("usual.example.com", 443)}
    crates = {("index.example.com", 443), ("crates.example.com", 443), ("api.example.com", 443)}
    assert found.npm == packages
    assert found.endpoints == packages | crates | {("more.example.com", 8080)}
    assert found.cargo_sources == {"registry+https://git.example.com/x"}
    assert found.complete


@pytest.mark.parametrize(
    "said",
    ["", "npm", "npm {", "npm []", 'npm {"registry": 5}', 'npm {"registry": "https://[x"}', "index https://-x-/",
     "index a b", "cargo " + "[" * 100_000, "other https://example.com", 'npm {"registry": "https://a/../b c"}',
     "crates {}", 'crates {"packages": [5]}', 'crates {"packages": [{"dependencies": [{"source": 5}, 6]}]}',
     "usual undefined", "usual ftp://example.com/", "index https://a:99999999/"],
)  # fmt: skip
def test_what_is_no_host_is_passed_over(said: str) -> None:
    found = parse_registries(said)
    assert found.endpoints in (frozenset(), {("a", 443)})
    assert (found.cargo_sources, found.complete) == (frozenset(), False)


def test_they_are_bounded() -> None:
    said = "\n".join(f"index https://h{number}.example.com/" for number in range(500))
    assert len(parse_registries(said).endpoints) == MAX_ENDPOINTS


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://Example.COM./x", ("example.com", 443)),
        ("sparse+http://127.0.0.1:8080/index/", ("127.0.0.1", 8080)),
        ("git+https://user:word@git.example.com/a?rev=b#c", ("git.example.com", 443)),
        ("git+https://git.example.com/libc++?branch=a+b#c", ("git.example.com", 443)),
        ("git+http://evil.example.com/+https://git.example.com/", ("evil.example.com", 80)),
        ("http://[::1]:80/", ("::1", 80)),
        ("http://squid_proxy:3128", ("squid_proxy", 3128)),
        ("git+ssh://git@git.example.com/a", None),
        ("file:///etc", None),
        ("https://", None),
        ("https://a b/", None),
    ],
)
def test_where_a_url_points_to(url: str, where: tuple[str, int] | None) -> None:
    assert endpoint_of(url) == where


def test_the_tools_are_queried_once_and_again_while_the_answer_is_incomplete() -> None:
    answers = [Registries(), Registries(complete=True)]
    asked = threading.Semaphore(2)

    def ask() -> Registries:
        assert asked.acquire(blocking=False)
        return answers.pop(0)

    known = RegistryCache()
    assert not known.get(ask).complete
    with ThreadPoolExecutor(8) as threads:
        assert {each.complete for each in threads.map(lambda _: known.get(ask), range(8))} == {True}


def test_tools_without_a_complete_answer_are_not_queried_for_each_crate() -> None:
    asked: list[Registries] = []

    def ask() -> Registries:
        asked.append(Registries())
        return asked[-1]

    known = RegistryCache()
    assert {known.get(ask).complete for _ in range(110)} == {False}
    assert len(asked) == MAX_QUERIES
