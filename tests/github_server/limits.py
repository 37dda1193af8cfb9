"""GitHub's limits: requests an hour, and the secondary ones that stop bursts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.github_server.account import ANONYMOUS, Token
from tests.github_server.faults import CONTENT, LIMITS_PAGE, SECONDARY
from tests.github_server.refusal import Refusal
from tests.github_server.rules import Rules

READS: Final = ("GET", "HEAD")
READ_POINTS, WRITE_POINTS = 1, 5


def creates_content(method: str) -> bool:
    """Tell whether a request counts as content: GitHub names no list, so whatever makes or changes something does."""
    return method in ("POST", "PUT", "PATCH")


@dataclass
class Meter:
    """What one account has used: since `started` of the primary limit, and when of the secondary ones."""

    hourly: int
    started: float
    used: int = 0
    content: deque[float] = field(default_factory=deque)
    points: deque[tuple[float, int]] = field(default_factory=deque)
    at_once: int = 0


class Limits:
    """Counts requests; `Refusal` 403 for one too many."""

    def __init__(self, rules: Rules) -> None:
        self._rules, self._meters = rules, dict[str, Meter]()
        self._minute, self._hour = 60 / rules.speed, 3_600 / rules.speed

    def meter(self, token: Token) -> Meter:
        """Return whose requests a token's count as: a repository's workflows share, all others have their own."""
        now = self._rules.clock()
        if token is ANONYMOUS:
            key, hourly = "", self._rules.anonymous_hourly
        elif token.kind == "workflow":
            key, hourly = token.repositories[0], self._rules.hourly
        else:
            key, hourly = token.text, self._rules.own_hourly
        meter = self._meters.setdefault(key, Meter(hourly, now))
        if now >= meter.started + self._hour:
            meter.started, meter.used = now, 0
        return meter

    @contextmanager
    def request(self, token: Token, method: str) -> Iterator[None]:
        """Count a request while it is answered."""
        meter = self.meter(token)
        if self._rules.limits:
            self._check(meter, method)
        meter.used += 1
        now = self._rules.clock()
        meter.points.append((now, READ_POINTS if method in READS else WRITE_POINTS))
        if creates_content(method):
            meter.content.append(now)
        meter.at_once += 1
        try:
            yield
        finally:
            meter.at_once -= 1

    def headers(self, token: Token) -> dict[str, str]:
        """Return what every reply says of the primary limit."""
        rate = self.rate(token)
        return {**{f"x-ratelimit-{name}": str(value) for name, value in rate.items()}, "x-ratelimit-resource": "core"}

    def rate(self, token: Token) -> dict[str, int]:
        """Return the primary limit's figures; `reset` is the second since 1970 at which it begins anew."""
        meter = self.meter(token)
        remaining = max(0, meter.hourly - meter.used)
        reset = math.ceil(meter.started + self._hour)
        return {"limit": meter.hourly, "used": meter.used, "remaining": remaining, "reset": reset}

    def _check(self, meter: Meter, method: str) -> None:
        rules, now = self._rules, self._rules.clock()
        if meter.used >= meter.hourly:
            raise Refusal(403, "API rate limit exceeded for installation.", page=LIMITS_PAGE)
        while meter.points and meter.points[0][0] <= now - self._minute:
            meter.points.popleft()
        while meter.content and meter.content[0] <= now - self._hour:
            meter.content.popleft()
        cost = READ_POINTS if method in READS else WRITE_POINTS
        if meter.at_once >= rules.at_once:
            raise _too_much(SECONDARY, 1)
        if sum(points for _, points in meter.points) + cost > rules.points_per_minute:
            raise _too_much(SECONDARY, meter.points[0][0] + self._minute - now)
        if creates_content(method):
            for most, window in ((rules.content_per_minute, self._minute), (rules.content_per_hour, self._hour)):
                recent = [at for at in meter.content if at > now - window]
                if len(recent) >= most:
                    raise _too_much(CONTENT, recent[0] + window - now)


def _too_much(message: str, seconds: float) -> Refusal:
    page = f"{LIMITS_PAGE}#about-secondary-rate-limits"
    return Refusal(403, message, page=page, headers={"retry-after": str(max(1, math.ceil(seconds)))})


def overview(rate: dict[str, int]) -> dict[str, Any]:
    """Return the reply to GET /rate_limit."""
    core = {name: rate[name] for name in ("limit", "used", "remaining", "reset")}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": core["reset"]}
    return {"resources": {"core": core, "search": search}, "rate": core}
