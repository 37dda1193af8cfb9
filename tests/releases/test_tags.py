"""Tags of releases: names, the manifest's pattern, nightly tags, prereleases and the latest release."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generator.errors import InputError
from generator.manifest.fleet_models import Fleet
from generator.manifest.reading import load_manifest
from generator.releases.tags import becomes_latest, checked_tag, is_prerelease, matches_pattern, release_tag
from tests.support import TOP


@pytest.mark.parametrize(
    "tag", ["v1.0.0", "v1.0.0-rc.1", "fleet/v1", "2026-11-25", "foo@1.2.3", "@scope/foo@1.2.3", "é"]
)
def test_ordinary_tags_are_valid(tag: str) -> None:
    assert checked_tag(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "-v1", "v1..2", "a b", "v1/", "v1.lock", "../x", "v1\n", "${{ x }}", "v" * 251, "v1\u200b", "v\u202e1"]
)
def test_invalid_tags_are_refused(tag: str) -> None:
    with pytest.raises(InputError, match="cannot be a tag"):
        checked_tag(tag)


@settings(max_examples=150, deadline=None)
@given(st.text("av1.-/@{}~^:?*[]\\ \t\x7f#$&;'\"`<>|%!+=,é", min_size=1, max_size=8))
@example("a.lock/b")
@example(".lock")
@example("a/.b")
@example("@")
def test_a_tag_is_what_git_takes(tag: str) -> None:
    ran = subprocess.run(["git", "check-ref-format", f"refs/tags/{tag}"], check=False, timeout=60)  # noqa: TID251
    accepted = ran.returncode == 0 and not tag.startswith("-")
    try:
        assert checked_tag(tag) == tag
    except InputError:
        assert not accepted
    else:
        assert accepted


@pytest.mark.parametrize(
    ("pattern", "tag", "matches"),
    [
        ("v*", "v1.0.0", True),
        ("v*", "v", True),
        ("v*", "fleet-v1", False),
        ("v*", "v1/2", False),
        ("fleet-v*", "fleet-v1.0.0", True),
        ("fleet-v*", "v1", False),
        ("fleet/v*", "fleet/v1", True),
        ("*", "v1", True),
        ("*-v*.0", "fleet-v1.0", True),
        ("v1.0", "v1.0", True),
        ("v1.0", "v100", False),
        ("foo@*", "foo@1.2.3", True),
        ("@scope/*@*", "@scope/foo@1.2.3", True),
        ("*@*", "@scope/foo@1.2.3", False),
        ("**@*", "@scope/foo@1.2.3", True),
        ("**", "a/b", True),
    ],
)
def test_a_star_stands_for_anything_but_a_slash_as_in_github_s_filter(pattern: str, tag: str, matches: bool) -> None:
    assert matches_pattern(tag, pattern) is matches


def test_a_release_needs_a_tag_of_the_manifest_s_pattern() -> None:
    fleet = Fleet(npm_scope="@demo", release_tags="fleet-v*")
    assert release_tag("fleet-v1.0.0", fleet) == "fleet-v1.0.0"
    for tag in ("v1", "nightly-7"):
        with pytest.raises(InputError, match=rf"^{tag} does not match fleet.release_tags, fleet-v\*$"):
            release_tag(tag, fleet)
    with pytest.raises(InputError, match="cannot be a tag"):
        release_tag("fleet-v1 ", fleet)


def test_a_fleet_with_a_schedule_also_releases_under_nightly_tags() -> None:
    fleet = Fleet(npm_scope="@demo", schedule="0 3 * * *")
    assert release_tag("nightly-4711", fleet) == "nightly-4711"
    for tag in ("nightly-x", "nightly"):
        with pytest.raises(InputError, match="does not match"):
            release_tag(tag, fleet)


def test_this_repository_releases_its_fleet_beside_the_tags_of_its_action() -> None:
    assert not matches_pattern("v1", load_manifest(TOP / "crates.json").fleet.release_tags)


@pytest.mark.parametrize(
    ("tag", "is_one"),
    [
        ("v1.0.0", False),
        ("v1.0.0-rc.1", True),
        ("nightly-4711", True),
        ("1.0.0-alpha", True),
        ("fleet-v2.0.0", False),
        ("fleet-v2.0.0-beta.2", True),
        ("v1.0.0+build-7", False),
        ("2026-11-25", False),
        ("v1.2", False),
        ("v2-beta.1", True),
        ("v1-rc1", True),
        ("v1.0.0-0", True),
        ("v1.0.0-rc-1", True),
        ("v1.0.0-compat-2.0.0", True),
        ("foo@1.2.3", False),
        ("foo@1.2.3-rc.1", True),
        ("@scope/foo@1.2.3", False),
        ("@scope/foo@2.0.0-next.0+7", True),
        ("fleet/v1-rc1", True),
        ("app-v2-beta.1", True),
        ("my-app-1.0.0-rc.1", True),
        ("libx-2.0-compat-v1.0.0", False),
        ("beta-tools@1.0.0", False),
        ("next-1.0.0", False),
        ("nightly", True),
        ("foo@nightly", True),
        ("nightly-2026-11-25", True),
        ("release-2026-11-25", False),
    ],
)
def test_a_prerelease_is_known_by_the_version_in_its_tag(tag: str, is_one: bool) -> None:
    assert is_prerelease(tag, Fleet(npm_scope="@demo")) is is_one


def test_the_manifest_s_pattern_of_prereleases_replaces_that_rule() -> None:
    fleet = Fleet(npm_scope="@demo", prerelease_tags="v0.*")
    tags = ("v0.9.0", "v1.0.0-rc.1", "v1.0.0", "nightly-7")
    assert [is_prerelease(tag, fleet) for tag in tags] == [True, False, False, True]


@pytest.mark.parametrize(
    ("tag", "latest", "becomes"),
    [
        ("v1.9.1", "v2.0.0", False),
        ("v1.9.1", "2.0.0", False),
        ("v2.0.1", "v2.0.0", True),
        ("v2.0.0", "v2.0.0", True),
        ("v10.0.0", "v9.9.9", True),
        ("v2", "v1.9.9", True),
        ("v1", "v1.0.1", False),
        ("v2.0.0", "v2.0.0-rc.1", True),
        ("v2.0.0-rc.9", "v2.0.0-rc.10", False),
        ("v2.0.0-rc.1", "v2.0.0-1", True),
        ("foo@1.0.0", "bar@2.0.0", True),
        ("@scope/foo@1.0.0", "@scope/foo@1.0.1", False),
        ("2026-11-25", "v2.0.0", True),
        ("v1.0.0", None, True),
    ],
)
def test_a_release_becomes_the_latest_unless_the_latest_has_a_higher_version_of_its_name(
    tag: str, latest: str | None, becomes: bool
) -> None:
    assert becomes_latest(tag, latest) is becomes
