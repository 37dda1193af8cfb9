"""Rules for addresses: a sandbox may connect to the Internet, and to registries of the user's own configuration."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

# Metadata services of clouds, beside 169.254.169.254: Alibaba's, Oracle's, Azure's, Amazon's.
METADATA_SERVICES: Final = frozenset(
    ip_address(each) for each in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
# Networks whose last four bytes are an IPv4 address: https://www.rfc-editor.org/rfc/rfc6052 and rfc8215.
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_IPV4_COMPATIBLE: Final = IPv6Network("::/96")
_UNSPECIFIED: Final = IPv4Network("0.0.0.0/8")


def address_kind(address: Address) -> str | None:
    """Return the kind of an address, or None for one of the Internet. An embedded IPv4 address decides."""
    inner = _embedded_ipv4(address)
    if inner is not None:
        return address_kind(inner)
    if address in METADATA_SERVICES:
        return "metadata"
    if address.is_unspecified or (address.version == 4 and address in _UNSPECIFIED):
        return "unspecified"
    for name, matches in (
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("reserved", address.is_reserved),
    ):
        if matches:
            return name
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return "private" if site_local or not address.is_global else None


def forbidden_kind(host: str, address: Address, configured: bool) -> str | None:
    """Return the kind of an address that a host may not have, or None when it may have it.

    `configured` says that the user's or the tools' own configuration names the host. Such a mirror may lie in a private
    network, and on this machine when its name is localhost.
    """
    kind = address_kind(address)
    if kind is None or (configured and kind == "private"):
        return None
    return None if configured and kind == "loopback" and is_loopback(host) else kind


def is_loopback(host: str) -> bool:
    """Return True if a host is this machine by its name. No other name may lead to loopback."""
    literal = literal_address(host)
    if literal is not None:
        return address_kind(literal) == "loopback"
    return host == "localhost" or host.endswith(".localhost")


def literal_address(host: str) -> Address | None:
    """Return the address when a host is written as one, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFF_FFFF
    if any(address in each for each in _NAT64) or (address in _IPV4_COMPATIBLE and low > 1):
        return IPv4Address(low)
    return None
