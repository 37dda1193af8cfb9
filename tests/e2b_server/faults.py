"""What can be made to go wrong between a client and the server, once for a named request or now and then for any."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

HTML: Final = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"


@dataclass(frozen=True)
class Say:
    """Another answer than the server's own; `body` is JSON unless it is text. `perform` does what was asked first."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)
    perform: bool = False


@dataclass(frozen=True)
class LoseReply:
    """What was asked is done, and the connection cut before the reply."""


@dataclass(frozen=True)
class Cut:
    """The connection is cut after so many bytes of the reply's body, with a reset or a plain close."""

    after: int = 0
    reset: bool = True


@dataclass(frozen=True)
class Truncate:
    """The reply's body ends after so many bytes (a share of it when below 1) as if it were whole."""

    after: float = 0


@dataclass(frozen=True)
class Stall:
    """The reply waits for so many seconds, after so many bytes of its body."""

    seconds: float
    after: int = 0


@dataclass(frozen=True)
class Delay:
    """What was asked is done so many seconds later."""

    seconds: float


Fault = Say | LoseReply | Cut | Truncate | Stall | Delay


def html(status: int) -> Say:
    """Return a proxy's own page."""
    return Say(status, HTML.format(status), {"content-type": "text/html"})


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


@dataclass
class _Planned:
    pattern: str
    fault: Fault
    times: int


class Mischief:
    """Chooses what goes wrong; safe to use from many threads."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self.faults = Faults()

    @property
    def faults(self) -> Faults:
        """What goes wrong by itself; setting it begins the row of choices anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._random = faults, random.Random(faults.seed)  # noqa: S311

    def plan(self, pattern: str, fault: Fault, times: int) -> None:
        """Let the next requests that match "METHOD path" (with * and ?) go wrong."""
        with self._lock:
            self._planned.append(_Planned(pattern, fault, times))

    def vanishes_in(self) -> float | None:
        """Return after how many seconds a new sandbox is to vanish, or None."""
        with self._lock:
            if self._random.random() < self._faults.vanish:
                return self._random.uniform(0, self._faults.vanish_within)
        return None

    def choose(self, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""
        with self._lock:
            for each in self._planned:
                if each.times > 0 and fnmatchcase(f"{method} {path}", each.pattern):
                    each.times -= 1
                    return each.fault
            return self._by_chance(method, path)

    def _by_chance(self, method: str, path: str) -> Fault | None:
        faults, chance = self._faults, self._random
        create = (method, path) == ("POST", "/v2/sandboxes")
        streamed = path in ("/process.Process/Start", "/process.Process/Connect")
        if chance.random() < faults.server_error:
            status = chance.choice((500, 502, 503, 504))
            if chance.random() < 0.5:
                return html(status)
            # A gateway that gave up waiting does not know whether the service went on.
            performed = status == 504 and path.startswith(("/v2/", "/sandboxes")) and chance.random() < 0.5
            return Say(status, {"code": status, "message": "upstream request failed"}, perform=performed)
        if chance.random() < faults.too_many:
            return error(429, "rate limit exceeded", **({"retry_after": "1"} if chance.random() < 0.5 else {}))
        if create and chance.random() < faults.lost_create:
            return LoseReply()
        if create and chance.random() < faults.slow_create:
            return Delay(faults.slow_seconds)
        if chance.random() < faults.drop:
            reset = chance.random() < 0.5
            return Cut(chance.randint(0, 300), reset) if streamed or path == "/files" else LoseReply()
        if chance.random() < faults.stall:
            return Stall(faults.stall_seconds, chance.choice((0, 40)))
        if (method, path) == ("GET", "/files") and chance.random() < faults.truncate:
            return Truncate(chance.uniform(0.01, 0.99))
        return None
