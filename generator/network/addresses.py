"""Which addresses a sandbox may be connected to: those of the Internet, and a registry of the user's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

# Where clouds answer their machines' questions, beside 169.254.169.254: Alibaba's, Oracle's, Azure's, Amazon's.
METADATA_SERVICES: Final = frozenset(
    ip_address(each) for each in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
# https://www.rfc-editor.org/rfc/rfc6052 and rfc8215: their last four bytes are an IPv4 address.
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
_NOWHERE: Final = IPv4Network("0.0.0.0/8")


def address_kind(address: Address) -> str | None:
    """Return what kind of address it is, None for one of the Internet; one within another counts as itself."""
    inner = _inner(address)
    if inner is not None:
        return address_kind(inner)
    if address in METADATA_SERVICES:
        return "metadata"
    if address.is_unspecified or (address.version == 4 and address in _NOWHERE):
        return "unspecified"
    for name, holds in (
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("reserved", address.is_reserved),
    ):
        if holds:
            return name
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return "private" if site_local or not address.is_global else None


def forbidden_kind(host: str, address: Address, own: bool) -> str | None:
    """Return the kind of an address that a host may not have, None where it may.

    `own` says that the user's or the tools' own configuration names the host: a mirror may lie in a private network,
    and what is called localhost on this machine.
    """
    kind = address_kind(address)
    if kind is None or (own and kind == "private"):
        return None
    return None if own and kind == "loopback" and is_loopback(host) else kind


def is_loopback(host: str) -> bool:
    """Whether a name says that it is this machine: any other that leads here is no registry's."""
    literal = literal_address(host)
    if literal is not None:
        return address_kind(literal) == "loopback"
    return host == "localhost" or host.endswith(".localhost")


def literal_address(host: str) -> Address | None:
    """Return the address that a host is written as, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _inner(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFF_FFFF
    if any(address in each for each in _TRANSLATED) or (address in _COMPATIBLE and low > 1):
        return IPv4Address(low)
    return None
