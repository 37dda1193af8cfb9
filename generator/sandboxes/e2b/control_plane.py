"""Sandboxes of the account, whichever run they belong to: list, count and kill."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from generator.errors import InputError, Unreachable
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.errors import service_error
from generator.sandboxes.e2b.retry import RETRY_SECONDS, retry
from generator.sandboxes.e2b.sdk import Sandbox, SandboxQuery

if TYPE_CHECKING:
    from e2b.sandbox.sandbox_api import SandboxInfo
    from e2b.sandbox_sync.paginator import SandboxPaginator

PAGE_SIZE: Final = 100
# A hundred times what any account may run at once. A longer list never ends.
MAX_PAGES: Final = 1_000
# Seconds for one response.
RESPONSE_SECONDS: Final = 15.0


def check_connection(connection: Connection) -> None:
    """Raise Unreachable when no connection to the service can be made, and InputError when it refuses the request.

    Another error response counts as a connection: a later call reports it.
    """
    params = {**connection.api_params(), "request_timeout": RESPONSE_SECONDS, "retries": 0}
    try:
        Sandbox.list(limit=1, **params).next_items()
    except Exception as error:  # the SDK's errors have no common base class
        problem = service_error(error)
    else:
        return
    addresses = "E2B_API_URL, E2B_DOMAIN and fleet.e2b"
    if problem.is_unconnected:
        fix = f"check the network and the address of E2B ({addresses}), then run it again"
        raise Unreachable(f"E2B at {problem.message}", fix=fix)
    if problem.kind == "unauthorized":
        raise InputError(f"E2B refuses the key: {problem.message}", fix="set E2B_API_KEY to a key of e2b.dev/dashboard")
    if problem.kind == "rejected":
        address = connection.api_url or connection.domain or "E2B"
        raise InputError(f"{address} does not answer as E2B does: {problem.message}", fix=f"check {addresses}")


def find_sandboxes(
    connection: Connection,
    metadata: Mapping[str, str],
    retry_seconds: float = RETRY_SECONDS,
    stop: threading.Event | None = None,
) -> Iterator[SandboxInfo]:
    """Yield the sandboxes with this metadata, running or paused; SandboxError when the service does not respond."""
    query = SandboxQuery(metadata=dict(metadata))
    pages = Sandbox.list(query=query, limit=PAGE_SIZE, request_timeout=RESPONSE_SECONDS, **connection.api_params())
    failure = "E2B's sandboxes cannot be listed"
    yield from _all_pages(pages, lambda next_items: retry(next_items, failure, stop, retry_seconds))


def kill_sandbox(
    connection: Connection, sandbox_id: str, retry_seconds: float = RETRY_SECONDS, stop: threading.Event | None = None
) -> bool:
    """Kill a sandbox; False when it no longer exists."""
    failure = f"sandbox {sandbox_id} cannot be killed"
    params = {**connection.api_params(), "request_timeout": RESPONSE_SECONDS}
    return retry(lambda: Sandbox.kill(sandbox_id, **params), failure, stop, retry_seconds)


def count_sandboxes(connection: Connection) -> int:
    """Return the number of the account's sandboxes; raises the SDK's exceptions."""
    pages = Sandbox.list(limit=PAGE_SIZE, **connection.api_params())
    return sum(1 for _ in _all_pages(pages, lambda next_items: next_items()))


def _all_pages(
    pages: SandboxPaginator, load: Callable[[Callable[[], list[SandboxInfo]]], list[SandboxInfo]]
) -> Iterator[SandboxInfo]:
    """Yield the items of all pages; SandboxError when the list is endless."""
    for _ in range(MAX_PAGES):
        if not pages.has_next:
            return
        yield from load(pages.next_items)
    raise SandboxError(f"E2B's list of sandboxes has more than {MAX_PAGES:,} pages", "permanent")
