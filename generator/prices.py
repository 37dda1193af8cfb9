"""Prices of sandboxes and of GitHub's runners, from the data files of this version.

Each file has the page with its numbers as `source`, and the `date` on which the page had them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from generator.manifest.values import Date
from generator.package_data import package_data
from generator.strict import Sentence, Strict

# Codes of ISO 4217.
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class SandboxPrices(Strict):
    """Prices of a running sandbox, by its size and not by its usage: for a second of one processor and of one GiB."""

    source: Sentence
    date: Date
    currency: Currency
    cpu_second: float
    gib_second: float

    def cost(self, cpus: int, memory_mib: int, seconds: float) -> float:
        """Return the cost of a sandbox in the currency of the prices."""
        return round(seconds * (cpus * self.cpu_second + memory_mib / 1024 * self.gib_second), 6)


class GitHubPlan(Strict):
    """A plan of GitHub: jobs that run at the same time, and minutes a month that private repositories have for free."""

    name: Sentence
    jobs: int
    minutes: int


class RunnerPrices(Strict):
    """The price of a standard Linux runner (x64) for a minute, and GitHub's plans, the smallest first.

    Standard runners are free in public repositories. Each job counts whole minutes, the last one too.
    """

    source: Sentence
    date: Date
    currency: Currency
    minute: float
    plans_sources: tuple[Sentence, ...]
    plans: tuple[GitHubPlan, ...]

    def plan(self, jobs: int) -> GitHubPlan:
        """Return the smallest plan with so many jobs at the same time, or the largest one."""
        return next((plan for plan in self.plans if plan.jobs >= jobs), self.plans[-1])


def load_sandbox_prices() -> SandboxPrices:
    """Return the prices of E2B's sandboxes."""
    return SandboxPrices.model_validate_json((package_data("e2b") / "prices.json").read_bytes())


def load_runner_prices() -> RunnerPrices:
    """Return the prices of GitHub's runners."""
    return RunnerPrices.model_validate_json(Path(__file__).with_name("runner_prices.json").read_bytes())


def money_text(amount: float) -> str:
    """Return an amount for people: two decimals, and four below 1."""
    return f"{amount:.4f}" if 0 < amount < 1 else f"{amount:.2f}"
