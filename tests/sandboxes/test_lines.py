from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from generator.sandboxes.lines import Lines
from generator.sandboxes.sandbox import MAX_LINE


def lines_of(*chunks: bytes) -> list[str]:
    found: list[str] = []
    lines = Lines(found.append)
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
