"""Retry, backoff, rate limit, and the user's errors."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import InputError, Unavailable, Unreachable
from generator.github_api.errors import GitHubError, error_from_response, retry_after_seconds, user_error
from generator.github_api.retry import (
    FIRST_ATTEMPTS,
    MAX_ATTEMPTS,
    MAX_DELAY,
    RateLimit,
    Retry,
    retry_delay,
    upload_interval,
)

SECONDARY = GitHubError("403: You have exceeded a secondary rate limit", 403)


@pytest.mark.parametrize(
    ("error", "delays"),
    [
        (GitHubError("lost"), [2, 4, 8, 16, 32, None]),
        (GitHubError("502", 502), [2, 4, 8, 16, 32, None]),
        (GitHubError("503", 503, retry_after=7), [7, 7, 7, 7, 7, None]),
        (SECONDARY, [60, 120, 240, 480, 960, None]),
        (GitHubError("429", 429), [60, 120, 240, 480, 960, None]),
        (GitHubError("403", 403, retry_after=30), [30, 30, 30, 30, 30, None]),
        (GitHubError("403", 403, retry_after=MAX_DELAY + 1), [None]),
        (GitHubError("403: Resource not accessible by integration", 403), [None]),
        (GitHubError("401", 401), [None]),
        (GitHubError("404", 404), [None]),
        (GitHubError("422", 422, ("already_exists",)), [None]),
    ],
)
def test_only_transient_errors_are_retried(error: GitHubError, delays: list[float | None]) -> None:
    assert [retry_delay(error, attempts) for attempts in range(1, len(delays) + 1)] == delays


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, 1),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1060"}, None),
        ({"retry-after": "3", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, 3),
    ],
)
def test_the_delay_is_the_one_that_github_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, 1_000) == seconds


@given(shards=st.integers(1, 256), packages=st.integers(1, 40))
def test_shards_that_upload_together_stay_below_githubs_limits(shards: int, packages: int) -> None:
    between = upload_interval(shards, packages, 80)
    a_minute, an_hour = shards * 60 / between, shards * min(packages, 3600 / between)
    assert a_minute <= 80 + 1e-9
    assert an_hour <= 500 + 1e-9


def test_each_delay_is_noted_and_never_shorter_than_requested() -> None:
    notes: list[str] = []
    waited: list[float] = []
    Retry(notes.append, waited.append).wait(10, "uploading one: 503")
    assert 10 <= waited[0] <= 15
    assert notes == [f"uploading one: 503; trying again in {waited[0]:.0f} s"]


def test_repeated_failures_end_with_an_error_for_the_user() -> None:
    waited: list[float] = []

    def call() -> None:
        raise GitHubError("502: no message from GitHub", 502)

    with pytest.raises(Unavailable, match="listing: 502") as caught:
        Retry(lambda _: None, waited.append).call(call, "listing")
    assert len(waited) == MAX_ATTEMPTS - 1
    assert caught.value.fix is not None


@pytest.mark.parametrize(("first", "attempts"), [("refused", FIRST_ATTEMPTS), ("answered", 1 + MAX_ATTEMPTS)])
def test_a_server_that_was_never_reached_is_not_waited_for(first: str, attempts: int) -> None:
    """Once it has answered, it may come back."""
    waited, calls = list[float](), list[str]()
    retry = Retry(lambda _: None, waited.append)

    def call() -> None:
        calls.append("")
        if first == "answered" and len(calls) == 1:
            return
        raise GitHubError("api.example:443 cannot be reached: Connection refused", is_unreachable=True)

    if first == "answered":
        retry.call(call, "listing")
    with pytest.raises(Unreachable, match=r"listing: api\.example:443 cannot be reached"):
        retry.call(call, "listing")
    assert len(calls) == attempts


def test_uploads_of_one_process_are_spread() -> None:
    now, starts = 100.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    rate_limit = RateLimit(7, sleep, lambda: now)
    for _ in range(5):
        rate_limit.wait()
        starts.append(now)
        now += 1.5
    assert 100 <= starts[0] <= 107
    assert all(7 - 1e-9 <= later - earlier <= 7.7 + 1e-9 for earlier, later in pairwise(starts))


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (None, Unavailable, "later"),
        (502, Unavailable, "later"),
        (401, InputError, "GITHUB_TOKEN"),
        (403, InputError, "contents: write"),
        (404, InputError, "contents: write"),
    ],
)
def test_errors_have_a_fix(status: int | None, kind: type[Exception], words: str) -> None:
    advice = user_error(GitHubError("words", status), "publishing v1")
    assert type(advice) is kind
    assert "publishing v1" in advice.message
    assert words in (advice.fix or "")


def test_an_error_has_githubs_message_and_codes_and_a_proxys_page_has_none() -> None:
    errors = [{"field": "name", "code": "already_exists"}, {"code": "custom", "message": "x"}]
    data = {"message": "Validation Failed", "errors": errors}
    refused = error_from_response(422, {"Retry-After": "4"}, data)
    assert (str(refused), refused.codes, refused.retry_after) == (
        "422: Validation Failed; name is already_exists; x",
        ("already_exists", "custom"),
        4.0,
    )
    assert str(error_from_response(502, {}, "<html>")) == "502: no message from GitHub"


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_response_body_becomes_an_error(data: object) -> None:
    assert error_from_response(500, {}, {"message": data, "errors": data}).status == 500
