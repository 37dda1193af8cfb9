"""Hosts and ports that each setting allows."""

from __future__ import annotations

import pytest

from generator.manifest.values import FetchHosts
from generator.network.endpoints import Endpoint
from generator.network.rules import rules_of

OWN, NAMED = Endpoint("own.example.com", 8443), Endpoint("git.example.com", 443)


@pytest.mark.parametrize(
    ("setting", "allowed", "refused"),
    [
        ("auto", [OWN, NAMED], [("own.example.com", 443), ("git.example.com", 80), ("example.com", 443)]),
        ("open", [OWN, NAMED, ("example.com", 22)], []),
        (("*.example.com",), [("own.example.com", 443), ("a.example.com", 80), OWN], [("example.com", 443), ("a.example.com", 22)]),
        (("example.com", "auto"), [OWN, NAMED, ("example.com", 443)], [("a.example.com", 443)]),
        (("example.com",), [("example.com", 80)], [OWN, NAMED]),
    ],
)  # fmt: skip
def test_hosts_that_a_setting_allows(
    setting: FetchHosts, allowed: list[tuple[str, int]], refused: list[tuple[str, int]]
) -> None:
    rules = rules_of(setting, frozenset({OWN}), frozenset({NAMED}))
    assert all(rules.allows(Endpoint(*each)) for each in allowed)
    assert not any(rules.allows(Endpoint(*each)) for each in refused)


def test_a_source_configures_no_registry() -> None:
    rules = rules_of("auto", frozenset({OWN}), frozenset({NAMED}))
    assert (rules.may_be_private(OWN), rules.may_be_private(NAMED)) == (True, False)
    assert not rules_of(("git.example.com",), frozenset({OWN}), frozenset({NAMED})).may_be_private(NAMED)
