"""The connection that the environment describes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.connection import PUBLIC_API, commit_of, connection

ENVIRONMENT = {"GITHUB_TOKEN": "ghs_secret", "GITHUB_REPOSITORY": "octo-org/fleet"}


def test_without_an_address_it_is_githubs_own() -> None:
    found = connection(ENVIRONMENT)
    assert (found.api_url, found.repository, found.token) == (PUBLIC_API, "octo-org/fleet", "ghs_secret")


def test_everything_that_is_missing_or_wrong_is_told_at_once_and_no_token() -> None:
    wrong = {"GITHUB_TOKEN": "ghs_se\ncret", "GITHUB_REPOSITORY": "fleet", "GITHUB_API_URL": "http://user:pw@x"}
    with pytest.raises(InputError) as told:
        connection(wrong)
    said = " ".join(told.value.problems)
    assert len(told.value.problems) == 3
    assert all(name in said for name in wrong)
    assert "ghs_" not in said
    assert "pw" not in said
    with pytest.raises(InputError) as told:
        connection({})
    assert [problem.split()[0] for problem in told.value.problems] == ["GITHUB_TOKEN", "GITHUB_REPOSITORY"]


def test_a_token_is_not_shown_with_the_connection() -> None:
    assert "ghs_secret" not in repr(connection(ENVIRONMENT))


def test_what_the_world_sees_needs_no_token() -> None:
    assert connection({"GITHUB_REPOSITORY": "octo-org/fleet"}, anonymous=True).token is None


def test_the_commit_is_githubs_else_the_one_that_is_checked_out(tmp_path: Path) -> None:
    assert commit_of({"GITHUB_SHA": "a" * 40}, tmp_path) == "a" * 40
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)  # noqa: TID251
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)  # noqa: TID251
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: TID251
    assert commit_of({}, tmp_path) == head
    with pytest.raises(InputError, match="40 digits"):
        commit_of({"GITHUB_SHA": "main"}, tmp_path)
