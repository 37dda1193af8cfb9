"""Questions on a terminal. Elsewhere nobody is asked, and the defaults count."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from generator.console.output import printable
from generator.errors import InputError, Interrupted

T = TypeVar("T")


def can_ask() -> bool:
    """Return whether a person can read a question and answer it."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def answer(question: str, default: str, parse: Callable[[str], T], given: str | None) -> T:
    """Return the value of an option; without one, of the answer on a terminal, or of the default.

    `parse` raises InputError for a wrong text. On a terminal the question is then asked again.
    """
    if given is not None or not can_ask():
        return parse(default if given is None else given)

    def value(text: str) -> T:
        try:
            return parse(text.strip())
        except InputError as error:
            raise click.UsageError(printable(error.message_with_fix)) from None

    try:
        answered: T = click.prompt(
            printable(question), default=default, show_default=bool(default), value_proc=value, err=True
        )
    except click.Abort:
        raise Interrupted("interrupted: nothing was written") from None
    return answered


def agreed(question: str) -> bool:
    """Return whether a person on a terminal agrees, which is the default; elsewhere True."""
    if not can_ask():
        return True
    try:
        return click.confirm(printable(question), default=True, err=True)
    except click.Abort:
        raise Interrupted("interrupted: nothing was written") from None
