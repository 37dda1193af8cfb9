"""One draft for a tag, also when several processes prepare it at the same time."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from generator.errors import InputError
from generator.github_api.errors import GitHubError
from generator.github_api.retry import Retry
from generator.releases.protocol import Release, Releases

# GitHub's list of releases is eventually consistent: https://github.com/softprops/action-gh-release/issues/705
LIST_ATTEMPTS: Final = 4
LIST_DELAY: Final = 2.0


def prepare(releases: Releases, tag: str, commit: str, body: str, prerelease: bool, retry: Retry) -> Release:
    """Create or reuse the only draft of a tag at this commit; InputError if the tag has any other release.

    GitHub allows several drafts of one tag, so the list is read again after a create. Of two concurrent drafts the
    older one stays; each process deletes its own younger one.
    """
    _check_commit(releases, tag, commit, retry)
    for attempts in itertools.count(1):
        if draft := existing_draft(_list_settled(releases, tag, retry), tag, commit):
            return draft
        try:
            created = releases.create(tag, commit, body, prerelease)
        except GitHubError as error:
            if "target_commitish" in str(error):
                raise InputError(
                    f"GitHub does not have the commit {commit}", fix="run git push, then prepare again"
                ) from error
            # The draft may exist although the response was lost, so the next attempt lists the drafts first.
            retry.wait_or_raise(error, attempts, f"creating a draft of {tag}")
            continue
        if not _has_older(releases, created, retry):
            return created
        retry.call(partial(releases.remove, created), f"removing a second draft of {tag}")
    raise AssertionError  # pragma: no cover  the count never ends


def _check_commit(releases: Releases, tag: str, commit: str, retry: Retry) -> None:
    """Raise InputError for a tag at another commit: GitHub publishes the tag's commit, not the draft's."""
    tagged = retry.call(lambda: releases.tag_commit(tag), f"looking for the tag {tag}")
    if tagged not in (None, commit):
        raise InputError(
            f"the tag {tag} is already at {tagged}, not at {commit}",
            fix=f"check out {tag}, or release under a new tag",
        )


def existing_draft(found: Sequence[Release], tag: str, commit: str) -> Release | None:
    """Return the draft to reuse, or None without any release; InputError for a release that cannot be reused."""
    for each in found:
        if each.final_state:
            raise InputError(
                f"{tag} is already {each.final_state}, as release {each.id}",
                fix="release under a new tag, or check the release: "
                f"cratematrix release verify --tag {shlex.quote(tag)}",
            )
    if len(found) > 1:
        numbers = ", ".join(str(each.id) for each in sorted(found, key=lambda each: each.id))
        raise InputError(f"{tag} has {len(found)} drafts: {numbers}", fix="delete all but one on the releases page")
    for draft in found:
        if draft.commit != commit:
            raise InputError(
                f"the draft {draft.id} of {tag} is for {draft.commit}, not for {commit}",
                fix=f"delete that draft on the releases page, or release {draft.commit}",
            )
    return found[0] if found else None


def _list_settled(releases: Releases, tag: str, retry: Retry) -> tuple[Release, ...]:
    """List the releases of a tag; another process may be about to remove a second draft."""
    return _list_until(lambda: releases.list_for_tag(tag), tag, retry, condition=lambda found: len(found) < 2)


def _has_older(releases: Releases, created: Release, retry: Retry) -> bool:
    """Return True if the tag has an older release than the new draft; ids only grow.

    A draft that another process made at the same time is listed next to it, so later pages are not read.
    """
    found = _list_until(
        lambda: releases.list_for_tag(created.tag, until=created.id),
        created.tag,
        retry,
        condition=lambda found: created.id in {each.id for each in found},
    )
    return any(each.id < created.id for each in found)


def _list_until(
    request: Callable[[], tuple[Release, ...]],
    tag: str,
    retry: Retry,
    condition: Callable[[tuple[Release, ...]], bool],
) -> tuple[Release, ...]:
    """List the releases of a tag until the condition holds, or return the last list."""
    found: tuple[Release, ...] = ()
    for _ in range(LIST_ATTEMPTS):
        found = retry.call(request, f"looking for releases of {tag}")
        if condition(found):
            break
        retry.sleep(LIST_DELAY)
    return found
