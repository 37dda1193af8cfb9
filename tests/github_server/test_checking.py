"""That the check against GitHub's document finds what is wrong: a check that cannot fail checks nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from tests.github_server import GitHubServer
from tests.github_server.checking import DOCUMENT, Checker, Exchanged
from tests.github_server.conftest import connect, open_draft, upload
from tests.github_server.openapi_subset import OPERATIONS, references

JSON = {"content-type": "application/json; charset=utf-8"}
PLACES: Mapping[str, Any] = {"owner": "o", "repo": "r", "release_id": 7}
RELEASE = "/repos/{owner}/{repo}/releases/{release_id}"


@pytest.fixture
def release(server: GitHubServer) -> dict[str, Any]:
    """A release with an asset, as the server says it."""
    with connect(server) as github:
        draft = open_draft(github.get_repo("octo-org/fleet"))
        upload(draft, "a")
        draft.update()
        return dict(draft.raw_data)


def said(value: Any, status: int = 200) -> Exchanged:
    return Exchanged("GET", RELEASE, PLACES, [], {}, b"", status, JSON, json.dumps(value).encode())


def test_what_is_right_passes(release: dict[str, Any]) -> None:
    assert Checker().violations(said(release)) == []
    assert Checker().violations(said({"message": "Not Found"}, 404)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"id": "7"}, "id"),
        ({"draft": None}, "draft"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"author": {"login": "octocat"}}, "author"),
    ],
)
def test_a_field_that_is_wrong(release: dict[str, Any], change: dict[str, Any], found: str) -> None:
    (violation,) = Checker().violations(said({**release, **change}))
    assert found in violation


def test_a_field_that_is_missing(release: dict[str, Any]) -> None:
    del release["upload_url"]
    (violation,) = Checker().violations(said(release))
    assert "'upload_url' is a required property" in violation


def test_an_asset_that_is_wrong_below_a_thousand_that_are_known(release: dict[str, Any]) -> None:
    checker = Checker()
    assert checker.violations(said(release)) == []
    wrong = {**release["assets"][0], "state": "lost"}
    (violation,) = checker.violations(said({**release, "assets": [*release["assets"], wrong]}))
    assert "'lost' is not one of" in violation


def test_a_status_that_no_operation_has(release: dict[str, Any]) -> None:
    assert Checker().violations(said(release, 206)) != []
    assert Checker().violations(said([], 404)) != []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"name":"no tag"}', "tag_name"),
        (b'{"tag_name":"v1","draft":"yes"}', "draft"),
        (b'{"tag_name":"v1","make_latest":"maybe"}', "maybe"),
        (b"", "Missing"),
    ],
)
def test_a_request_that_is_wrong(body: bytes, found: str) -> None:
    template, places = "/repos/{owner}/{repo}/releases", {"owner": "o", "repo": "r"}
    refused = json.dumps({"message": "Validation Failed", "documentation_url": "https://example.com"}).encode()
    asked = Exchanged("POST", template, places, [], JSON, body, 422, JSON, refused)
    (violation,) = Checker().violations(asked)
    assert found in violation


def test_a_path_that_is_wrong() -> None:
    asked = Exchanged("GET", RELEASE, {**PLACES, "release_id": "v1"}, [], {}, b"", 404, JSON, b'{"message":"x"}')
    assert Checker().violations(asked) != []


def test_the_document_is_whole_and_small() -> None:
    document = json.loads(DOCUMENT.read_text())
    assert {path: tuple(methods) for path, methods in document["paths"].items()} == {
        path: tuple(sorted(methods)) for path, methods in OPERATIONS.items()
    }
    for reference in references(document):
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind]
    assert DOCUMENT.stat().st_size < 1_000_000


def test_a_token_in_an_address_is_found(server: GitHubServer) -> None:
    token = server.environment["GITHUB_TOKEN"]
    requests.get(f"{server.url}/repos/octo-org/fleet?access_token={token}", timeout=120)
    assert [each.endswith("a token in the address") for each in server.violations] == [True]
    server.violations.clear()


def test_a_path_that_github_does_not_have_is_found(server: GitHubServer) -> None:
    requests.get(f"{server.url}/repos/octo-org/fleet/release", timeout=120)
    requests.put(f"{server.url}/repos/octo-org/fleet", timeout=120)
    assert len(server.violations) == 2
    server.violations.clear()
