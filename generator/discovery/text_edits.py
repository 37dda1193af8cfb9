"""Edits of a JSON or YAML text that keep everything else in it: comments, order, quotes and line breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

# Plain words and versions that YAML reads as strings.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*|[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True)
class Edit:
    """A new text for a part of the old one."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with all edits, which do not overlap."""
    for edit in sorted(edits, key=lambda each: (each.start, each.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def parse(text: str, *, is_json: bool) -> Node:
    """Return the nodes of a valid text, with their positions. JSON is YAML, except for its tabs."""
    yaml: Any = YAML(typ="safe", pure=True)
    root: Node = yaml.compose(text.replace("\t", " ") if is_json else text)
    return root


def member(node: Node | None, key: str) -> Node | None:
    """Return the value of a key, or None."""
    pairs: list[tuple[Node, Node]] = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def child(node: Node, key: str) -> Node:
    """Return the value of a key that a valid text has."""
    pairs: list[tuple[Node, Node]] = node.value
    return next(value for name, value in pairs if name.value == key)


def scalar(node: Node | None) -> str | None:
    """Return the text of a scalar, or None."""
    return str(node.value) if isinstance(node, ScalarNode) else None


def items(node: Node | None) -> list[Node]:
    """Return the items of a list, none for anything else."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def replace(node: Node, value: str) -> Edit:
    """Return the edit that gives a scalar another value, in the quotes of the old one."""
    style = getattr(node, "style", None)
    if style == "'":
        text = "'" + value.replace("'", "''") + "'"
    elif style is None and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        text = value
    else:
        text = json.dumps(value)
    return Edit(node.start_mark.index, node.end_mark.index, text)


def remove(text: str, sequence: Node, removed: Collection[int]) -> Iterator[Edit]:
    """Yield the edits that remove items of a list, with the lines or commas of each."""
    children = items(sequence)
    if _is_flow(sequence):
        yield from _remove_from_flow(children, removed)
    elif len(removed) == len(children) and children:
        first, last = _lines(text, children[0])[0], _lines(text, children[-1])[1]
        indent = " " * (_indent(text, children[0]) + 2)
        yield Edit(first, last, f"{indent}[]\n")
    else:
        for index in removed:
            yield Edit(*_lines(text, children[index]), "")


def append(
    text: str, sequence: Node, removed: Collection[int], new: list[Any], as_json: Callable[[Any, int], str]
) -> Edit:
    """Return the edit that appends items to a list with items, some of which another edit removes.

    `as_json` returns the text of an item in several lines with an indentation.
    """
    children = items(sequence)
    if not _is_flow(sequence):
        indent, end = _indent(text, children[0]), _lines(text, children[-1])[1]
        lines = "".join(_block_item(each, indent) for each in new)
        return Edit(end, end, lines if text[:end].endswith("\n") else f"\n{lines.rstrip()}")
    kept = [child for index, child in enumerate(children) if index not in removed]
    first = children[0].start_mark
    margin = text[first.index - first.column : first.index]
    on_own_line = not margin.strip()
    between = f",\n{margin}" if on_own_line else ", "
    shown = (as_json(each, 0).replace("\n", f"\n{margin}") if on_own_line else json.dumps(each) for each in new)
    written = between.join(shown)
    if not kept:
        return Edit(children[0].start_mark.index, children[0].start_mark.index, written)
    end = kept[-1].end_mark.index
    return Edit(end, end, f"{between}{written}")


def _is_flow(node: Node) -> bool:
    """Return whether a list or an object is in brackets, as all are in JSON."""
    return bool(getattr(node, "flow_style", False))


def _remove_from_flow(children: list[Node], removed: Collection[int]) -> Iterator[Edit]:
    kept_before = False
    for index, child in enumerate(children):
        if index not in removed:
            kept_before = True
        elif kept_before:
            yield Edit(children[index - 1].end_mark.index, child.end_mark.index, "")
        else:
            following = children[index + 1].start_mark.index if index + 1 < len(children) else child.end_mark.index
            yield Edit(child.start_mark.index, following, "")


def _lines(text: str, item: Node) -> tuple[int, int]:
    """Return the start of an item's first line in a block, and the end of its last one. Comments below it stay."""
    start = text.rfind("\n", 0, item.start_mark.index) + 1
    end = text.find("\n", _content_end(item))
    return start, len(text) if end < 0 else end + 1


def _content_end(node: Node) -> int:
    """Return the end of a node's last character: a block's own end is at what comes after it."""
    children = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else items(node)
    if children and not _is_flow(node):
        return max(_content_end(each) for each in children)
    end: int = node.end_mark.index
    return end


def _indent(text: str, item: Node) -> int:
    """Return the column of the dash before an item."""
    line = text[text.rfind("\n", 0, item.start_mark.index) + 1 : item.start_mark.index]
    return len(line) - len(line.lstrip())


def _block_item(value: Any, indent: int) -> str:
    lines = [
        f"{key}: {json.dumps(each) if not isinstance(each, str) or not _is_plain(each) else each}"
        for key, each in value.items()
    ]
    return "".join(f"{' ' * indent}{'- ' if number == 0 else '  '}{line}\n" for number, line in enumerate(lines))


def _is_plain(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and value.lower() not in _WORDS
