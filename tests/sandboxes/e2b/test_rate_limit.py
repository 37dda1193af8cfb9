"""Rate limit of creates, with a clock of the test, at the moment when requests are sent."""

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

INTERVAL = (1 + MARGIN) / 4


class Clock(threading.Event):
    """Clock that advances only while a thread waits for it; it is the stop event too."""

    now = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        """Advance the clock."""
        self.now += timeout or 0.0
        return self.is_set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate_limit(clock: Clock) -> RateLimit:
    return RateLimit(4, lambda: clock.now)


class Service(httpx.BaseTransport):
    """Transport that records when it has sent a request; sending takes `seconds`, and so does the response."""

    def __init__(self, clock: Clock, seconds: Iterator[float], headers: dict[str, str] | None = None) -> None:
        self._clock, self._seconds, self._headers = clock, seconds, headers
        self.sent: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        seconds = next(self._seconds)
        self._clock.now += seconds
        assert isinstance(request.stream, httpx.SyncByteStream)
        assert b"".join(request.stream) == b"{}"
        self.sent.append(self._clock.now)
        self._clock.now += seconds
        return httpx.Response(201, headers=self._headers)


def send(count: int, service: Service, rate_limit: RateLimit, clock: Clock) -> list[float]:
    """Send requests one after the other and return the times between them."""
    transport = RateLimitedTransport(service, rate_limit, clock)
    for _ in range(count):
        assert transport.handle_request(httpx.Request("POST", "http://e2b.test", content=b"{}")).status_code == 201
    return [after - before for before, after in zip(service.sent, service.sent[1:], strict=False)]


@pytest.mark.parametrize(
    "seconds", [[0.0] * 9, [0.1, 0.0] * 5, [3.0, 0.0, 0.0, 0.2, 0.0, 1.0, 0.0, 0.0]], ids=["at once", "uneven", "slow"]
)
def test_requests_are_sent_apart_however_long_each_takes(
    clock: Clock, rate_limit: RateLimit, seconds: list[float]
) -> None:
    between = send(len(seconds), Service(clock, iter(seconds)), rate_limit, clock)
    assert len(between) == len(seconds) - 1
    assert min(between) >= INTERVAL - 1e-9


def test_the_time_of_an_answer_is_part_of_the_time_between_two(clock: Clock, rate_limit: RateLimit) -> None:
    assert send(5, Service(clock, iter([0.1] * 5)), rate_limit, clock) == pytest.approx([INTERVAL + 0.1] * 4)
    assert send(2, Service(clock, iter([0.0, 0.0])), rate_limit, clock) == pytest.approx([INTERVAL])


@pytest.mark.parametrize(
    ("retry_after", "least"), [("7", 7), ("1", 1), ("soon", 0), (str(int(MAX_SHARED_PAUSE) + 1), 0)]
)
def test_no_request_is_sent_before_the_retry_after(
    clock: Clock, rate_limit: RateLimit, retry_after: str, least: float
) -> None:
    (between,) = send(2, Service(clock, iter([0.0, 0.0]), {"Retry-After": retry_after}), rate_limit, clock)
    assert between == pytest.approx(max(least, INTERVAL))


def test_an_unsent_request_delays_the_next_and_a_response_does_not(clock: Clock) -> None:
    rate_limit, order, asks = RateLimit(4, lambda: clock.now, send_seconds=3_600), list[str](), threading.Event()

    def other() -> None:
        asks.set()
        with rate_limit.acquire(clock):
            order.append("other")

    with rate_limit.acquire(clock) as mark_sent:
        thread = threading.Thread(target=other)
        thread.start()
        asks.wait()
        order.append("first")
        mark_sent()
        thread.join()
    assert order == ["first", "other"]


def test_a_request_that_is_never_sent_does_not_block_the_others_for_ever(clock: Clock) -> None:
    rate_limit = RateLimit(4, lambda: clock.now, send_seconds=0.01)
    with rate_limit.acquire(clock), rate_limit.acquire(clock), rate_limit.acquire(clock):
        assert clock.now >= 100 + 2 * INTERVAL


def test_a_failed_request_delays_no_other(clock: Clock, rate_limit: RateLimit) -> None:
    with pytest.raises(OSError, match="no route"), rate_limit.acquire(clock):
        raise OSError("no route")
    with rate_limit.acquire(clock):
        assert clock.now == pytest.approx(100 + INTERVAL)


def test_a_stop_ends_the_wait(clock: Clock, rate_limit: RateLimit) -> None:
    with rate_limit.acquire(clock):
        clock.set()
        with pytest.raises(SandboxError, match="the run was stopped"), rate_limit.acquire(clock):
            raise AssertionError


def test_creates_reach_the_service_within_the_rate_limit(server: E2BServer, make_backend: MakeBackend) -> None:
    """Each from a thread of its own. A busy machine can make them late, and nothing can make them early."""
    before, began = len(server.requests), time.monotonic()
    backend = make_backend(creates_per_second=4.0)
    with ThreadPoolExecutor(4) as pool:
        for sandbox in pool.map(lambda number: backend.open(f"p{number}", SIZES["standard"], {}), range(4)):
            sandbox.kill()
    arrived = sorted(each.arrived_at for each in server.requests[before:] if each.path == "/v2/sandboxes")
    assert len(arrived) == 4
    assert all(moment - began >= number * INTERVAL for number, moment in enumerate(arrived))


def test_a_retried_create_keeps_to_the_rate_limit(server: E2BServer, make_backend: MakeBackend) -> None:
    before, began = len(server.requests), time.monotonic()
    server.inject("POST /v2/sandboxes", error(503))
    make_backend(creates_per_second=0.4).open("again", SIZES["standard"], {}).kill()
    arrived = [each.arrived_at for each in server.requests[before:] if each.path == "/v2/sandboxes"]
    assert len(arrived) == 2
    assert arrived[-1] - began >= (1 + MARGIN) / 0.4
