"""YAML text as parser events with lines: only values that JSON has too, and comments.

Anchors, aliases, tags and dates are refused. They can expand a small file, run code, or change a value unexpectedly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode

from generator.manifest.document import Event, MalformedText
from generator.manifest.scalars import parse_number, parse_string
from generator.text import escaped, quoted

_CORE: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = {"true": True, "false": False}


def yaml_events(text: str) -> Iterator[Event]:
    """Yield the events of a YAML text; MalformedText if it is not YAML or uses a refused feature."""
    yaml = YAML(typ="safe", pure=True)
    documents, line = 0, 1
    try:
        for event in yaml.parse(text):
            line = _line(event)
            documents += isinstance(event, DocumentStartEvent)
            if documents > 1:
                raise MalformedText(line, "a second YAML document starts here; a manifest is one document")
            if isinstance(event, NodeEvent):
                _refuse_indirection(event)
                yield _node(yaml, event)
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                yield Event("end", line)
    except MarkedYAMLError as error:
        raise MalformedText(*_line_and_error(error)) from None
    # ruamel.yaml raises these, without a position, for huge numbers in escapes and directives.
    except (YAMLError, ValueError, OverflowError) as error:
        raise MalformedText(line, f"this is not YAML, here or just after: {escaped(str(error)[:200])}") from None


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _refuse_indirection(event: NodeEvent) -> None:
    if isinstance(event, AliasEvent) or event.anchor is not None:
        sign = "*" if isinstance(event, AliasEvent) else "&"
        name = quoted(f"{sign}{event.anchor}")
        raise MalformedText(_line(event), f"{name}: anchors and aliases are not allowed; write the value itself")
    tag = getattr(event, "tag", None)
    if tag is not None:
        raise MalformedText(_line(event), f"{quoted(str(tag))}: tags are not allowed; remove it")


def _node(yaml: YAML, event: NodeEvent) -> Event:
    if isinstance(event, MappingStartEvent):
        return Event("object", _line(event))
    if isinstance(event, SequenceStartEvent):
        return Event("list", _line(event))
    scalar = cast(ScalarEvent, event)
    tag = yaml.resolver.resolve(ScalarNode, scalar.value, scalar.implicit)
    return Event("scalar", _line(event), *_scalar(scalar.value, tag))


def _scalar(text: str, tag: Any) -> tuple[str | int | float | bool | None, str | None]:
    """Return the value of a scalar with a tag of YAML's own rules, or None and an error message."""
    kind = str(tag).removeprefix(_CORE)
    if kind == "str":
        return parse_string(text)
    if kind == "null":
        return None, None
    if kind in ("int", "float"):
        return parse_number(text)
    if kind == "bool" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()], None
    value = {"timestamp": "a date", "bool": "yes or no"}.get(kind, "a special word")
    return None, f"{quoted(text)} is {value} in YAML, and a manifest has none; put a string in quotes"


def _line_and_error(error: MarkedYAMLError) -> tuple[int, str]:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    why = escaped(str(error.problem or error.context)[:200])
    return line, f"this is not YAML: column {column}: {why}"
