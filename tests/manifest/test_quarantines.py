"""The quarantine of a crate: its days, and what is said about a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from generator.manifest.crate_models import Quarantine
from tests.manifest.conftest import ProblemsOf

Example = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    ("today", "state"), [("2026-02-27", "holds"), ("2026-02-28", "holds"), ("2026-03-01", "ended")]
)
def test_it_holds_to_the_end_of_its_last_day(today: str, state: str) -> None:
    assert Quarantine(reason="its author is away", until="2026-02-28").state(date.fromisoformat(today)) == state


def test_all_that_is_wrong_with_it_has_a_line(example: Example, problems_of: ProblemsOf) -> None:
    manifest = example()
    manifest["crates"][0]["quarantine"] = {"until": "2026-02-29", "reson": "it fails"}
    keys = [each.partition(":")[2].partition(": ")[2] for each in problems_of(manifest)]
    assert keys == [
        "$.crates[0].quarantine.reason: is required and missing",
        '$.crates[0].quarantine.until: "2026-02-29" is not a date: the calendar does not have that day',
        '$.crates[0].quarantine.reson: unknown key; did you mean "reason"?',
    ]


def test_a_date_of_yaml_is_put_in_quotes(
    example: Example, problems_of: ProblemsOf, as_yaml: Callable[[object], str]
) -> None:
    text = as_yaml(example()).replace("'2026-12-31'", "2026-12-31")
    (problem,) = problems_of(text, ".yaml")
    assert problem.endswith('"2026-12-31" is a date in YAML, and a manifest has none; put a string in quotes')
