"""Backend of sandboxes at E2B: creates them within the account's limits and kills those of its run."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from generator.manifest.values import Size
from generator.network.registries import RegistryCache
from generator.sandboxes.contract import Resources, SandboxError
from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.control_plane import find_sandboxes, kill_sandbox
from generator.sandboxes.e2b.creation import CreateRequest, create_sandbox
from generator.sandboxes.e2b.errors import ServiceError, service_error
from generator.sandboxes.e2b.headers import with_headers
from generator.sandboxes.e2b.rate_limit import ALONE, RateLimit, Turn
from generator.sandboxes.e2b.retry import backoff
from generator.sandboxes.e2b.sandbox import E2BSandbox, Lifetime

if TYPE_CHECKING:
    from generator.sandboxes.e2b.sdk import Sandbox as Handle

# Seconds that a crate waits while the account runs all the sandboxes that it may. Most builds take less.
QUEUE_SECONDS: Final = 3_600.0
# Retry budget of creates without a usable response: at least so many seconds, and turns of the rate limit.
CREATE_RETRY_SECONDS: Final = 180.0
CREATE_RETRY_TURNS: Final = 4
FIRST_CREATE_DELAY: Final = 2.0
MAX_CREATE_DELAY: Final = 15.0
# Seconds for the response to a create. The service starts a sandbox in less.
CREATE_SECONDS: Final = 30.0
# HTTP status of an idempotency key whose outcome the service has lost.
OUTCOME_UNKNOWN: Final = 422
# Retry budget, in seconds, at the end of a run.
CLOSE_RETRY_SECONDS: Final = 8.0


@dataclass(frozen=True)
class RunIdentity:
    """Run, attempt and shard that sandboxes belong to; all of [A-Za-z0-9._-].

    `runner` identifies this process among others of the same run, such as two jobs of one workflow.
    """

    id: str
    attempt: str = "1"
    shard: str = "all"
    runner: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def metadata(self) -> dict[str, str]:
        """Metadata of every sandbox of the run."""
        named = {"run": self.id, "attempt": self.attempt, "shard": self.shard, "runner": self.runner}
        return {"tool": "cratematrix", **named}


@dataclass(frozen=True)
class Account:
    """Connection to the service with its limits: creates per second, seconds in the queue and seconds per create.

    `turn` is that of this process among those that share the account.
    """

    connection: Connection
    creates_per_second: float = 1.0
    turn: Turn = ALONE
    queue_seconds: float = QUEUE_SECONDS
    create_seconds: float = CREATE_SECONDS


def _rate_limit(account: Account) -> RateLimit:
    return RateLimit(account.creates_per_second, turn=account.turn)


class E2BBackend:
    """Backend that opens sandboxes at the service; safe to use from many threads.

    `templates` maps each size class to its image. `log` receives a crate and a message while the crate waits. `volumes`
    has the name of the account's volume at each path of every sandbox.
    """

    name: Literal["e2b"] = "e2b"

    def __init__(
        self,
        account: Account,
        run: RunIdentity,
        templates: Mapping[Size, str],
        lifetime: Lifetime,
        stop: threading.Event,
        log: Callable[[str, str], None],
        volumes: Mapping[str, str] | None = None,
    ) -> None:
        self._account, self._run, self._templates = account, run, templates
        self._lifetime, self._stop, self._log, self._volumes = lifetime, stop, log, volumes or {}
        self._rate_limit, self._kept_ids = _rate_limit(account), set[str]()
        self._registries, self._opened = RegistryCache(), list[E2BSandbox]()

    def open(self, crate: str, resources: Resources, env: Mapping[str, str], attempt: int = 1) -> E2BSandbox:
        """Start a sandbox with an open network; waits while the account runs all the sandboxes that it may."""
        handle = self._create(crate, resources.size, attempt)
        handle = with_headers(handle, self._account.connection)
        sandbox = E2BSandbox(handle, resources, self._lifetime, env, self._stop, self._kept_ids.add, self._registries)
        self._opened.append(sandbox)
        return sandbox

    def close(self) -> None:
        """Kill the sandboxes that this runner left, except kept ones, and log those that may still run."""
        for sandbox in self._opened:
            sandbox.abandon()
        try:
            own = {"runner": self._run.runner}
            for found in find_sandboxes(self._account.connection, own, CLOSE_RETRY_SECONDS):
                if found.sandbox_id not in self._kept_ids:
                    kill_sandbox(self._account.connection, found.sandbox_id, CLOSE_RETRY_SECONDS)
        except SandboxError as error:
            self._log_survivors(error)

    def _create(self, crate: str, size: Size, attempt: int) -> Handle:
        """Create a sandbox with two budgets: one for a full account, one for a service without usable responses."""
        started, lost_since, delays = time.monotonic(), None, backoff(FIRST_CREATE_DELAY, MAX_CREATE_DELAY)
        retry_seconds = max(CREATE_RETRY_SECONDS, CREATE_RETRY_TURNS * self._rate_limit.round_seconds)
        key = uuid.uuid4().hex
        try:
            while True:
                try:
                    return self._request(crate, size, attempt, key)
                except SandboxError:
                    raise
                except Exception as error:
                    problem, now = service_error(error), time.monotonic()
                if problem.status == OUTCOME_UNKNOWN:
                    self._kill_created(key)
                    key, problem = uuid.uuid4().hex, ServiceError("unreachable", problem.message)
                if not problem.is_transient:
                    raise self._rejection(problem, size)
                lost_since = None if problem.kind == "busy" else lost_since or now
                if now - started > self._account.queue_seconds or now - (lost_since or now) > retry_seconds:
                    raise problem.sandbox_error("no sandbox could be opened")
                delay = next(delays)
                self._log(crate, f"waiting {delay:.0f} s for a sandbox: {problem.message}")
                self._stop.wait(delay)
        except SandboxError:
            if lost_since is not None:
                self._kill_created(key)
            raise

    def _request(self, crate: str, size: Size, attempt: int, key: str) -> Handle:
        metadata = {**self._run.metadata, "crate": crate, "try": str(attempt), "create": key}
        request = CreateRequest(self._templates[size], self._lifetime.seconds, metadata, key, self._volumes)
        account = self._account
        return create_sandbox(request, account.connection, account.create_seconds, self._rate_limit, self._stop)

    def _kill_created(self, key: str) -> None:
        """Kill a sandbox that a create with an unknown outcome may have started; after a stop, `close` does it."""
        try:
            for found in find_sandboxes(self._account.connection, {"create": key}, stop=self._stop):
                kill_sandbox(self._account.connection, found.sandbox_id, stop=self._stop)
        except SandboxError as error:
            self._log_survivors(error)

    def _log_survivors(self, error: SandboxError) -> None:
        self._log("e2b", f"{error}: a sandbox that still runs ends by itself within {self._lifetime.seconds} s")

    def _rejection(self, problem: ServiceError, size: Size) -> SandboxError:
        template = self._templates[size]
        if problem.status == 404:
            return SandboxError(f"E2B has no template {template}: run cratematrix template build", "permanent")
        return problem.sandbox_error(f"no sandbox of {template} could be opened")
