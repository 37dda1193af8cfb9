"""Untrusted text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from generator.markdown import code, code_block, escape, folded, link, table
from generator.text import plain

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKS = [
    "\n",
    "\n\n",
    "\r",
    "\t",
    "    ",
    "# ",
    "- ",
    "+ ",
    "* ",
    "1. ",
    "2) ",
    "> ",
    "---",
    "===",
    "```",
    "~~~",
    "|",
    "\\",
    "<b>",
    "word",
]
WORDS = st.one_of(st.lists(st.sampled_from(MARKS), max_size=6).map("".join), st.text(max_size=20))
PLACES = ["{0}", "- {0}", "1. {0}", "> {0}", "before\n{0}\nafter", "before\n\n{0}", "# {0}"]


def structure(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Yield all tokens except text."""
    for token in tokens:
        if token.type != "text":
            yield token.type, token.tag
        yield from structure(token.children or [])


@pytest.mark.parametrize("place", PLACES)
@given(words=WORDS)
def test_words_are_words_wherever_they_stand(place: str, words: str) -> None:
    harmless = "word" if plain(words).strip() else ""
    assert [*structure(READER.parse(place.format(escape(words))))] == [*structure(READER.parse(place.format(harmless)))]


@given(words=WORDS | st.text("`x ", max_size=9))
def test_inline_code_is_one_piece_with_all_words(words: str) -> None:
    (paragraph,) = READER.parseInline(f"before {code(words)}. After")
    pieces = [each for each in paragraph.children or [] if each.type != "text"]
    said = plain(words).strip()
    assert [(each.type, each.content) for each in pieces] == ([("code_inline", said)] if said else [])


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
def test_a_table_has_its_rows_and_cells_whatever_is_in_them(rows: list[tuple[str, str]]) -> None:
    tokens = READER.parse("\n".join(table(("one", "two"), rows)))
    cells = [token.content for before, token in pairwise(tokens) if before.type == "td_open"]
    shown = ["".join(part.content for part in READER.parseInline(cell)[0].children or []) for cell in cells]
    assert shown == [plain(cell).strip() for row in rows for cell in row]


@pytest.mark.parametrize(
    "words", ["www.example.com", "WWW.example.com", "https://example.com", "[a](b)", "<b>", "@you"]
)
def test_words_are_neither_links_nor_marks(words: str) -> None:
    shown = escape(words)
    assert shown != words
    assert re.sub(r"\\(.)", r"\1", shown) == words
    assert not re.search(r"(?<!\\)[\[<@:]|www\.", shown, re.IGNORECASE)


def test_versions_stay_readable() -> None:
    assert escape("crate 1.0.0") == "crate 1.0.0"


@pytest.mark.parametrize("run", ["", "`", "```", " ````", "``````````"])
def test_no_line_ends_a_block_of_code(run: str) -> None:
    fence, _, block = code_block(f"{run}\nx\n", "diff").partition("diff\n")
    assert block == f"{run}\nx\n{fence}\n"
    assert fence not in run
    assert len(fence) >= 3


@given(text=WORDS, path=WORDS)
def test_no_text_and_no_address_ends_a_link(text: str, path: str) -> None:
    said = plain(text).strip()
    tokens = [*structure(READER.parse(f"| a |\n| --- |\n| {link('x' + said.replace('|', ''), f'https://x/{path}')} |"))]
    assert [*structure(READER.parse("| a |\n| --- |\n| [`x`](https://x/) |"))] == tokens


def test_a_folded_part_is_markdown_and_one_without_lines_is_not_there() -> None:
    shown = [each.type for each in READER.parse("\n".join(folded("Title", ["- one"])))]
    assert shown[0] == shown[-1] == "html_block"
    assert "list_item_open" in shown
    assert folded("Title", []) == []
