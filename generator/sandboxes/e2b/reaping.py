"""Removal of the sandboxes that a run left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from generator.errors import InputError
from generator.sandboxes.contract import SandboxError
from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.control_plane import check_connection, find_sandboxes, kill_sandbox
from generator.sandboxes.e2b.errors import user_error


@dataclass(frozen=True)
class Reaped:
    """A killed sandbox: its ID, its crate, and its start in UTC."""

    id: str
    crate: str
    started: str


def reap(connection: Connection, run: str, shard: str | None) -> Iterator[Reaped]:
    """Kill every sandbox of a run, or of one of its shards, and yield each that still existed.

    Unavailable or InputError when the service cannot be reached.
    """
    metadata = {"tool": "cratematrix", "run": run}
    if shard:
        metadata["shard"] = shard.replace("/", "-")
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value) for value in metadata.values()):
        raise InputError(f"{run!r} is not the name of a run", fix="read it in the report of the build: the key run")
    check_connection(connection)
    try:
        for found in find_sandboxes(connection, metadata):
            if kill_sandbox(connection, found.sandbox_id):
                crate, started = found.metadata.get("crate", "?"), f"{found.started_at:%Y-%m-%d %H:%M:%S}"
                yield Reaped(found.sandbox_id, crate, started)
    except SandboxError as error:
        raise user_error(error) from None
