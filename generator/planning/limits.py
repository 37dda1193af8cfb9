"""Limits of the accounts at GitHub and E2B that a plan meets, and how many of its jobs build at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from generator.manifest.fleet_models import Fleet, Limits
from generator.manifest.models import Manifest
from generator.manifest.settings import settings
from generator.manifest.values import BackendName
from generator.planning.costs import Costs
from generator.prices import GitHubPlan, RunnerPrices
from generator.strict import Strict

LimitName = Literal[
    "jobs", "sandboxes", "creates_minutes", "session_minutes", "runner_minutes", "assets", "requests_an_hour"
]


class Limit(Strict):
    """A limit, and what the plan needs of it; the sentence is for people, None while the limit does not bind."""

    name: LimitName
    needed: float
    limit: float
    sentence: str | None = None


def jobs_at_once(fleet: Fleet, backend: BackendName, jobs: int) -> int:
    """Return how many of a run's jobs may build at the same time, by the limits of the accounts."""
    at_once = min(jobs, fleet.limits.github_jobs)
    return min(at_once, max(1, fleet.limits.e2b_sandboxes // fleet.slots_per_job)) if backend == "e2b" else at_once


def plan_limits(
    manifest: Manifest, costs: Costs, makespan_minutes: float, prices: RunnerPrices, slots_per_job: int
) -> tuple[Limit, ...]:
    """Return the limits that the jobs of a plan meet, in `makespan_minutes`; those of a release are in its budget."""
    limits, jobs = manifest.fleet.limits, len(costs.shards)
    built = sum(1 for each in costs.crates if each.minutes.likely)
    found = [_jobs(limits, jobs), _runner_minutes(costs, prices.plan(limits.github_jobs))]
    if costs.backend == "e2b":
        found += [
            _sandboxes(limits, min(slots_per_job * min(jobs, limits.github_jobs), built)),
            _creates(limits, built, makespan_minutes),
            _session(manifest),
        ]
    return tuple(found)


def binding(limits: Iterable[Limit]) -> list[str]:
    """Return the sentences of the limits that bind."""
    return [each.sentence for each in limits if each.sentence]


def limit(name: LimitName, needed: float, most: float, sentence: str) -> Limit:
    """Return a limit; the sentence is for a need that is more than `most`."""
    return Limit(name=name, needed=needed, limit=most, sentence=sentence if needed > most else None)


def _jobs(limits: Limits, jobs: int) -> Limit:
    at_once = limits.github_jobs
    return limit("jobs", jobs, at_once, f"of {jobs} jobs {at_once} run at once: limits.github_jobs")


def _runner_minutes(costs: Costs, plan: GitHubPlan) -> Limit:
    likely = costs.runner_minutes.likely
    sentence = (
        f"{likely:,.0f} runner minutes are more than the {plan.minutes:,} a month "
        f"that GitHub {plan.name} has for private repositories"
    )
    return limit("runner_minutes", likely, plan.minutes, sentence)


def _sandboxes(limits: Limits, at_once: int) -> Limit:
    allowed = limits.e2b_sandboxes
    sentence = f"of {at_once} sandboxes {allowed} run at once: limits.e2b_sandboxes"
    return limit("sandboxes", at_once, allowed, sentence)


def _creates(limits: Limits, sandboxes: int, makespan_minutes: float) -> Limit:
    """Return the time that it takes to start all sandboxes, which binds where it is more than that of the builds."""
    rate = limits.e2b_creates_per_second
    minutes = round(sandboxes / rate / 60, 3)
    sentence = f"{sandboxes} sandboxes start in {minutes:.3g} minutes: limits.e2b_creates_per_second"
    return limit("creates_minutes", minutes, makespan_minutes, sentence)


def _session(manifest: Manifest) -> Limit:
    longest = max(settings(manifest.fleet, crate).timeout_minutes for crate in manifest.crates)
    lives = manifest.fleet.limits.e2b_session_minutes
    sentence = f"a timeout is {longest:g} minutes, but a sandbox lives {lives:g}: timeout_minutes, limits"
    return limit("session_minutes", longest, lives, sentence)
