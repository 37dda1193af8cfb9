"""The pages of the documentation, and what they show: blocks of code, spans of code and links."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support import TOP

PAGES: Final = tuple(
    sorted([*TOP.glob("docs/*.md"), *(TOP / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY"))])
)
_MARKDOWN: Final = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and its place as FILE:LINE."""

    language: str
    text: str
    place: str


@cache
def all_blocks() -> tuple[Block, ...]:
    """Return the blocks of all pages."""
    return tuple(
        Block(token.info, token.content, f"{page.relative_to(TOP)}:{(token.map or [0])[0] + 1}")
        for page in PAGES
        for token in _tokens(page)
        if token.type in {"fence", "code_block"}
    )


def blocks(language: str) -> list[Block]:
    """Return the blocks of a language on all pages."""
    return [block for block in all_blocks() if block.language == language]


def spans(page: Path) -> list[str]:
    """Return the spans of code of a page."""
    return [token.content for token in _tokens(page) if token.type == "code_inline"]


def links(page: Path) -> list[str]:
    """Return the addresses of a page's links and images."""
    return [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for token in _tokens(page)
        if token.type in {"link_open", "image"}
    ]


def headings(page: Path, tag: str) -> list[str]:
    """Return the texts of a page's headings."""
    tokens = _MARKDOWN.parse(page.read_text())
    return [text.content for opened, text in pairwise(tokens) if opened.type == "heading_open" and opened.tag == tag]


def site() -> dict[str, Any]:
    """Return the names of the hooks that make the site."""
    return runpy.run_path(str(TOP / ".ci/pages.py"))


@cache
def _tokens(page: Path) -> tuple[Token, ...]:
    tokens = _MARKDOWN.parse(page.read_text())
    return tuple(each for token in tokens for each in (token, *(token.children or ())))
