"""Upload URLs of a server, checked before the token is sent there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.github_api.connection import Connection
from generator.releases.github import GitHubReleases
from generator.releases.protocol import Release


@pytest.mark.parametrize(
    "url",
    [
        "http://uploads.github.com/r/1/assets",
        "https://uploads.example.com/r/1/assets",
        "https://uploads.github.com@example.com/",
        "https://uploads.github.com:8443/",
        "nothing",
        "",
    ],
)
@pytest.mark.attack("a token is never sent in the clear")
def test_a_token_is_sent_to_no_other_host_and_not_in_the_clear(tmp_path: Path, url: str) -> None:
    package = tmp_path / "a.tgz"
    package.write_bytes(b"a")
    release = Release(
        id=1, tag="v1", commit="c", title="v1", body="", draft=True, immutable=False, upload_url=f"{url}{{?name,label}}"
    )
    releases = GitHubReleases(Connection("https://api.github.com", "octo-org/fleet", "ghs_secret"))
    with (
        closing(releases),
        pytest.raises(
            InputError, match=r"only https://api\.github\.com and https://uploads\.github\.com may receive it"
        ),
    ):
        releases.upload(release, package, "a.tgz")
