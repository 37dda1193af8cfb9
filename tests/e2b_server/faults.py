"""What goes wrong with the E2B service by itself, and its errors."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.serving.faults import Cut, Delay, Fault, LoseReply, Say, Stall, Truncate, html


def error(status: int, message: str = "injected", **headers: str) -> Say:
    """Return an error in the service's form; `retry_after="1"` makes a header."""
    return Say(
        status, {"code": status, "message": message}, {name.replace("_", "-"): value for name, value in headers.items()}
    )


@dataclass(frozen=True)
class Faults:
    """Shares (0 to 1) of what goes wrong by itself, chosen by `seed`; times in seconds.

    `vanish`: of sandboxes, each at a random moment of its first `vanish_within`. `server_error`, `too_many`, `drop` and
    `stall`: of requests on both planes. `truncate`: of downloads. `slow_create` and `lost_create`: of creates.
    """

    seed: int = 0
    vanish: float = 0.0
    vanish_within: float = 5.0
    server_error: float = 0.0
    too_many: float = 0.0
    drop: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 2.0
    truncate: float = 0.0
    slow_create: float = 0.0
    slow_seconds: float = 2.0
    lost_create: float = 0.0

    def vanishes_in(self, chance: random.Random) -> float | None:
        """Return after how many seconds a new sandbox is to vanish, or None."""
        return chance.uniform(0, self.vanish_within) if chance.random() < self.vanish else None

    def choose(self, chance: random.Random, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""
        create = (method, path) == ("POST", "/v2/sandboxes")
        streamed = path in ("/process.Process/Start", "/process.Process/Connect")
        if chance.random() < self.server_error:
            status = chance.choice((500, 502, 503, 504))
            if chance.random() < 0.5:
                return html(status)
            # A gateway that gave up waiting does not know whether the service went on.
            performed = status == 504 and path.startswith(("/v2/", "/sandboxes")) and chance.random() < 0.5
            return Say(status, {"code": status, "message": "upstream request failed"}, perform=performed)
        if chance.random() < self.too_many:
            return error(429, "rate limit exceeded", **({"retry_after": "1"} if chance.random() < 0.5 else {}))
        if create and chance.random() < self.lost_create:
            return LoseReply()
        if create and chance.random() < self.slow_create:
            return Delay(self.slow_seconds)
        if chance.random() < self.drop:
            reset = chance.random() < 0.5
            return Cut(chance.randint(0, 300), reset) if streamed or path == "/files" else LoseReply()
        if chance.random() < self.stall:
            return Stall(self.stall_seconds, chance.choice((0, 40)))
        if (method, path) == ("GET", "/files") and chance.random() < self.truncate:
            return Truncate(chance.uniform(0.01, 0.99))
        return None
