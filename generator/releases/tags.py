"""Tags of releases: valid names, the manifest's pattern, nightly tags and prereleases."""

from __future__ import annotations

import re
from typing import Final

from generator.errors import InputError
from generator.manifest.models import Fleet

# Characters that are safe in git's and in GitHub's URLs; GitHub itself refuses other names that git does not take.
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*")
_MAX_CHARACTERS: Final = 200
# The scheduled release workflow makes this tag from the number of its run.
_NIGHTLY: Final = re.compile(r"nightly-\d+")
# A version's prerelease part begins with the hyphen behind its numbers; build metadata follows a +.
_PRERELEASE: Final = re.compile(r"\d+\.\d+(\.\d+)*-[0-9A-Za-z]|^nightly-")


def checked_tag(tag: str) -> str:
    """Return the tag; InputError for a name that git or GitHub refuses."""
    if not _TAG.fullmatch(tag) or ".." in tag or tag.endswith((".", ".lock")) or len(tag) > _MAX_CHARACTERS:
        raise InputError(f"{tag!r} cannot be a tag: use letters, digits and ._+-/, as in v1.0.0")
    return tag


def release_tag(tag: str, fleet: Fleet) -> str:
    """Return the tag for a new release; InputError unless it matches `fleet.release_tags`.

    A fleet with a schedule also releases under nightly tags.
    """
    if is_release_tag(checked_tag(tag), fleet.release_tags) or (fleet.schedule and _NIGHTLY.fullmatch(tag)):
        return tag
    raise InputError(
        f"{tag} does not match fleet.release_tags, {fleet.release_tags}",
        fix="use a tag that matches, or change fleet.release_tags in the manifest and run: cratematrix generate",
    )


def is_release_tag(tag: str, pattern: str) -> bool:
    """Return True if GitHub's filter of tags takes a tag: * stands for any characters but /."""
    return re.fullmatch("[^/]*".join(map(re.escape, pattern.split("*"))), tag) is not None


def is_prerelease(tag: str) -> bool:
    """Return True if the tag is of a prerelease, as in v1.0.0-rc.1, or a nightly tag."""
    return _PRERELEASE.search(tag.partition("+")[0]) is not None
