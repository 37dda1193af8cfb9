from __future__ import annotations

import pytest

from generator.manifest.schedules import schedule_error


@pytest.mark.parametrize("cron", ["17 3 * * 1", "*/5 * * * *", "0,30 0-6/2 1 */3 0", "5 5 31 12 6", "0/15 * * * *"])
def test_schedules_that_github_accepts(cron: str) -> None:
    assert schedule_error(cron) is None


@pytest.mark.parametrize(
    ("cron", "name"),
    [
        ("99 * * * *", "minute 99"),
        ("5-1 * * * *", "minute 5-1"),
        ("*/0 * * * *", r"minute \*/0"),
        ("0 24 * * *", "hour 24"),
        ("0 0 0 * *", "day 0"),
        ("0 0 * 13 *", "month 13"),
        ("0 0 * * 7", "weekday 7"),
        ("0 0 * * 1,,2", "weekday 1,,2"),
    ],
)
def test_an_invalid_field_is_named(cron: str, name: str) -> None:
    assert f"its {name.replace(chr(92), '')} is invalid: use numbers" in str(schedule_error(cron))


@pytest.mark.parametrize("cron", ["* * * * *", "*/4 * * * *", "1,2 * * * *", "0,57 * * * *"])
def test_the_shortest_interval_is_five_minutes(cron: str) -> None:
    assert schedule_error(cron) == "it runs more often than every 5 minutes"
