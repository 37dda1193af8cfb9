"""Addresses that the proxy never connects to, in any notation."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from generator.network.addresses import address_kind, forbidden_kind

KINDS = {
    "loopback": ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"],
    "private": ["10.1.1.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fec0::1", "2001:0:1::1", "198.18.0.1",
                "203.0.113.8"],
    "metadata": ["168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "::ffff:168.63.129.16"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],  # noqa: S104
    "multicast": ["224.0.0.1", "ff02::1"],
    "reserved": ["240.0.0.1", "255.255.255.255"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_the_kinds_of_addresses(kind: str, text: str) -> None:
    assert address_kind(ip_address(text)) == kind
    assert forbidden_kind("example.com", ip_address(text), configured=False) == kind


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8", "2002:101:101::1"]
)
def test_those_of_the_internet(text: str) -> None:
    assert forbidden_kind("example.com", ip_address(text), configured=False) is None


@pytest.mark.parametrize(
    ("host", "address", "closed"),
    [
        ("mirror.example.com", "10.0.0.1", None),
        ("localhost", "127.0.0.1", None),
        ("npm.localhost", "::1", None),
        ("127.0.0.1", "127.0.0.1", None),
        ("mirror.example.com", "127.0.0.1", "loopback"),
        ("10.0.0.1", "127.0.0.1", "loopback"),
        ("mirror.example.com", "169.254.169.254", "link-local"),
        ("mirror.example.com", "fd00:ec2::254", "metadata"),
        ("localhost", "169.254.169.254", "link-local"),
    ],
)
def test_a_registry_of_ones_own_may_be_private_and_what_is_called_localhost_here(
    host: str, address: str, closed: str | None
) -> None:
    assert forbidden_kind(host, ip_address(address), configured=True) == closed
