"""GitHub's limits for workflows, checked before a push: GitHub ignores some oversized workflows silently.

Matrix, file size and job time: https://docs.github.com/en/actions/reference/limits. Expressions and scripts:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax and ExpressionConstants.cs of
actions/runner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from generator.errors import InputError

MATRIX_JOBS: Final = 256
FILE_BYTES: Final = 512_000
EXPRESSION_CHARACTERS: Final = 21_000
JOB_MINUTES: Final = 360

# An expression ends at the first }} outside its single-quoted strings; a quote in a string is doubled.
_EXPRESSION: Final = re.compile(r"\$\{\{((?:'[^']*'|[^'])*?)\}\}")


def check_shards(shards: int) -> None:
    """Raise InputError for a number of jobs that no matrix can have."""
    if not 1 <= shards <= MATRIX_JOBS:
        raise InputError(f"{shards} shards cannot be a matrix: GitHub allows 1 to {MATRIX_JOBS} jobs, see fleet.slots")


def check_workflows(rendered: Mapping[str, str]) -> None:
    """Raise InputError with every limit that a rendered workflow exceeds."""
    problems = tuple(
        f"{path}: {problem}"
        for path, text in rendered.items()
        if path.startswith(".github/workflows/")
        for problem in _problems(text)
    )
    if problems:
        raise InputError("the workflows exceed GitHub's limits", problems=problems)


def expression_length(text: str) -> int:
    """Return the length in characters of the expression that GitHub evaluates for a scalar; 0 for plain text.

    GitHub turns a scalar with text and expressions into one `format('text {0}', expression)`.
    """
    parts = _EXPRESSION.split(text)
    literals, expressions = parts[::2], [part.strip() for part in parts[1::2]]
    if not expressions:
        return 0
    if len(expressions) == 1 and not "".join(literals):
        return len(expressions[0])
    escaped = [re.sub(r"(['{}])", r"\1\1", literal) for literal in literals]
    numbered = "".join(f"{literal}{{{number}}}" for number, literal in enumerate(escaped[:-1])) + escaped[-1]
    return len(f"format('{numbered}', {', '.join(expressions)})")


def _problems(text: str) -> Iterator[str]:
    size = len(text.encode())
    if size > FILE_BYTES:
        yield f"{size} bytes, but GitHub allows {FILE_BYTES} for a workflow"
        return
    # No scalar is longer than its file, and the parser takes longer than the rest of `generate`.
    if max(len(text), expression_length(text)) <= EXPRESSION_CHARACTERS:
        return
    from ruamel.yaml import YAML  # noqa: PLC0415  most workflows are short

    for key, scalar in _scalars(YAML(typ="safe", pure=True).load(text), "$"):
        length = expression_length(scalar)
        if length > EXPRESSION_CHARACTERS:
            yield f"{key} is an expression of {length} characters, but GitHub allows {EXPRESSION_CHARACTERS}"
        elif key.endswith(".run") and len(scalar) > EXPRESSION_CHARACTERS:
            yield f"{key} is a script of {len(scalar)} characters, but GitHub allows {EXPRESSION_CHARACTERS}"


def _scalars(node: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _scalars(value, f"{key}.{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _scalars(value, f"{key}[{index}]")
    elif isinstance(node, str):
        yield key, node
