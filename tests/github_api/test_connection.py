"""The connection that the environment describes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.connection import PUBLIC_API, commit_of, connection

ENVIRONMENT = {"GITHUB_TOKEN": "ghs_secret", "GITHUB_REPOSITORY": "octo-org/fleet"}


def test_the_default_is_the_public_api() -> None:
    found = connection(ENVIRONMENT)
    assert (found.api_url, found.repository, found.token) == (PUBLIC_API, "octo-org/fleet", "ghs_secret")


def test_all_missing_and_wrong_variables_are_named_at_once_without_the_token() -> None:
    wrong = {"GITHUB_TOKEN": "ghs_se\ncret", "GITHUB_REPOSITORY": "fleet", "GITHUB_API_URL": "http://user:pw@x"}
    with pytest.raises(InputError) as caught:
        connection(wrong)
    said = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert all(name in said for name in wrong)
    assert "ghs_" not in said
    assert "pw" not in said
    with pytest.raises(InputError) as caught:
        connection({})
    assert [problem.split()[0] for problem in caught.value.problems] == ["GITHUB_TOKEN", "GITHUB_REPOSITORY"]


def test_the_repr_of_a_connection_hides_the_token() -> None:
    assert "ghs_secret" not in repr(connection(ENVIRONMENT))


def test_an_anonymous_connection_needs_no_token() -> None:
    assert connection({"GITHUB_REPOSITORY": "octo-org/fleet"}, anonymous=True).token is None


def test_the_commit_is_github_sha_or_else_the_head_of_the_checkout(tmp_path: Path) -> None:
    assert commit_of({"GITHUB_SHA": "a" * 40}, tmp_path) == "a" * 40
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)  # noqa: TID251
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)  # noqa: TID251
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: TID251
    assert commit_of({}, tmp_path) == head
    with pytest.raises(InputError, match="40 digits"):
        commit_of({"GITHUB_SHA": "main"}, tmp_path)
