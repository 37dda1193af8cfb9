"""A JSON or YAML text as plain values, with the line of every one of them.

Both formats are read as the same flow of events, so that one builder finds equal keys, odd values and too much depth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from generator.manifest.problems import Loc, Problem
from generator.text import quoted

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None

# A manifest is 6 deep; pydantic's own JSON reader gives up at about 200.
MAX_DEPTH: Final = 32
# 10,000 crates with 50 values each; about 20 s in YAML, 2 s in JSON.
MAX_VALUES: Final = 500_000


class Malformed(Exception):
    """The text cannot be read as values at all; `line` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem((), sentence, line=line)


class Event(NamedTuple):
    """One step through a text: a container opens or ends, or a scalar; keys and values alternate in an object.

    `problem` says why a scalar cannot be used; its value is then None.
    """

    kind: Literal["object", "list", "end", "scalar"]
    line: int
    value: str | int | float | bool | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Document:
    """The values of a text, the line where each begins, and what is wrong with them before any model looks.

    The line of an object's member is its key's. Of equal keys the last one holds.
    """

    plain: Plain = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, loc: Loc) -> int:
        """The line of a value; for one that is missing, the line of the object it is missing in."""
        while loc not in self.lines and loc:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def build(events: Iterable[Event]) -> Document:
    """The document that the events of one whole text describe; Malformed where they cannot be followed."""
    builder = _Builder()
    for event in events:
        builder.take(event)
    if () not in builder.lines:
        raise Malformed(1, "there is nothing in this file")
    return Document(builder.root[0], builder.lines, tuple(builder.problems))


@dataclass
class _Open:
    """A container that is being filled, and in an object the key that waits for its value."""

    container: dict[str, Plain] | list[Plain]
    loc: Loc
    key: str | None = None
    key_line: int = 0


class _Builder:
    """Puts the values together, without recursion, whatever the depth."""

    def __init__(self) -> None:
        self.root: list[Plain] = []
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []
        self.open: list[_Open] = [_Open(self.root, ())]
        self.values = 0

    def take(self, event: Event) -> None:
        top = self.open[-1]
        if event.kind == "end":
            self.open.pop()
        elif isinstance(top.container, dict) and top.key is None:
            self.take_key(top.container, top, event)
        else:
            self.take_value(top, event)

    def take_key(self, members: dict[str, Plain], top: _Open, event: Event) -> None:
        if event.kind != "scalar":
            raise Malformed(event.line, "a key here is a list or an object; it must be a string")
        if not isinstance(event.value, str):
            raise Malformed(
                event.line, event.problem or f"the key {quoted(event.value)} is not a string; put it in quotes"
            )
        loc = (*top.loc, event.value)
        if event.value in members:
            sentence = f"the key {quoted(event.value)} was given before (line {self.lines[loc]}); keep one of the two"
            self.problems.append(Problem(loc, sentence, line=event.line))
        top.key, top.key_line = event.value, event.line

    def take_value(self, top: _Open, event: Event) -> None:
        loc, line = self.place(top, event.line)
        self.values += 1
        if self.values > MAX_VALUES:
            raise Malformed(line, f"there are more than {MAX_VALUES:,} values; a manifest needs far fewer")
        self.lines[loc] = line
        if event.problem:
            self.problems.append(Problem(loc, event.problem))
        value: Plain = event.value
        if event.kind != "scalar":
            value = self.enter({} if event.kind == "object" else [], loc, event.line)
        if isinstance(top.container, list):
            top.container.append(value)
        else:
            top.container[top.key or ""] = value
            top.key = None

    def place(self, top: _Open, line: int) -> tuple[Loc, int]:
        """Where the next value of a container belongs."""
        if isinstance(top.container, dict):
            return (*top.loc, top.key or ""), top.key_line
        return ((*top.loc, len(top.container)) if top.container is not self.root else ()), line

    def enter(self, container: dict[str, Plain] | list[Plain], loc: Loc, line: int) -> Plain:
        if len(self.open) > MAX_DEPTH:
            raise Malformed(line, f"values are nested more than {MAX_DEPTH} deep; a manifest never is")
        self.open.append(_Open(container, loc))
        return container
