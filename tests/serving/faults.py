"""What can be made to go wrong between a client and the server, once for a named request or now and then for any."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, Generic, Protocol, TypeVar

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


@dataclass(eq=False)
class Endless:
    """The reply begins as said and never ends, packed by gzip or not; `sent` counts its bytes until the client leaves."""

    status: int = 200
    begin: bytes = b'"'
    content_type: str = "application/json"
    packed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int = 0
    left: threading.Event = field(default_factory=threading.Event)


Fault = Say | LoseReply | Cut | Truncate | Stall | Delay | Endless


def html(status: int) -> Say:
    """Return a proxy's own page."""
    return Say(status, HTML.format(status), {"content-type": "text/html"})


class Chances(Protocol):
    """What goes wrong by itself with a server."""

    @property
    def seed(self) -> int:
        """What the row of choices begins with."""

    def choose(self, chance: random.Random, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""


AnyChances = TypeVar("AnyChances", bound=Chances)
T = TypeVar("T")


@dataclass
class _Planned:
    pattern: str
    fault: Fault
    times: int


class Mischief(Generic[AnyChances]):
    """Chooses what goes wrong; safe to use from many threads."""

    def __init__(self, faults: AnyChances) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self.faults = faults

    @property
    def faults(self) -> AnyChances:
        """What goes wrong by itself; setting it begins the row of choices anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: AnyChances) -> None:
        self._faults, self._random = faults, random.Random(faults.seed)  # noqa: S311

    def plan(self, pattern: str, fault: Fault, times: int) -> None:
        """Let the next requests that match "METHOD path" (with * and ?) go wrong."""
        with self._lock:
            self._planned.append(_Planned(pattern, fault, times))

    def pending(self) -> int:
        """Return how many planned faults no request has met yet."""
        with self._lock:
            return sum(each.times for each in self._planned)

    def calm(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._planned.clear()

    def draw(self, choice: Callable[[AnyChances, random.Random], T]) -> T:
        """Return what a choice makes of the chances."""
        with self._lock:
            return choice(self._faults, self._random)

    def choose(self, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""
        with self._lock:
            for each in self._planned:
                if each.times > 0 and fnmatchcase(f"{method} {path}", each.pattern):
                    each.times -= 1
                    return each.fault
            return self._faults.choose(self._random, method, path)


class Moody(Generic[AnyChances]):
    """A server as its tests see it: what goes wrong with it may be said at any time."""

    def __init__(self, faults: AnyChances) -> None:
        self._mischief = Mischief(faults)

    @property
    def faults(self) -> AnyChances:
        """What goes wrong by itself."""
        return self._mischief.faults

    @faults.setter
    def faults(self, faults: AnyChances) -> None:
        self._mischief.faults = faults

    def inject(self, request: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests that match "METHOD /path" (without a server's prefix; with * and ?) go wrong."""
        self._mischief.plan(request, fault, times)

    def pending(self) -> int:
        """Return how many injected faults no request has met yet."""
        return self._mischief.pending()

    def calm(self) -> None:
        """Forget what was injected."""
        self._mischief.calm()
