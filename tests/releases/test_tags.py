"""Tags of releases: names, the manifest's pattern, nightly tags and prereleases."""

from __future__ import annotations

import pytest

from generator.errors import InputError
from generator.manifest.models import Fleet
from generator.manifest.reading import load_manifest
from generator.releases.tags import checked_tag, is_prerelease, is_release_tag, release_tag
from tests.support import TOP


@pytest.mark.parametrize("tag", ["v1.0.0", "v1.0.0-rc.1", "fleet/v1", "2026-11-25"])
def test_ordinary_tags_are_valid(tag: str) -> None:
    assert checked_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "-v1", "v1..2", "a b", "v1/", "v1.lock", "../x", "v1\n", "${{ x }}", "v" * 201])
def test_invalid_tags_are_refused(tag: str) -> None:
    with pytest.raises(InputError, match="cannot be a tag"):
        checked_tag(tag)


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
    ],
)
def test_a_star_stands_for_anything_but_a_slash_as_in_github_s_filter(pattern: str, tag: str, matches: bool) -> None:
    assert is_release_tag(tag, pattern) is matches


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
    assert not is_release_tag("v1", load_manifest(TOP / "crates.json").fleet.release_tags)


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
    ],
)
def test_a_prerelease_is_known_by_the_version_in_its_tag(tag: str, is_one: bool) -> None:
    assert is_prerelease(tag) is is_one
