"""docs/security.md promises nothing that no test tries, and knows every attack that once succeeded."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.suite.test_attacks import claims
from tests.support import TOP

PAGE: Final = (TOP / "docs/security.md").read_text()
# Rows of tables: a promise or an attack, and in the last cell the test.
ROW: Final = re.compile(r"^\| (?!who|promise|number|---)(.*) \| (.*) \|$", re.MULTILINE)
TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
NUMBER: Final = re.compile(r"^\| ([HW]\d+) \|", re.MULTILINE)


def test_every_promise_names_a_test_that_is_there() -> None:
    _, _, promises = PAGE.partition("## What is kept")
    rows = ROW.findall(promises)
    assert len(rows) > 60
    for words, last in rows:
        found = TEST.fullmatch(last)
        assert found, f"{words} names no test"
        file, test = found.groups()
        assert re.search(rf"^def {test}\(", (TOP / file).read_text(), re.MULTILINE), f"{file} has no {test}"


def test_every_test_that_is_named_is_an_attack() -> None:
    """So `make attack` runs it."""
    for file, test in TEST.findall(PAGE):
        decorated = re.search(rf"((?:^[@ )].*\n|^\n)*)^def {test}\(", (TOP / file).read_text(), re.MULTILINE)
        assert decorated
        assert "@pytest.mark.attack(" in decorated[1], f"{file}::{test} is not marked"


def test_every_attack_of_the_table_is_told_of_and_the_other_way_round() -> None:
    assert {claim.entry for _, claim in claims() if claim.entry} == set(NUMBER.findall(PAGE))


def test_there_are_at_least_twenty_others() -> None:
    assert len({claim.words for _, claim in claims() if not claim.entry}) > 50


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_page_is_linked(page: str) -> None:
    assert "docs/security.md" in (TOP / page).read_text()
