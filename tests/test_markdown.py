"""Others' words in Markdown."""

from __future__ import annotations

import re

import pytest

from generator.markdown import fenced, text


@pytest.mark.parametrize(
    "words", ["www.example.com", "WWW.example.com", "https://example.com", "[a](b)", "<b>", "@you"]
)
def test_words_are_neither_links_nor_marks(words: str) -> None:
    shown = text(words)
    assert shown != words
    assert re.sub(r"\\(.)", r"\1", shown) == words
    assert not re.search(r"(?<!\\)[\[<@:]|www\.", shown, re.IGNORECASE)


def test_versions_stay_readable() -> None:
    assert text("crate 1.0.0") == "crate 1.0.0"


@pytest.mark.parametrize("run", ["", "`", "```", " ````", "``````````"])
def test_no_line_ends_a_block_of_code(run: str) -> None:
    fence, _, block = fenced(f"{run}\nx\n", "diff").partition("diff\n")
    assert block == f"{run}\nx\n{fence}\n"
    assert fence not in run
    assert len(fence) >= 3
