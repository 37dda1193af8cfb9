from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.sandboxes.contract import MAX_LINE
from generator.sandboxes.lines import MAX_OUTPUT_BYTES, MIN_LINE_COST, TAIL_BYTES, LineSplitter


def lines_of(*chunks: bytes) -> list[str]:
    found: list[str] = []
    lines = LineSplitter(found.append)
    for chunk in chunks:
        lines.feed(chunk)
    lines.end()
    return found


def test_every_kind_of_break_ends_a_line() -> None:
    assert lines_of(b"a\nb\rc\r\nd\n\ne") == ["a", "b", "c", "d", "", "e"]


def test_a_break_in_two_chunks_is_one() -> None:
    assert lines_of(b"a\r", b"\nb\r", b"c") == ["a", "b", "c"]


def test_a_character_in_two_chunks_is_one() -> None:
    assert lines_of("ä€".encode()[:1], "ä€".encode()[1:4], "ä€".encode()[4:]) == ["ä€"]


def test_half_a_character_at_the_end_is_replaced() -> None:
    assert lines_of("ä".encode()[:1]) == ["\ufffd"]


def test_nothing_is_no_line() -> None:
    assert lines_of() == lines_of(b"") == []


def test_a_long_line_comes_in_pieces_of_the_greatest_length() -> None:
    assert [len(line) for line in lines_of(b"x" * (2 * MAX_LINE + 1) + b"\ny")] == [MAX_LINE, MAX_LINE, 1, 1]


@given(st.lists(st.text(alphabet="ab\r\nä", max_size=40)), st.integers(1, 7))
def test_how_output_is_cut_into_chunks_makes_no_difference(parts: list[str], size: int) -> None:
    output = "".join(parts).encode()
    chunks = [output[start : start + size] for start in range(0, len(output), size)]
    assert (
        lines_of(*chunks) == lines_of(output) == "".join(parts).replace("\r\n", "\n").replace("\r", "\n").splitlines()
    )


@pytest.mark.parametrize("line", [b"\n", b"y\n", b"y" * 500 + b"\n", b"\xe4" * 2 * MAX_LINE])
@pytest.mark.attack("output without end is read no further than its bound", entry="W13")
def test_of_output_without_end_only_so_many_lines_and_the_last_ones_are_delivered(line: bytes) -> None:
    chunk = (line * (TAIL_BYTES // len(line) + 1))[:TAIL_BYTES]
    lines = lines_of(*[chunk] * (2 * MAX_OUTPUT_BYTES // TAIL_BYTES), b"\nlast words")
    [notice] = [number for number, each in enumerate(lines) if each.startswith("(more than 32 MiB of output")]
    assert notice <= (MAX_OUTPUT_BYTES + MIN_LINE_COST * TAIL_BYTES) / MIN_LINE_COST
    assert len(lines) - notice <= TAIL_BYTES
    assert lines[-1] == "last words"


def test_what_is_little_more_than_the_bound_is_delivered_whole() -> None:
    line = b"y" * 999 + b"\n"
    count = MAX_OUTPUT_BYTES // len(line) + 2
    assert lines_of(line * count, b"and\xc3", b"\xa4\nmore") == ["y" * 999] * count + ["and\u00e4", "more"]
