"""A JSON or YAML text as plain values, with the line of each value.

Both formats are parsed into the same events. One builder finds duplicate keys, invalid values and excessive depth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from generator.manifest.problems import Location, Problem
from generator.text import quoted

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None

# A manifest has 6 levels. The limit of pydantic's JSON parser is about 200.
MAX_DEPTH: Final = 32
# 10,000 crates with 50 values each take about 20 s in YAML, 2 s in JSON.
MAX_VALUES: Final = 500_000


class MalformedText(Exception):
    """The text is not JSON or YAML, or exceeds a limit; `line` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem((), sentence, line=line)


class Event(NamedTuple):
    """A parser event: the start or end of a container, or a scalar. Keys and values alternate in an object.

    `problem` says why a scalar is invalid; its value is then None.
    """

    kind: Literal["object", "list", "end", "scalar"]
    line: int
    value: str | int | float | bool | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Document:
    """The values of a text, the line where each starts, and problems found before validation by the models.

    The line of an object's member is that of its key. Of duplicate keys, the last one counts.
    """

    plain: Plain = None
    lines: dict[Location, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, loc: Location) -> int:
        """Return the line of a value; for a missing value, the line of the object around it."""
        while loc not in self.lines and loc:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def build_document(events: Iterable[Event]) -> Document:
    """Return the document of a whole text's events; MalformedText for an invalid structure."""
    builder = _Builder()
    for event in events:
        builder.add(event)
    if () not in builder.lines:
        raise MalformedText(1, "there is nothing in this file")
    return Document(builder.root[0], builder.lines, tuple(builder.problems))


@dataclass
class _Open:
    """A container whose end was not read yet, and in an object the key whose value comes next."""

    container: dict[str, Plain] | list[Plain]
    loc: Location
    key: str | None = None
    key_line: int = 0


class _Builder:
    """Builds the values from events. It has no recursion, so that depth is no problem."""

    def __init__(self) -> None:
        self.root: list[Plain] = []
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self.open: list[_Open] = [_Open(self.root, ())]
        self.values = 0

    def add(self, event: Event) -> None:
        top = self.open[-1]
        if event.kind == "end":
            self.open.pop()
        elif isinstance(top.container, dict) and top.key is None:
            self.add_key(top.container, top, event)
        else:
            self.add_value(top, event)

    def add_key(self, members: dict[str, Plain], top: _Open, event: Event) -> None:
        if event.kind != "scalar":
            raise MalformedText(event.line, "a key here is a list or an object; it must be a string")
        if not isinstance(event.value, str):
            raise MalformedText(
                event.line, event.problem or f"the key {quoted(event.value)} is not a string; put it in quotes"
            )
        loc = (*top.loc, event.value)
        if event.value in members:
            sentence = f"the key {quoted(event.value)} was given before (line {self.lines[loc]}); keep one of the two"
            self.problems.append(Problem(loc, sentence, line=event.line))
        top.key, top.key_line = event.value, event.line

    def add_value(self, top: _Open, event: Event) -> None:
        loc, line = self.location_of_next(top, event.line)
        self.values += 1
        if self.values > MAX_VALUES:
            raise MalformedText(line, f"there are more than {MAX_VALUES:,} values; a manifest needs far fewer")
        self.lines[loc] = line
        if event.problem:
            self.problems.append(Problem(loc, event.problem))
        value: Plain = event.value
        if event.kind != "scalar":
            value = self.open_container({} if event.kind == "object" else [], loc, event.line)
        if isinstance(top.container, list):
            top.container.append(value)
        else:
            top.container[top.key or ""] = value
            top.key = None

    def location_of_next(self, top: _Open, line: int) -> tuple[Location, int]:
        """Return the location and the line of the next value of a container."""
        if isinstance(top.container, dict):
            return (*top.loc, top.key or ""), top.key_line
        return ((*top.loc, len(top.container)) if top.container is not self.root else ()), line

    def open_container(self, container: dict[str, Plain] | list[Plain], loc: Location, line: int) -> Plain:
        if len(self.open) > MAX_DEPTH:
            raise MalformedText(line, f"values are nested more than {MAX_DEPTH} levels deep; a manifest needs fewer")
        self.open.append(_Open(container, loc))
        return container
