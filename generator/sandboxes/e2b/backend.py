"""Sandboxes of E2B: opening them at the account's pace, finding those of a run, and ending them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from generator.manifest.values import Size
from generator.network.registries import RegistryCache
from generator.sandboxes.contract import Resources, SandboxError
from generator.sandboxes.e2b.connection import Connection, with_headers
from generator.sandboxes.e2b.errors import ServiceError, service_error
from generator.sandboxes.e2b.rate_limit import RateLimit
from generator.sandboxes.e2b.retry import RETRY_SECONDS, backoff, retry
from generator.sandboxes.e2b.sandbox import E2BSandbox, Lifetime

if TYPE_CHECKING:
    from e2b.sandbox.sandbox_api import SandboxInfo
    from e2b.sandbox_sync.paginator import SandboxPaginator

    from generator.sandboxes.e2b.sdk import Sandbox as Handle

# How long a crate waits for a place while the account's sandboxes are all in use, in seconds: longer than most builds.
QUEUE_SECONDS: Final = 3_600.0
# How long creates that get no usable answer are repeated.
CREATE_RETRY_SECONDS: Final = 180.0
FIRST_TURN: Final = 2.0
LONGEST_TURN: Final = 15.0
# Longer than the service takes to start a sandbox.
CREATE_SECONDS: Final = 30.0
# A key whose outcome the service does not know any more.
OUTCOME_UNKNOWN: Final = 422
PAGE: Final = 100
# A hundred times what any account may have at once: a list that goes on is no list.
MAX_PAGES: Final = 1_000
# At its end a run does not wait long for a service that is down.
CLOSE_RETRY_SECONDS: Final = 8.0
# How long one answer about the account's sandboxes may take.
ANSWER_SECONDS: Final = 15.0


@dataclass(frozen=True)
class RunIdentity:
    """Whose sandboxes they are: the run, which attempt at it, and its shard; all of [A-Za-z0-9._-].

    `runner` tells this process from others of the same run, such as two jobs of one workflow.
    """

    id: str
    attempt: str = "1"
    shard: str = "all"
    runner: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def metadata(self) -> dict[str, str]:
        """What every sandbox of the run carries."""
        named = {"run": self.id, "attempt": self.attempt, "shard": self.shard, "runner": self.runner}
        return {"tool": "cratematrix", **named}


@dataclass(frozen=True)
class Account:
    """How the service is reached and what it allows: creates in a second, and the longest queue in seconds.

    `create_seconds` is how long a create may take.
    """

    connection: Connection
    creates_per_second: float = 1.0
    queue_seconds: float = QUEUE_SECONDS
    create_seconds: float = CREATE_SECONDS


class E2BBackend:
    """Opens sandboxes at the service; safe to use from many threads.

    `templates` names the image of each size class. `say` is told, by crate, why one has to wait.
    """

    name: Literal["e2b"] = "e2b"

    def __init__(
        self,
        account: Account,
        run: RunIdentity,
        templates: Mapping[Size, str],
        life: Lifetime,
        stop: threading.Event,
        say: Callable[[str, str], None],
    ) -> None:
        self._account, self._run, self._templates, self._lifetime, self._stop = account, run, templates, life, stop
        self._say, self._pace, self._kept = say, RateLimit(account.creates_per_second), set[str]()
        self._known, self._opened = RegistryCache(), list[E2BSandbox]()

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> E2BSandbox:
        """Start a sandbox with the network open, after waiting for a place where the account has none left."""
        handle = self._create(crate, resources.size, attempt)
        handle = with_headers(handle, self._account.connection)
        sandbox = E2BSandbox(handle, resources, self._lifetime, env, self._stop, self._kept.add, self._known)
        self._opened.append(sandbox)
        return sandbox

    def close(self) -> None:
        """Kill what this runner left, but for what is kept; says what may run on."""
        for sandbox in self._opened:
            sandbox.abandon()
        try:
            for found in find_sandboxes(self._account.connection, {"runner": self._run.runner}, CLOSE_RETRY_SECONDS):
                if found.sandbox_id not in self._kept:
                    kill_sandbox(self._account.connection, found.sandbox_id, CLOSE_RETRY_SECONDS)
        except SandboxError as error:
            self._say("e2b", f"{error}: what may run on ends by itself within {self._lifetime.seconds} s")

    def _create(self, crate: str, size: Size, attempt: int) -> Handle:
        started, lost_since, turns = time.monotonic(), None, backoff(FIRST_TURN, LONGEST_TURN)
        key = uuid.uuid4().hex
        try:
            while True:
                try:
                    return self._ask(crate, size, attempt, key)
                except SandboxError:
                    raise
                except Exception as error:
                    problem, now = service_error(error), time.monotonic()
                if problem.status == OUTCOME_UNKNOWN:
                    self._sweep(key)
                    key, problem = uuid.uuid4().hex, ServiceError("unreachable", problem.message)
                if not problem.is_transient:
                    raise self._refused(problem, size)
                lost_since = None if problem.kind == "busy" else lost_since or now
                if now - started > self._account.queue_seconds or now - (lost_since or now) > CREATE_RETRY_SECONDS:
                    raise problem.sandbox_error("no sandbox could be opened")
                pause = next(turns)
                self._say(crate, f"waiting {pause:.0f} s for a sandbox: {problem.message}")
                self._stop.wait(pause)
        except SandboxError:
            if lost_since is not None:
                self._sweep(key)
            raise

    def _ask(self, crate: str, size: Size, attempt: int, key: str) -> Handle:
        from generator.sandboxes.e2b.creation import CreateRequest, create_sandbox

        metadata = {**self._run.metadata, "crate": crate, "try": str(attempt), "create": key}
        asked = CreateRequest(self._templates[size], self._lifetime.seconds, metadata, key)
        return create_sandbox(asked, self._account.connection, self._account.create_seconds, self._pace, self._stop)

    def _sweep(self, key: str) -> None:
        """Kill what a create may have left whose outcome nobody knows; after a stop `close` has the last try."""
        try:
            for found in find_sandboxes(self._account.connection, {"create": key}, stop=self._stop):
                kill_sandbox(self._account.connection, found.sandbox_id, stop=self._stop)
        except SandboxError as error:
            self._say("e2b", f"{error}: what may run on ends by itself within {self._lifetime.seconds} s")

    def _refused(self, problem: ServiceError, size: Size) -> SandboxError:
        template = self._templates[size]
        if problem.status == 404:
            return SandboxError(f"E2B has no template {template}: run cratematrix template build", "permanent")
        return problem.sandbox_error(f"no sandbox of {template} could be opened")


def find_sandboxes(
    connection: Connection,
    metadata: Mapping[str, str],
    patience: float = RETRY_SECONDS,
    stop: threading.Event | None = None,
) -> Iterator[SandboxInfo]:
    """Yield the sandboxes that carry these metadata, running or paused; SandboxError when the service does not say."""
    from generator.sandboxes.e2b.sdk import Sandbox, SandboxQuery

    wanted = SandboxQuery(metadata=dict(metadata))
    pages = Sandbox.list(query=wanted, limit=PAGE, request_timeout=ANSWER_SECONDS, **connection.api_params())
    doing = "E2B does not say which sandboxes there are"
    yield from _listed(pages, lambda call: retry(call, doing, stop, patience))


def kill_sandbox(
    connection: Connection, sandbox_id: str, patience: float = RETRY_SECONDS, stop: threading.Event | None = None
) -> bool:
    """Kill a sandbox; False when there was none."""
    from generator.sandboxes.e2b.sdk import Sandbox

    doing = f"sandbox {sandbox_id} cannot be killed"
    params = {**connection.api_params(), "request_timeout": ANSWER_SECONDS}
    return retry(lambda: Sandbox.kill(sandbox_id, **params), doing, stop, patience)


def count_sandboxes(connection: Connection) -> int:
    """Return how many sandboxes the account has, of whatever run; raises what the SDK raises."""
    from generator.sandboxes.e2b.sdk import Sandbox

    return sum(1 for _ in _listed(Sandbox.list(limit=PAGE, **connection.api_params()), lambda call: call()))


def _listed(
    pages: SandboxPaginator, ask: Callable[[Callable[[], list[SandboxInfo]]], list[SandboxInfo]]
) -> Iterator[SandboxInfo]:
    """Yield what is on the pages of a list; SandboxError when they have no end."""
    for _ in range(MAX_PAGES):
        if not pages.has_next:
            return
        yield from ask(pages.next_items)
    raise SandboxError(f"E2B's list of sandboxes has more than {MAX_PAGES:,} pages", "permanent")
