"""One sandbox as the service knows it: what it is, how long it has to live, and the machine behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.e2b_server.commands import Commands, Ended, Lost
from tests.e2b_server.machine import Hall, Machine, NotStarted
from tests.e2b_server.network import Network
from tests.e2b_server.rules import TemplateSize

End = Literal["killed", "timeout", "vanished"]

KILLED = Ended(-9)


class Gone(Exception):
    """The sandbox has ended meanwhile."""


@dataclass(frozen=True)
class Record:
    """What a test may ask about a sandbox. `end_at` is when its timeout ends it; `ended` says how it did end."""

    id: str
    template: str
    size: TemplateSize
    metadata: Mapping[str, str]
    env: Mapping[str, str]
    network: Network
    started_at: datetime
    end_at: datetime
    idempotency_key: str | None
    ended: End | None
    ended_at: datetime | None
    oom_kills: int
    mounts: Mapping[str, str]


@dataclass(frozen=True)
class Born:
    """What does not change in a sandbox's life."""

    id: str
    token: str
    template: str
    template_id: str
    size: TemplateSize
    metadata: Mapping[str, str]
    env: Mapping[str, str]
    idempotency_key: str | None
    started_at: datetime
    mounts: Mapping[str, str]


class Box:
    """A sandbox; for the event loop's thread alone."""

    def __init__(self, hall: Hall, born: Born, network: Network) -> None:
        self.born, self.network, self.network_given = born, network, dict[str, Any]()
        self.commands = Commands()
        self.machine = Machine(hall, born.size, self.commands.exited)
        self.metrics: list[dict[str, Any]] = []
        self.end_at = born.started_at
        self.ended: End | None = None
        self.ended_at: datetime | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._rebooting = asyncio.Lock()

    @property
    def record(self) -> Record:
        """What it is at this moment."""
        born = self.born
        return Record(
            born.id, born.template, born.size, born.metadata, born.env, self.network, born.started_at, self.end_at,
            born.idempotency_key, self.ended, self.ended_at, self.machine.oom_kills,
            born.mounts,
        )  # fmt: skip

    def live_for(self, seconds: float, on_timeout: Any) -> None:
        """Let it end so many seconds from now."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, on_timeout)
        self.end_at = datetime.now(UTC) + timedelta(seconds=seconds)

    async def set_network(self, network: Network, given: Mapping[str, Any]) -> None:
        """Let it reach something else; whatever runs ends where the network closes or opens. Gone when it has ended."""
        async with self._rebooting:
            if network.open != self.network.open:
                self.commands.clear(KILLED)
            try:
                if not self.ended:
                    await self.machine.set_network(network)
            except NotStarted:
                if not self.ended:
                    raise
            if self.ended:
                raise Gone
            self.network, self.network_given = network, dict(given)

    def end(self, how: End) -> None:
        """End everything in it at once; what it has on the host is for `remove`."""
        self.ended, self.ended_at = how, datetime.now(UTC)
        if self._deadline:
            self._deadline.cancel()
        self.commands.clear(Lost())
        self.machine.halt()

    async def remove(self) -> None:
        """Remove what it has on the host."""
        async with self._rebooting:
            await self.machine.remove()

    def take_metrics(self) -> None:
        """Note what it uses now, from any thread."""
        cpus, memory = self.machine.sample()
        size, now = self.born.size, time.time()
        self.metrics.append(
            {
                "timestamp": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
                "timestampUnix": int(now),
                "cpuCount": size.cpus,
                "cpuUsedPct": round(100 * cpus / size.cpus, 2),
                "memUsed": memory,
                "memTotal": size.memory_mib << 20,
                "memCache": 0,
                "diskUsed": self.machine.disk_bytes(),
                "diskTotal": size.disk_mib << 20,
            }
        )
