"""What a sandbox may reach, and what the service says to a setting that is none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EVERYTHING: Final = ("0.0.0.0/0", "::/0")
_DOMAIN: Final = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,62})\.)*[a-z0-9]([a-z0-9-]{0,62})|\*", re.IGNORECASE)


class NetworkError(Exception):
    """The service refuses the setting."""


@dataclass(frozen=True)
class Network:
    """What a sandbox reaches: nothing (`open` is False), everything, or only hosts with these names."""

    open: bool = True
    names: tuple[str, ...] | None = None


def network_of(given: Mapping[str, Any], internet: bool | None) -> Network:
    """Return what a setting lets through; NetworkError where the service refuses it.

    Addresses cannot be told apart here: a denied one without all others stays open, and an allowed one opens no name.
    """
    allow, deny = list(given.get("allowOut") or ()), list(given.get("denyOut") or ())
    for each in deny:
        if not _is_address(each):
            raise NetworkError(f"invalid denied CIDR {each}")
    domains = [each for each in allow if not _is_address(each)]
    for each in domains:
        if not _DOMAIN.fullmatch(each):
            raise NetworkError(f"invalid allowed domain {each}")
    if domains and "0.0.0.0/0" not in deny:
        raise NetworkError("when specifying allowed domains in allow out, you must include 0.0.0.0/0 in deny out")
    closed = internet is False or any(each in EVERYTHING for each in deny)
    if not closed or any(each in EVERYTHING for each in allow):
        return Network()
    return Network(bool(allow), tuple(domains) if allow else None)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
