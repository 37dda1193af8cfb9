"""Tags of releases: valid names, the manifest's pattern, nightly tags, prereleases and the latest release."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from generator.errors import InputError
from generator.manifest.fleet_models import Fleet

# The rule of `git check-ref-format refs/tags/TAG`, and of `git tag`, which takes no hyphen at the start.
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|(?:\.lock|^)(?:/|$)|[./]$|^-")
# Git keeps a tag as a file, whose name has at most 255 bytes.
_MAX_BYTES: Final = 250
# The scheduled release workflow makes this tag from the number of its run.
_NIGHTLY: Final = re.compile(r"nightly-\d+")

_BUILD: Final = r"(?:\+(?P<build>[0-9A-Za-z.-]+))?"
_FULL: Final = rf"(?P<numbers>\d+\.\d+\.\d+)(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?{_BUILD}"
# A pre-release part of fewer than three numbers begins with a letter, so that 2026-11-25 has none.
_SHORT: Final = rf"(?P<numbers>\d+(?:\.\d+)*)(?:-(?P<pre>[A-Za-z][0-9A-Za-z.-]*))?{_BUILD}"
# In the order in which they are tried. A name before a version, as in libx-2.0-compat-v1.0.0, ends at the last hyphen
# or underscore with a version behind it, or, as in foo@1.0.0 and foo/1.0.0, at the last @ or slash.
_VERSIONS: Final = tuple(
    re.compile(rf"(?P<name>(?:.*[@/])?{name}){mark}{version}", re.ASCII)
    for name, mark, version in (
        ("", "v?", _FULL),
        ("", "v?", _SHORT),
        (r"[^@/]*[-_]", "v", _FULL),
        (r"[^@/]*[-_]", "", _FULL),
        (r"[^@/]*[-_]", "v", _SHORT),
    )
)
# Without a version these words tell a prerelease.
_UNFINISHED: Final = re.compile(r"(?<![A-Za-z])(nightly|canary|snapshot|alpha|beta|rc|dev|next|preview)(?![A-Za-z])")


@dataclass(frozen=True)
class TagVersion:
    """The version in a tag: `name` is what stands before it, `prerelease` the part behind its numbers or None."""

    name: str
    numbers: tuple[int, ...]
    prerelease: str | None

    @property
    def precedence(self) -> tuple[object, ...]:
        """The sort key of semver: https://semver.org/#spec-item-11.

        Numbers count first. A version without a pre-release part is higher, and words are higher than numbers.
        """
        numbers = (*self.numbers, 0, 0)[: max(3, len(self.numbers))]
        parts = (self.prerelease or "").split(".") if self.prerelease else ()
        return numbers, self.prerelease is None, tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)


def checked_tag(tag: str) -> str:
    """Return the tag; InputError for a name that git refuses, or that people cannot read."""
    if not tag or _FORBIDDEN.search(tag) or len(tag.encode(errors="replace")) > _MAX_BYTES or not tag.isprintable():
        raise InputError(
            f"{tag!r} cannot be a tag: git refuses such a name, or a character of it is invisible",
            fix="use a name such as v1.0.0 or crate@1.0.0",
        )
    return tag


def release_tag(tag: str, fleet: Fleet) -> str:
    """Return the tag for a new release; InputError unless it matches `fleet.release_tags`.

    A fleet with a schedule also releases under nightly tags.
    """
    if matches_pattern(checked_tag(tag), fleet.release_tags) or (fleet.schedule and _NIGHTLY.fullmatch(tag)):
        return tag
    raise InputError(
        f"{tag} does not match fleet.release_tags, {fleet.release_tags}",
        fix="use a tag that matches, or change fleet.release_tags in the manifest and run: cratematrix generate",
    )


def matches_pattern(tag: str, pattern: str) -> bool:
    """Return True if GitHub's filter of tags takes a tag: * stands for any characters but /, ** for any at all."""
    stars = {"*": "[^/]*", "**": ".*"}
    expression = "".join(stars.get(part) or re.escape(part) for part in re.split(r"(\*{1,2})", pattern))
    return re.fullmatch(expression, tag, re.DOTALL) is not None


def is_prerelease(tag: str, fleet: Fleet) -> bool:
    """Return True for the tag of a prerelease: a nightly one, or else by the manifest's pattern, or by semver."""
    if _NIGHTLY.fullmatch(tag):
        return True
    if fleet.prerelease_tags:
        return matches_pattern(tag, fleet.prerelease_tags)
    version = tag_version(tag)
    return version.prerelease is not None if version else _UNFINISHED.search(tag.lower()) is not None


def becomes_latest(tag: str, latest: str | None) -> bool:
    """Return False if the latest release has a higher version of the same name, as after a fix of an old one."""
    new, old = tag_version(tag), tag_version(latest) if latest else None
    return not (new and old and new.name == old.name and new.precedence < old.precedence)


def tag_version(tag: str) -> TagVersion | None:
    """Return the version that a tag ends with, or None without one."""
    found = next((found for version in _VERSIONS if (found := version.fullmatch(tag))), None)
    return found and TagVersion(found["name"], tuple(map(int, found["numbers"].split("."))), found["pre"])
