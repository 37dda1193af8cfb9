from __future__ import annotations

import pytest

from generator.manifest.scalars import parse_number, parse_string


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ("1.50", 1.5), ("1e3", 1000.0), ("2E-1", 0.2), ("9" * 30, int("9" * 30))],
)
def test_numbers(text: str, value: float) -> None:
    read, problem = parse_number(text)
    assert (read, type(read), problem) == (value, type(value), None)


@pytest.mark.parametrize(
    "text", ["", "01", "+1", "1.", ".5", "1e", "0x1", "1_0", "NaN", "\u0661", "9" * 31, "1e400", "1\n"]
)
def test_invalid_numbers(text: str) -> None:
    value, problem = parse_number(text)
    assert value is None
    assert problem


def test_strings() -> None:
    assert parse_string("a\U0001f600\n") == ("a\U0001f600\n", None)
    assert parse_string("a\udc00") == (None, '"a\\udc00" has half of a surrogate pair, which is no character')
