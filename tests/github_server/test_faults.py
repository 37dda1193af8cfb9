"""What goes wrong on demand, and what it leaves behind."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import requests
from github import GithubException
from github.Repository import Repository

from tests.github_server import (
    Cut,
    Fault,
    Faults,
    GitHubServer,
    LoseReply,
    Rules,
    Say,
    Stall,
    Starter,
    Truncate,
    error,
    html,
    primary,
    secondary,
)
from tests.github_server.conftest import connect, open_draft, upload
from tests.github_server.starting import StartServer
from tests.support import LIMIT, wait_until

UPLOAD = "POST /uploads/repos/octo-org/fleet/releases/*/assets"


@pytest.mark.parametrize(
    ("fault", "status", "states"),
    [
        (html(502), 502, []),
        (error(500, "Error creating asset temp dir"), 500, []),
        (Say(502, "", perform=True), 502, ["uploaded"]),
        (Starter(), 502, ["starter"]),
        (LoseReply(), None, ["uploaded"]),
        (secondary(7), 403, []),
        (secondary(None, 429), 429, []),
        (primary(30), 403, []),
    ],
)
def test_an_upload_that_goes_wrong(
    server: GitHubServer, repository: Repository, fault: Fault, status: int | None, states: list[str]
) -> None:
    release = open_draft(repository)
    server.inject(UPLOAD, fault)
    with pytest.raises((GithubException, requests.ConnectionError)) as caught:
        upload(release, "a.tgz")
    assert getattr(caught.value, "status", None) == status
    assert [asset.state for asset in release.get_assets()] == states
    if not states:
        assert upload(release, "a.tgz").state == "uploaded"
    seen = next(each for each in server.calls() if each.path.startswith("/uploads/"))
    assert (seen.fault, seen.content_creating) == (repr(fault), True)


def test_limits_say_when_to_come_back_or_do_not(server: GitHubServer) -> None:
    heads = []
    for fault in (secondary(7), secondary(None), primary(30)):
        asked = time.time()
        server.inject("GET /repos/*", fault)
        heads.append(requests.get(f"{server.url}/repos/octo-org/fleet", timeout=LIMIT).headers)
    assert [head.get("retry-after") for head in heads] == ["7", None, None]
    assert asked + 29 <= int(heads[2]["x-ratelimit-reset"]) <= time.time() + 31


def test_a_stalled_upload_is_done_all_the_same(server: GitHubServer, repository: Repository) -> None:
    release = open_draft(repository)
    server.inject(UPLOAD, Stall(3_600))
    address = f"{release.upload_url.partition('{')[0]}?name=a"
    headers = {"Authorization": f"token {server.environment['GITHUB_TOKEN']}"}
    with pytest.raises(requests.ReadTimeout):
        requests.post(address, data=b"x", headers=headers, timeout=0.3)
    wait_until(lambda: [asset.state for asset in release.get_assets()] == ["uploaded"], "the upload")


def test_downloads_end_early_with_or_without_a_sign(server: GitHubServer, repository: Repository) -> None:
    release = repository.create_git_release("v1", "v1", "text")
    asset = upload(release, "a", b"0123456789" * 100)
    server.inject("GET /storage/*", Truncate(0.5))
    assert len(requests.get(asset.browser_download_url, timeout=LIMIT).content) == 500
    server.inject("GET /storage/*", Cut(300))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(asset.browser_download_url, timeout=LIMIT)
    assert len(requests.get(asset.browser_download_url, timeout=LIMIT).content) == 1_000


def test_a_seed_chooses_the_same_faults_again(start_server: StartServer) -> None:
    runs = []
    for _ in range(2):
        server = start_server(Rules(limits=False))
        with connect(server) as github:
            release = open_draft(github.get_repo("octo-org/fleet"))
            server.faults = Faults(seed=5, server_error=0.2, stored_error=0.2, starter=0.2, lost=0.2, limited=0.1)
            ends: list[str] = []
            for number in range(40):
                try:
                    ends.append(upload(release, f"{number}").state)
                except (GithubException, requests.ConnectionError) as error:
                    ends.append(str(getattr(error, "status", "lost")))
        runs.append(ends)
    assert runs[0] == runs[1]
    assert {"uploaded", "502", "429", "lost"} <= Counter(runs[0]).keys()
