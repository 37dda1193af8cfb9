"""Commands to GitHub's runner, read back the way the runner reads them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from generator.github_actions.workflow_commands import MAX_MESSAGE, Annotation, group, mask

COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*(?:[^:])*?))?::(?P<data>.*)")


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def read(line: str) -> tuple[str, dict[str, str], str]:
    found = COMMAND.fullmatch(line)
    assert found, line
    pairs = (each.partition("=") for each in (found["properties"] or "").split(",") if each)
    return found["name"], {key: unescaped(value) for key, _, value in pairs}, unescaped(found["data"])


@given(title=st.text(), message=st.text(max_size=MAX_MESSAGE), file=st.text(min_size=1), line=st.integers(1))
def test_an_annotation_is_one_line_that_says_what_was_meant(title: str, message: str, file: str, line: int) -> None:
    command = Annotation("error", title, message, file, line).command
    assert "\n" not in command
    assert "\r" not in command
    name, properties, data = read(command)
    assert (name, data) == ("error", message)
    assert {key: value for key, value in properties.items() if value} == {
        key: value for key, value in {"file": file, "line": str(line), "title": title}.items() if value
    }


def test_without_a_file_there_is_no_line_either() -> None:
    assert Annotation("warning", "a: b", "x", None, 3).command == "::warning title=a%3A b::x"


def test_a_long_message_is_cut_where_github_would_cut_it() -> None:
    assert len(read(Annotation("error", "t", "x" * 10_000).command)[2]) == MAX_MESSAGE


def test_every_line_of_a_secret_is_masked() -> None:
    assert mask("one%\n\n  \ntwo", 3) == ["::add-mask::one%25", "::add-mask::two"]


def test_a_line_that_ordinary_words_hold_is_not_masked() -> None:
    assert mask('{\n "key": "abc"\n}', 6) == ['::add-mask:: "key": "abc"']


def test_a_group_cannot_end_itself() -> None:
    assert group("x\n::endgroup::") == "::group::x%0A::endgroup::"
