"""The prices in the data files, and amounts for people."""

from __future__ import annotations

from datetime import date

import pytest

from generator.prices import load_runner_prices, load_sandbox_prices, money_text


def test_an_hour_of_the_largest_sandbox_costs_what_the_price_page_says() -> None:
    """8 processors at 0.0504 and 8 GiB at 0.0162 an hour."""
    assert load_sandbox_prices().cost(8, 8_192, 3_600) == pytest.approx(8 * 0.0504 + 8 * 0.0162)


def test_prices_say_where_they_are_from_and_when_and_are_in_one_currency() -> None:
    sandboxes, runners = load_sandbox_prices(), load_runner_prices()
    assert sandboxes.source.startswith("https://e2b.dev/")
    assert all(each.startswith("https://docs.github.com/") for each in (runners.source, *runners.plans_sources))
    assert all(date.fromisoformat(each.date) <= date.today() for each in (sandboxes, runners))
    assert sandboxes.currency == runners.currency == "USD"


@pytest.mark.parametrize(
    ("jobs", "plan"),
    [(1, "Free"), (20, "Free"), (21, "Pro"), (40, "Pro"), (60, "Team"), (61, "Enterprise Cloud"), (1_000, "Enterprise Cloud")],
)  # fmt: skip
def test_the_number_of_jobs_tells_the_plan(jobs: int, plan: str) -> None:
    assert load_runner_prices().plan(jobs).name == plan


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "0.00"), (0.00004, "0.0000"), (0.0631, "0.0631"), (12.346, "12.35")]
)
def test_an_amount_for_people(amount: float, text: str) -> None:
    assert money_text(amount) == text
