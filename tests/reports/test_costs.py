"""Size hints, from the usage of sandboxes."""

from __future__ import annotations

import pytest

from generator.reports.costs import size_hint
from generator.sandboxes.contract import SIZES, Usage


def usage(size: str, peak_mib: int | None, seconds: float = 3_600) -> Usage:
    return Usage("i1", SIZES[size], seconds, peak_memory=peak_mib and peak_mib << 20)  # type: ignore[index]


@pytest.mark.parametrize(
    ("size", "peak", "hint"),
    [
        ("large", 500, "size small would do: its peak was 500 of 8192 MiB"),
        ("large", 2_500, "size standard would do: its peak was 2500 of 8192 MiB"),
        ("standard", 3_000, None),
        ("standard", 3_900, "size large would be safer: its peak was 3900 of 4096 MiB"),
        ("large", 8_000, None),
        ("small", 100, None),
        ("standard", None, None),
    ],
)
def test_a_hint_names_the_size_that_would_suit(size: str, peak: int | None, hint: str | None) -> None:
    assert size_hint((usage(size, peak),), SIZES) == hint


def test_without_a_sandbox_there_is_no_hint() -> None:
    assert size_hint((), SIZES) is None
