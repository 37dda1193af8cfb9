"""What a release costs at GitHub, counted before its first request, and whether GitHub allows that.

Assets: https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases. Requests and writes:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from generator.errors import InputError
from generator.github_api.connection import PAGE
from generator.github_api.retry import WRITES_A_MINUTE, WRITES_AN_HOUR, seconds_between
from generator.manifest.models import Manifest
from generator.manifest.settings import with_layout
from generator.manifest.values import Layout
from generator.planning.plan import Plan
from generator.releases.expected_assets import expected_packages
from generator.strict import Strict
from generator.text import counted

MAX_ASSETS: Final = 1_000
# GITHUB_TOKEN's, which all jobs of a repository share.
REQUESTS_AN_HOUR: Final = 1_000


class Budget(Strict):
    """The whole release, when nothing has to be tried again: from `prepare` to `publish`.

    `jobs` are those that upload: each of the shards, or one where crates' code runs on the runner itself. `writes`
    create content; `minutes` are what the uploads take at least, for they are spread out, and `per_hour` the requests
    that then fall into an hour.
    """

    layout: Layout
    jobs: int
    assets: int
    requests: int
    writes: int
    minutes: float
    per_hour: int

    @property
    def fits(self) -> bool:
        """Whether GitHub allows it."""
        return not tuple(self.problems())

    def problems(self) -> Iterator[str]:
        """Yield a sentence for every limit that is exceeded."""
        if self.assets > MAX_ASSETS:
            yield f"{self.assets} assets are more than a release can have: {MAX_ASSETS:,}"
        if self.per_hour > REQUESTS_AN_HOUR:
            yield f"{self.per_hour} requests in an hour are more than GITHUB_TOKEN has: {REQUESTS_AN_HOUR:,}"

    def __str__(self) -> str:
        return (
            f"{self.assets} assets of {MAX_ASSETS:,}; "
            f"{self.requests} requests with uploads from {counted(self.jobs, 'job')}, "
            f"{self.per_hour} in one hour of {REQUESTS_AN_HOUR:,}, a margin of {REQUESTS_AN_HOUR - self.per_hour}; "
            f"{self.writes} writes, at most {WRITES_A_MINUTE} a minute and {WRITES_AN_HOUR} an hour; "
            f"at least {self.minutes:.1f} minutes of uploads"
            + (", which the layout 'single' would shorten" if self.layout == "split" else "")
        )


def budget(manifest: Manifest, plan: Plan) -> Budget:
    """Count a release of the whole fleet, built in the shards of its plan and uploaded as its workflow does."""
    packages = Counter(expected_packages(manifest).values())
    shards = [sum(packages[name] for name in shard.crates) for shard in plan.shards]
    loads = shards if manifest.fleet.backend == "e2b" else [sum(shards)]
    assets = sum(loads) + 1  # SHA256SUMS
    pages = math.ceil(assets / PAGE)
    prepare = 4  # a look for the tag, a list, a create, and a list
    upload = 1 + pages  # of each job, beside the packages: the release, and its assets
    publish = 2 + 2 * pages  # the release, its assets before and after SHA256SUMS, and the publication
    requests = prepare + len(loads) * upload + assets + publish
    minutes = max(load * seconds_between(len(loads), load, WRITES_A_MINUTE) for load in loads) / 60
    return Budget(
        layout=manifest.fleet.layout,
        jobs=len(loads),
        assets=assets,
        requests=requests,
        writes=assets + 2,  # and the draft, and its publication
        minutes=round(minutes, 1),
        per_hour=math.ceil(requests / max(1.0, minutes / 60)),
    )


def check_budget(manifest: Manifest, plan: Plan) -> Budget:
    """Return the budget; InputError with every limit that it exceeds, and with what would fit."""
    made, least = budget(manifest, plan), budget(with_layout(manifest, "single"), plan)
    if made.fits:
        return made
    if least.fits:
        fix = f'set fleet.layout to "single": {least}'
    else:
        parts = max(math.ceil(made.assets / MAX_ASSETS), math.ceil(made.per_hour / REQUESTS_AN_HOUR))
        fix = f"divide the manifest into {parts}, with a tag and an hour for each, or use fewer fleet.slots"
    raise InputError("GitHub does not allow a release like this", problems=tuple(made.problems()), fix=fix)
