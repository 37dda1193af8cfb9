"""GitHub's limits, on a clock that the tests turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from github import GithubException, GithubRetry, RateLimitExceededException

from tests.github_server import GitHubServer, Rules
from tests.github_server.conftest import connect, open_draft, upload
from tests.github_server.starting import StartServer
from tests.support import LIMIT, wait_until

RELEASES = "/repos/octo-org/fleet/releases"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def ask(server: GitHubServer, path: str = RELEASES, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"token {token or server.environment['GITHUB_TOKEN']}"}
    return requests.get(server.url + path, headers=headers, timeout=LIMIT)


def create(server: GitHubServer) -> requests.Response:
    headers = {"Authorization": f"token {server.environment['GITHUB_TOKEN']}"}
    body = {"tag_name": "v1", "draft": True}
    return requests.post(server.url + RELEASES, json=body, headers=headers, timeout=LIMIT)


def test_the_workflows_of_a_repository_share_so_many_requests_an_hour(start_server: StartServer) -> None:
    clock = Clock()
    server = start_server(Rules(hourly=20, clock=clock))
    other = server.add_token("octo-org/fleet", contents="read")
    for number in range(20):
        said = ask(server, token=other if number % 2 else None)
    limits = {name: value for name, value in said.headers.items() if name.startswith("x-ratelimit")}
    assert limits == {
        "x-ratelimit-limit": "20",
        "x-ratelimit-used": "20",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1800003600",
        "x-ratelimit-resource": "core",
    }
    refused = ask(server)
    assert (refused.status_code, refused.headers.get("retry-after")) == (403, None)
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert ask(server, "/rate_limit").json()["resources"]["core"]["remaining"] == 0
    person = server.add_token("octo-org/fleet", kind="person")
    assert ask(server, token=person).headers["x-ratelimit-remaining"] == "4999"
    clock.now += 3_600
    assert ask(server).headers["x-ratelimit-remaining"] == "19"


def test_asking_for_the_limit_is_free(server: GitHubServer) -> None:
    with connect(server) as github:
        for _ in range(3):
            assert github.get_rate_limit().resources.core.remaining == 1_000
    assert (server.calls(), len(server.requests)) == ([], 3)


def test_everybody_without_a_token_shares_sixty_an_hour(server: GitHubServer) -> None:
    said = requests.get(server.url + RELEASES, timeout=LIMIT)
    assert (said.status_code, said.headers["x-ratelimit-limit"]) == (200, "60")


def test_the_limits_are_those_that_github_documents() -> None:
    rules = Rules()
    assert (rules.hourly, rules.own_hourly, rules.anonymous_hourly) == (1_000, 5_000, 60)
    assert (rules.content_per_minute, rules.content_per_hour) == (80, 500)
    assert (rules.points_per_minute, rules.at_once, rules.assets) == (900, 100, 1_000)


def test_so_many_things_are_made_in_a_minute_and_in_an_hour(start_server: StartServer) -> None:
    clock = Clock()
    server = start_server(Rules(content_per_minute=8, content_per_hour=20, clock=clock))
    assert [create(server).status_code for _ in range(9)] == [201] * 8 + [403]
    clock.now += 20
    refused = create(server)
    assert (refused.headers["retry-after"], "content creation" in refused.json()["message"]) == ("40", True)
    assert ask(server).status_code == 200
    clock.now += 60
    assert [create(server).status_code for _ in range(6)] == [201] * 6
    clock.now += 60
    assert [create(server).status_code for _ in range(7)] == [201] * 6 + [403]
    clock.now += 60
    assert create(server).headers["retry-after"] == str(3_600 - 20 - 3 * 60)
    assert sum(seen.content_creating for seen in server.calls()) == 24


def test_reads_and_writes_have_points(start_server: StartServer) -> None:
    clock = Clock()
    server = start_server(Rules(clock=clock, points_per_minute=20))
    assert [create(server).status_code for _ in range(3)] + [ask(server).status_code for _ in range(6)] == [
        *[201] * 3,
        *[200] * 5,
        403,
    ]
    clock.now += 60
    assert create(server).status_code == 201


def test_no_more_than_so_many_are_answered_at_once(start_server: StartServer) -> None:
    server, goes_on = start_server(Rules(at_once=2)), threading.Event()
    with ThreadPoolExecutor(2) as pool, connect(server) as github:
        release = open_draft(github.get_repo("octo-org/fleet"))
        address = f"{release.upload_url.partition('{')[0]}?name="

        def slow(number: int) -> int:
            def content() -> object:
                yield b"1"
                assert goes_on.wait(LIMIT)
                yield b"2"

            headers = {"Authorization": f"token {server.environment['GITHUB_TOKEN']}", "Content-Length": "2"}
            session = requests.Session()
            request = session.prepare_request(requests.Request("POST", f"{address}{number}", headers=headers))
            request.body = content()  # type: ignore[assignment]
            return session.send(request, timeout=LIMIT).status_code

        uploads = [pool.submit(slow, number) for number in range(2)]
        wait_until(lambda: len(server.repository().releases[release.id].assets) == 2, "two uploads")
        assert ask(server).status_code == 403
        goes_on.set()
        assert [each.result() for each in uploads] == [201, 201]
        assert ask(server).status_code == 200


def test_a_client_waits_out_what_a_fast_clock_tells(start_server: StartServer) -> None:
    clock = Clock()  # it stands still until a request has been one too many
    server = start_server(Rules(content_per_minute=3, speed=60, clock=clock))

    def turn() -> None:
        wait_until(lambda: 403 in [seen.status for seen in server.calls()], "one request too many")
        clock.now += 1

    retry = GithubRetry(total=100, secondary_rate_wait=0)
    with ThreadPoolExecutor(1) as pool, connect(server, retry=retry) as github:
        turning = pool.submit(turn)
        release = open_draft(github.get_repo("octo-org/fleet"))
        names = [upload(release, name).name for name in "abc"]
        turning.result()
    assert names == ["a", "b", "c"]


def test_limits_can_be_counted_and_not_enforced(start_server: StartServer) -> None:
    server = start_server(Rules(content_per_minute=1, limits=False))
    assert [create(server).status_code for _ in range(3)] == [201] * 3
    assert ask(server).headers["x-ratelimit-used"] == "4"


def test_pygithub_knows_both_limits(start_server: StartServer) -> None:
    server = start_server(Rules(hourly=2, content_per_minute=1))
    with connect(server) as github:
        repository = github.get_repo("octo-org/fleet")
        open_draft(repository)
        with pytest.raises(RateLimitExceededException) as caught:
            open_draft(repository)
        assert "API rate limit exceeded" in str(caught.value)


def test_a_refusal_of_too_many_does_not_hide_a_bad_token(server: GitHubServer) -> None:
    with connect(server, "ghs_unknown") as github, pytest.raises(GithubException) as caught:
        github.get_repo("octo-org/fleet")
    assert (caught.value.status, caught.value.data["message"]) == (401, "Bad credentials")
