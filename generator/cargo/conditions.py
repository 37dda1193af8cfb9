"""Conditions of targets, as in `[target.'cfg(all(unix, not(target_os = "macos")))']`.

https://doc.rust-lang.org/reference/conditional-compilation.html
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r'[A-Za-z_][A-Za-z0-9_]*|"[^"]*"|[(),=]')


def condition_holds(condition: str, facts: frozenset[str]) -> bool:
    """Return True if a condition holds for the facts of a target, which are lines of `rustc --print cfg`.

    A condition that cannot be read does not hold: Cargo itself refuses it.
    """
    try:
        return _take(_TOKEN.findall(condition)[::-1], facts)
    except (IndexError, RecursionError):
        return False


def _take(tokens: list[str], facts: frozenset[str]) -> bool:
    """Take one condition from the end of the tokens, and return its value."""
    name = tokens.pop()
    if tokens[-1:] == ["="]:
        tokens.pop()
        return f"{name}={tokens.pop()}" in facts
    if tokens[-1:] != ["("]:
        return name == "true" or name in facts
    tokens.pop()
    values: list[bool] = []
    while tokens[-1] != ")":
        values.append(_take(tokens, facts))
        if tokens[-1] == ",":
            tokens.pop()
    tokens.pop()
    return {"all": all(values), "any": any(values), "not": not any(values)}.get(name, False)
