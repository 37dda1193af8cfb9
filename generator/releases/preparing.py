"""One draft of a tag, whoever else prepares it at the same time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from generator.errors import InputError
from generator.github_api.errors import GitHubError
from generator.github_api.retry import Retry
from generator.releases.expected_assets import is_prerelease
from generator.releases.protocol import Release, Releases

# GitHub's list lags behind what was created: https://github.com/softprops/action-gh-release/issues/705
LOOKS: Final = 4
LAG: Final = 2.0


def prepare(releases: Releases, tag: str, commit: str, body: str, patience: Retry) -> Release:
    """Create or adopt the one draft of a tag whose target is this commit; InputError where there is something else.

    GitHub takes any number of drafts of one tag. After a create, the list is read again: of two that were created at
    the same time the older one stays, and the younger is deleted by the process that created it.
    """
    tagged = patience.call(lambda: releases.tagged(tag), f"looking for the tag {tag}")
    if tagged not in (None, commit):
        # GitHub would publish what the tag is on, whatever the draft says.
        raise InputError(
            f"the tag {tag} is on {tagged} already, not on {commit}", fix=f"check out {tag}, or release under a new tag"
        )
    for tries in itertools.count(1):
        if draft := adopted(_settled(releases, tag, patience), tag, commit):
            return draft
        try:
            made = releases.create(tag, commit, body, is_prerelease(tag))
        except GitHubError as error:
            if "target_commitish" in str(error):
                never_pushed = f"GitHub does not have the commit {commit}"
                raise InputError(never_pushed, fix="git push, and prepare again") from error
            # The reply may be lost and the draft there: it is looked for before another is created.
            patience.wait_or_raise(error, tries, f"creating a draft of {tag}")
            continue
        if not _older(releases, made, patience):
            return made
        patience.call(partial(releases.remove, made), f"removing a second draft of {tag}")
    raise AssertionError  # pragma: no cover  the count never ends


def adopted(found: Sequence[Release], tag: str, commit: str) -> Release | None:
    """Return the draft to go on with, None where there is no release of the tag; InputError for anything else."""
    for each in found:
        if each.closed:
            raise InputError(
                f"{tag} is {each.closed} already, as release {each.id}",
                fix=f"release under a new tag, or check what is there: cratematrix release verify --tag {tag}",
            )
    if len(found) > 1:
        numbers = ", ".join(str(each.id) for each in sorted(found, key=lambda each: each.id))
        raise InputError(
            f"{tag} has {len(found)} drafts: {numbers}", fix="delete all of them but one on the page of releases"
        )
    for draft in found:
        if draft.commit != commit:
            raise InputError(
                f"the draft {draft.id} of {tag} is of {draft.commit}, not of {commit}",
                fix=f"delete that draft on the page of releases, or release {draft.commit}",
            )
    return found[0] if found else None


def _settled(releases: Releases, tag: str, patience: Retry) -> tuple[Release, ...]:
    """List the releases of a tag; a second draft may be one that its process is about to remove."""
    return _listed(releases, tag, patience, until=lambda found: len(found) < 2)


def _older(releases: Releases, made: Release, patience: Retry) -> bool:
    """Whether the tag has a release that is older than the draft just made; numbers only grow."""
    found = _listed(releases, made.tag, patience, until=lambda found: made.id in {each.id for each in found})
    return any(each.id < made.id for each in found)


def _listed(
    releases: Releases, tag: str, patience: Retry, until: Callable[[tuple[Release, ...]], bool]
) -> tuple[Release, ...]:
    """List the releases of a tag, again where the list lags behind; the last list when it stays so."""
    found: tuple[Release, ...] = ()
    for _ in range(LOOKS):
        found = patience.call(lambda: releases.of_tag(tag), f"looking for releases of {tag}")
        if until(found):
            break
        patience.sleep(LAG)
    return found
