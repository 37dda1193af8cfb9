"""What goes wrong with GitHub, by itself or on demand."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final

from tests.serving.faults import Fault, LoseReply, Say, Stall, Truncate, html

LIMITS_PAGE: Final = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY: Final = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
CONTENT: Final = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)
PRIMARY: Final = "API rate limit exceeded for installation."


@dataclass(frozen=True)
class Starter(Say):
    """An upload that breaks off with a gateway's error and leaves an empty asset in the state `starter`."""

    status: int = 502
    body: str = "<html><title>502 Bad Gateway</title></html>"
    perform: bool = True


def error(status: int, message: str = "Server Error", **headers: str) -> Say:
    """Return an error in GitHub's form; `retry_after="1"` makes a header."""
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Say(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def secondary(retry_after: int | None = 1, status: int = 403) -> Say:
    """Return a secondary limit's refusal, which says when to come back or not."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Say(status, {"message": CONTENT, "documentation_url": f"{LIMITS_PAGE}#about-secondary-rate-limits"}, headers)


def primary(reset_in: float = 1.0, status: int = 403) -> Say:
    """Return the hourly limit's refusal, over in so many seconds."""
    headers = {
        "x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "1000",
        "x-ratelimit-reset": str(int(time.time() + reset_in + 0.999)), "x-ratelimit-resource": "core",
    }  # fmt: skip
    return Say(status, {"message": PRIMARY, "documentation_url": LIMITS_PAGE}, headers)


@dataclass(frozen=True)
class Faults:
    """Shares (0 to 1) of what goes wrong by itself, chosen by `seed`; times in seconds.

    `server_error`, `lost` (done, and no reply), `stall` and `limited` (a secondary limit's refusal, with and without
    a time): of requests to the API. `stored_error` (a 5xx for what was done) and `starter`: of uploads. `truncate`: of
    downloads.
    """

    seed: int = 0
    server_error: float = 0.0
    stored_error: float = 0.0
    starter: float = 0.0
    lost: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 2.0
    limited: float = 0.0
    truncate: float = 0.0

    def choose(self, chance: random.Random, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""
        if method == "GET" and path.startswith("/storage/"):
            return Truncate(chance.uniform(0.01, 0.99)) if chance.random() < self.truncate else None
        if not path.startswith(("/repos/", "/uploads/")):
            return None
        if chance.random() < self.server_error:
            return html(chance.choice((500, 502, 503, 504)))
        if chance.random() < self.limited:
            return secondary(chance.choice((1, None)), chance.choice((403, 429)))
        if path.startswith("/uploads/"):
            if chance.random() < self.stored_error:
                return Say(chance.choice((500, 502, 504)), "", perform=True)
            if chance.random() < self.starter:
                return Starter()
        if chance.random() < self.lost:
            return LoseReply()
        return Stall(self.stall_seconds) if chance.random() < self.stall else None
