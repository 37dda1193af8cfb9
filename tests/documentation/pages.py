"""The pages of the documentation, and what they show: blocks of code, spans of code, links and sessions of a shell."""

from __future__ import annotations

import os
import runpy
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support import COMMAND, HANGS, TOP

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


def blocks(language: str) -> list[Block]:
    """Return the blocks of a language on all pages."""
    return [
        Block(language, token.content, f"{page.relative_to(TOP)}:{(token.map or [0])[0] + 1}")
        for page in PAGES
        for token in _tokens(page)
        if token.type == "fence" and token.info == language
    ]


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


def session(page: str, *, first: str, last: str) -> str:
    """Return the shell blocks of a page, from the one that begins with `first` to the one that begins with `last`."""
    texts = [block.text for block in blocks("sh") if block.place.startswith(f"{page}:")]
    begin, end = (next(place for place, text in enumerate(texts) if text.startswith(words)) for words in (first, last))
    return "\n".join(texts[begin : end + 1])


def typed(text: str, cwd: Path, **variables: str) -> str:
    """Run lines in bash and return what they print; AssertionError when a line fails."""
    path = f"{Path(COMMAND).parent}:{os.environ['PATH']}"
    words = ["bash", "-euxo", "pipefail", "-c", text]
    env = {**os.environ, **variables, "PATH": path}
    ran = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=HANGS, check=False)  # noqa: TID251
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def site() -> dict[str, Any]:
    """Return the names of the hooks that make the site."""
    return runpy.run_path(str(TOP / ".ci/pages.py"))


def _tokens(page: Path) -> Iterator[Token]:
    for token in _MARKDOWN.parse(page.read_text()):
        yield token
        yield from token.children or ()
