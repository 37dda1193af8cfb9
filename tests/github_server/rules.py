"""What the server is to be: GitHub's limits, and how fast their clock runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REPOSITORY: Final = "octo-org/fleet"
GIB: Final = 1 << 30


@dataclass(frozen=True)
class Rules:
    """GitHub's limits, as it documents them.

    `hourly` requests for a workflow's tokens, which share it in a repository, `own_hourly` for each other token and
    `anonymous_hourly` for everybody without a token. `content_per_minute`, `content_per_hour` and `points_per_minute`
    (a read is one point, a write five) and `at_once` are secondary limits. `assets` a release may have, `body` characters
    its text, and `asset_bytes` an asset must stay below. With `speed` 60 a minute of the limits passes in a second; replies tell true times.
    `limits` False counts and refuses nothing. `digests` False gives assets none, as older servers do. `clock` returns seconds since 1970.
    """

    hourly: int = 1_000
    own_hourly: int = 5_000
    anonymous_hourly: int = 60
    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900
    at_once: int = 100
    assets: int = 1_000
    asset_bytes: int = 2 * GIB
    body: int = 125_000
    speed: float = 1.0
    limits: bool = True
    digests: bool = True
    clock: Callable[[], float] = time.time
