"""The assets, requests and minutes of a release, compared with GitHub's limits before the first request.

Assets: https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases. Requests and writes:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from generator.errors import InputError
from generator.github_api.connection import PAGE
from generator.github_api.retry import WRITES_A_MINUTE, WRITES_AN_HOUR, upload_interval
from generator.manifest.models import Manifest
from generator.manifest.settings import with_layout
from generator.manifest.values import Layout
from generator.planning.limits import Limit, binding, limit
from generator.planning.plan import Plan
from generator.releases.expected_assets import expected_packages
from generator.releases.protocol import RELEASES_PAGE
from generator.strict import Strict
from generator.text import counted

MAX_ASSETS: Final = 1_000
# Limit of GITHUB_TOKEN, shared by all jobs of a repository.
REQUESTS_AN_HOUR: Final = 1_000


class Budget(Strict):
    """Counts for a whole release without retries, from `prepare` to `publish`.

    `jobs` upload: one for each shard at E2B, one in all for the backend `local`. Each job at E2B looks for what an
    earlier attempt built, and leaves a record until the publication removes it. The record counts as two assets, for
    the moment of its replacement. `writes` create content. `minutes` is the least time of all rate-limited uploads, and
    `per_hour` the requests in one of these hours. `taken` of the assets are packages of unchanged crates, which are
    uploaded too.

    The records are replaced up to `replacements` times while the shards are built, each time by a write and two
    requests. These are in no other count: `early_upload` makes them only while it leaves enough for all others.
    """

    layout: Layout
    jobs: int
    assets: int
    requests: int
    writes: int
    replacements: int
    minutes: float
    per_hour: int
    taken: int = 0

    @property
    def fits(self) -> bool:
        """Return True if the release stays within every limit."""
        return not self.problems()

    def problems(self) -> tuple[str, ...]:
        """Return a sentence for each exceeded limit."""
        return tuple(binding(self.limits()))

    def limits(self) -> tuple[Limit, ...]:
        """Return the counts that have a limit."""
        assets = f"{self.assets} assets exceed GitHub's limit of {MAX_ASSETS:,} for a release"
        requests = f"{self.per_hour} requests in an hour exceed GITHUB_TOKEN's limit of {REQUESTS_AN_HOUR:,}"
        return (
            limit("assets", self.assets, MAX_ASSETS, assets),
            limit("requests_an_hour", self.per_hour, REQUESTS_AN_HOUR, requests),
        )

    def __str__(self) -> str:
        taken = f", {self.taken} of unchanged crates" if self.taken else ""
        return (
            f"{counted(self.assets, 'asset')} of {MAX_ASSETS:,}{taken}; "
            f"{counted(self.requests, 'request')} with uploads from {counted(self.jobs, 'job')}, "
            f"{self.per_hour} in one hour of {REQUESTS_AN_HOUR:,}, a margin of {REQUESTS_AN_HOUR - self.per_hour}; "
            f"{self.writes} writes, at most {WRITES_A_MINUTE} a minute and {WRITES_AN_HOUR} an hour"
            + (f", and up to {self.replacements} for crates that are uploaded at once; " if self.replacements else "; ")
            + f"at least {self.minutes:.1f} minutes of uploads"
            + (", fewer with the layout 'single'" if self.layout == "split" else "")
        )


def budget(manifest: Manifest, plan: Plan, others: int = 0) -> Budget:
    """Return the counts for a release of the whole fleet, with the plan's shards and the workflow's upload jobs.

    `others` are the releases that the repository has: GitHub has no list of those of one tag. Downloads are not
    counted: each costs a request in a private repository only.
    """
    packages = Counter(expected_packages(manifest).values())
    shards = [sum(packages[name] for name in shard.crates) for shard in plan.shards]
    loads = shards if manifest.fleet.backend == "e2b" else [sum(shards)]
    records = len(loads) if manifest.fleet.backend == "e2b" else 0  # until the publication
    uploads = sum(loads) + records + 2  # fleet.json and SHA256SUMS
    assets = uploads + records
    pages = math.ceil(assets / PAGE)
    # The number of releases, the tag, all pages of releases, the new draft, the page that has it, all pages again with
    # the draft, and the release before with its assets.
    prepare = 5 + max(1, math.ceil(others / RELEASES_PAGE)) + math.ceil((others + 1) / RELEASES_PAGE)
    upload = 2 + pages  # of each job: the draft and its assets, without the packages, and the release before
    # Of each job, to resume and to upload early: the draft and its assets, of which a first attempt finds one page.
    early = 4 if records else 0
    # The release, its assets before and after these two, the latest release, the records, and the publication itself.
    publish = 3 + 2 * pages + records
    requests = prepare + len(loads) * (early + upload) + uploads + publish
    with_record = [load + bool(records) for load in loads]
    minutes = max(load * upload_interval(len(loads), load, WRITES_A_MINUTE) for load in with_record) / 60
    return Budget(
        layout=manifest.fleet.layout,
        jobs=len(loads),
        assets=assets,
        requests=requests,
        writes=uploads + 2,  # plus the draft and its publication
        replacements=len(manifest.crates) if records else 0,
        minutes=round(minutes, 1),
        per_hour=math.ceil(requests / max(1.0, minutes / 60)),
        taken=sum(packages[each.crate] for each in plan.planned if each.unchanged_since),
    )


def check_budget(manifest: Manifest, plan: Plan, others: int = 0) -> Budget:
    """Return the budget; InputError lists every exceeded limit, with a fix that stays within them."""
    own, single = budget(manifest, plan, others), budget(with_layout(manifest, "single"), plan, others)
    if own.fits:
        return own
    if single.fits:
        fix = f'set fleet.layout to "single": {single}'
    else:
        parts = max(math.ceil(own.assets / MAX_ASSETS), math.ceil(own.per_hour / REQUESTS_AN_HOUR))
        fix = f"split the manifest into {parts}, each with its own tag and hour, or reduce fleet.slots"
    raise InputError("the release exceeds GitHub's limits", problems=own.problems(), fix=fix)
