"""The pace of creates, by a clock of the test's own, and at the moment the requests leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from generator.sandboxes.contract import SIZES, SandboxError
from generator.sandboxes.e2b.creation import MAX_SHARED_PAUSE, RateLimitedTransport
from generator.sandboxes.e2b.rate_limit import MARGIN, RateLimit
from tests.e2b_server import E2BServer, error
from tests.sandboxes.e2b.conftest import MakeBackend

BETWEEN = (1 + MARGIN) / 4


class Clock(threading.Event):
    """A clock that stands still, but for those who wait for the stop that it is, too."""

    now = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass."""
        self.now += timeout or 0.0
        return self.is_set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> RateLimit:
    return RateLimit(4, lambda: clock.now)


class Service(httpx.BaseTransport):
    """Takes `seconds` to connect, writes down when a request has left, and as much to answer."""

    def __init__(self, clock: Clock, seconds: Iterator[float], headers: dict[str, str] | None = None) -> None:
        self._clock, self._seconds, self._headers = clock, seconds, headers
        self.left: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        seconds = next(self._seconds)
        self._clock.now += seconds
        assert isinstance(request.stream, httpx.SyncByteStream)
        assert b"".join(request.stream) == b"{}"
        self.left.append(self._clock.now)
        self._clock.now += seconds
        return httpx.Response(201, headers=self._headers)


def send(count: int, service: Service, pace: RateLimit, clock: Clock) -> list[float]:
    """Send requests one after the other; returns the times between them."""
    paced = RateLimitedTransport(service, pace, clock)
    for _ in range(count):
        assert paced.handle_request(httpx.Request("POST", "http://e2b.test", content=b"{}")).status_code == 201
    return [after - before for before, after in zip(service.left, service.left[1:], strict=False)]


@pytest.mark.parametrize(
    "seconds", [[0.0] * 9, [0.1, 0.0] * 5, [3.0, 0.0, 0.0, 0.2, 0.0, 1.0, 0.0, 0.0]], ids=["at once", "uneven", "slow"]
)
def test_requests_leave_apart_however_long_each_takes_to_leave(
    clock: Clock, pace: RateLimit, seconds: list[float]
) -> None:
    between = send(len(seconds), Service(clock, iter(seconds)), pace, clock)
    assert len(between) == len(seconds) - 1
    assert min(between) >= BETWEEN - 1e-9


def test_the_time_of_an_answer_is_part_of_the_time_between_two(clock: Clock, pace: RateLimit) -> None:
    assert send(5, Service(clock, iter([0.1] * 5)), pace, clock) == pytest.approx([BETWEEN + 0.1] * 4)
    assert send(2, Service(clock, iter([0.0, 0.0])), pace, clock) == pytest.approx([BETWEEN])


@pytest.mark.parametrize(("said", "least"), [("7", 7), ("1", 1), ("soon", 0), (str(int(MAX_SHARED_PAUSE) + 1), 0)])
def test_nobody_asks_before_the_time_that_the_service_names(
    clock: Clock, pace: RateLimit, said: str, least: float
) -> None:
    (between,) = send(2, Service(clock, iter([0.0, 0.0]), {"Retry-After": said}), pace, clock)
    assert between == pytest.approx(max(least, BETWEEN))


def test_a_request_that_is_not_out_yet_holds_up_the_next_and_no_answer_does(clock: Clock) -> None:
    pace, turns, asks = RateLimit(4, lambda: clock.now, send_seconds=3_600), list[str](), threading.Event()

    def other() -> None:
        asks.set()
        with pace.acquire(clock):
            turns.append("other")

    with pace.acquire(clock) as left:
        thread = threading.Thread(target=other)
        thread.start()
        asks.wait()
        turns.append("first")
        left()
        thread.join()
    assert turns == ["first", "other"]


def test_a_request_that_never_leaves_does_not_hold_up_the_others_for_ever(clock: Clock) -> None:
    pace = RateLimit(4, lambda: clock.now, send_seconds=0.01)
    with pace.acquire(clock), pace.acquire(clock), pace.acquire(clock):
        assert clock.now >= 100 + 2 * BETWEEN


def test_a_request_that_fails_holds_up_nobody(clock: Clock, pace: RateLimit) -> None:
    with pytest.raises(OSError, match="no route"), pace.acquire(clock):
        raise OSError("no route")
    with pace.acquire(clock):
        assert clock.now == pytest.approx(100 + BETWEEN)


def test_a_stop_gives_no_turn(clock: Clock, pace: RateLimit) -> None:
    with pace.acquire(clock):
        clock.set()
        with pytest.raises(SandboxError, match="the run was stopped"), pace.acquire(clock):
            raise AssertionError


def test_creates_reach_the_service_at_the_pace(server: E2BServer, make_backend: MakeBackend) -> None:
    """Each from a thread of its own. A busy machine can make them late, and nothing can make them early."""
    before, began = len(server.requests), time.monotonic()
    backend = make_backend(creates_per_second=4.0)
    with ThreadPoolExecutor(4) as pool:
        for sandbox in pool.map(lambda number: backend.open(f"p{number}", SIZES["standard"], {}), range(4)):
            sandbox.kill()
    arrived = sorted(each.arrived_at for each in server.requests[before:] if each.path == "/v2/sandboxes")
    assert len(arrived) == 4
    assert all(moment - began >= number * BETWEEN for number, moment in enumerate(arrived))


def test_a_create_that_is_repeated_keeps_to_the_pace(server: E2BServer, make_backend: MakeBackend) -> None:
    before, began = len(server.requests), time.monotonic()
    server.inject("POST /v2/sandboxes", error(503))
    make_backend(creates_per_second=0.4).open("again", SIZES["standard"], {}).kill()
    arrived = [each.arrived_at for each in server.requests[before:] if each.path == "/v2/sandboxes"]
    assert len(arrived) == 2
    assert arrived[-1] - began >= (1 + MARGIN) / 0.4
