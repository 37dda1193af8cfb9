"""A test runs each command of the documentation, and the command takes each call of it, also in the middle of a sentence."""

from __future__ import annotations

import re
import shlex
from typing import Final

import click
import pytest

from generator import cli
from tests.documentation.pages import PAGES, all_blocks, blocks, spans
from tests.documentation.sessions import NOT_RUN, sessions
from tests.support import TOP

# A call within a line of a shell, to its end or the end of the substitution around it.
CALL: Final = re.compile(r"(?<![\w./-])cratematrix((?: +[^\s()|;&<>]+)*)")


def calls() -> list[tuple[str, str]]:
    """Return the places and arguments of all calls of the command."""
    shown = [(block.place, line) for block in blocks("sh") for line in block.text.replace("\\\n", " ").splitlines()]
    shown += [
        (str(page.relative_to(TOP)), span) for page in PAGES for span in spans(page) if span.startswith("cratematrix ")
    ]
    without_comments = [(place, re.sub(r"(^| )#.*", "", line)) for place, line in shown]
    return [(place, found[1].strip()) for place, line in without_comments for found in CALL.finditer(line)]


def parse(words: list[str]) -> None:
    """Parse words as the command line does, but look at no file; a wrong option or choice raises UsageError."""
    command: click.Command = cli.main
    context = click.Context(command, info_name="cratematrix")
    while True:
        values, rest, _ = command.make_parser(context).parse_args(words)
        for option in command.params:
            for value in [values[option.name]] if option.name in values else []:
                if isinstance(option.type, click.Choice):
                    option.type.convert(value, option, context)
        if not isinstance(command, click.Group) or not rest:
            assert not rest, f"{rest} are no arguments of {command.name}"
            return
        _, found, words = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, click.Context(found, info_name=rest[0], parent=context)


def test_every_call_of_the_command_is_one_that_it_takes() -> None:
    found = calls()
    assert len(found) > 60
    for place, words in found:
        try:
            parse(shlex.split(words.replace("…", "").replace("...", "")))
        except click.UsageError as error:
            pytest.fail(f"{place}: cratematrix {words}: {error.format_message()}")


def test_each_command_is_typed_by_a_test_or_has_a_reason_why_not() -> None:
    run = {block.place for session in sessions().values() for block in session.blocks}
    left = [
        f"{block.place}: {line}"
        for block in blocks("sh")
        for line in block.text.splitlines()
        if block.place not in run and line not in NOT_RUN
    ]
    assert left == []
    assert {block.language for block in all_blocks()} == {"sh", "json", "yaml", "ini", "mermaid"}


def test_no_page_lacks_a_command_that_has_a_reason() -> None:
    assert NOT_RUN.keys() <= {line for block in blocks("sh") for line in block.text.splitlines()}


def test_each_session_is_one_that_a_test_types() -> None:
    texts = [file.read_text() for file in TOP.glob("tests/**/test_*.py")]
    for name in sessions():
        assert any(re.search(rf"\b{name}\b", text) for text in texts), name
