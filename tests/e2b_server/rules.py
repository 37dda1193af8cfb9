"""What the server is to be: its account's limits, its templates and how it is reached."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

API_KEY: Final = "e2b_" + "0123456789abcdef" * 2 + "01234567"


SMALL_DISK_MIB: Final = 256


@dataclass(frozen=True)
class TemplateSize:
    """What sandboxes of a template get; memory and disk in MiB.

    A disk of at most `SMALL_DISK_MIB` is a real one, for /build, and commands can fill it; of a larger one only uploads
    are held to its size.
    """

    cpus: int = 2
    memory_mib: int = 2_048
    disk_mib: int = 10_240


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Rules:
    """The account and the service.

    A sandbox without a timeout of its own lives for `default_timeout_seconds`, at the service 15.
    `creates_per_second` None is no limit; `retry_after` says whether a 429 tells when to come back. A create waits for
    `starts`, where there is one; `build_seconds` is how long a template's build takes. The two planes may lie below path prefixes
    and want headers, as behind a gateway. `page` is the longest page of a list. `metrics_seconds` is how often figures
    are taken, as at the service; less often where that takes long. `volumes` are the names of the account's volumes; a
    sandbox remembers its mounts, and has no files of them.
    """

    api_key: str = API_KEY
    max_sandboxes: int = 100
    creates_per_second: float | None = None
    retry_after: bool = True
    max_timeout_seconds: int = 86_400
    default_timeout_seconds: int = 15
    api_prefix: str = ""
    sandbox_prefix: str = ""
    api_headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    sandbox_headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    templates: Mapping[str, TemplateSize] = field(default_factory=lambda: {"base": TemplateSize()})
    starts: threading.Event | None = None
    build_seconds: float = 0.5
    page: int = 100
    metrics_seconds: float = 5.0
    volumes: frozenset[str] = frozenset()
