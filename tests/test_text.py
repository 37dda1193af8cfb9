"""Hostile text never controls a terminal or GitHub's runner, and never breaks a report."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from generator.strict import MAX_SENTENCE, Sentence
from generator.text import escaped, plain, quoted, without_commands

ANYTHING = st.text(st.characters())


@given(ANYTHING)
def test_plain_text_is_one_printable_line_of_valid_utf_8(text: str) -> None:
    safe = plain(text)
    assert not any(ord(character) < 32 and character != "\t" for character in safe)
    assert not set(safe) & set("\x7f\u2028\u2029\u202e")
    assert safe.encode().decode() == safe


def test_colours_titles_and_links_are_removed() -> None:
    assert plain("\x1b[1;31merror\x1b[0m \x1b]8;;http://x\x07here\x1b]8;;\x07") == "error here"
    assert plain("to\x1b(Bken") == "token"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("::error::x", ": :error::x"),
        ("  ::add-mask::x", "  : :add-mask::x"),
        ("a ##[error]x ##[group]", "a # #[error]x # #[group]"),
        ("crate::module::item", "crate::module::item"),
        ("a\n::error::b", "a ::error::b"),
    ],
)
def test_no_line_is_a_command_to_the_runner(text: str, safe: str) -> None:
    assert without_commands(text) == safe


@given(ANYTHING)
def test_whatever_a_model_is_given_can_be_written_as_json(text: str) -> None:
    class Model(BaseModel):
        said: Sentence

    model = Model(said=text)
    assert len(model.said) <= MAX_SENTENCE
    assert Model.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b", '"a b"'),
        ("h\u00e9", '"h\u00e9"'),
        ('"\\', r'"\"\\"'),
        ("\x1b]0;\r\n\u202e\u2028\ud800", r'"\x1b]0;\r\n\u202e\u2028\ud800"'),
        ("x" * 60, f'"{"x" * 60}"'),
        ("x" * 61, f'"{"x" * 60}..."'),
        ("::error::", r'":\x3aerror:\x3a"'),
        (":::", r'":\x3a:"'),
        ("::::", r'":\x3a:\x3a"'),
        ("###[stop]", r'"###\x5bstop]"'),
        (1, "1"),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ([1], "a list"),
        ({}, "an object"),
    ],
)
def test_values_in_messages(value: object, shown: str) -> None:
    assert quoted(value) == shown


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from(':#[\n\r\x1b\u2028\u202e\ud800ab"\\') | st.characters()))
def test_no_text_escapes_its_line(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    assert "::" not in shown
    assert "##[" not in shown
    assert len(quoted(text * 50)) <= 2 + 10 * 60 + 3
