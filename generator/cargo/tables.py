"""Tables of TOML whose shape nobody has checked: what is there of a table, of words, and the line of a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def words_of(value: object) -> tuple[str, ...]:
    """Return a list of words, which may be written as one text."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def table_of(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the table below these keys; an empty one if there is none."""
    for key in keys:
        found = values.get(key)
        values = found if isinstance(found, dict) else {}
    return values


def tables_of(values: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    """Return the tables below a key by name."""
    return {name: table for name, table in table_of(values, key).items() if isinstance(table, dict)}


def line_of(text: str, key: str, table: str = "") -> int | None:
    """Return the first line that names a key or its table, from the line on that names `table`."""
    start = text.rfind("\n", 0, max(text.find(table), 0)) + 1
    pattern = re.compile(rf'^[ \t]*\[*[ \t]*([\w."-]+\.)?"?{re.escape(key)}"?[ \t]*[\].=]', re.MULTILINE)
    found = pattern.search(text, start)
    if found is None and not table:
        return None
    return text.count("\n", 0, found.start() if found else start) + 1
