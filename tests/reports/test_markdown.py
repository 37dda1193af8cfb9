"""Untrusted text in a report never changes the structure of its Markdown page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from generator.github_actions.links import RunLinks
from generator.prices import load_sandbox_prices
from generator.reports.markdown import page
from generator.reports.models import Report
from generator.strict import MAX_SENTENCE
from generator.text import plain

READER: Final = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINKS: Final = RunLinks("https://github.com/octo/fleet", "0" * 40, "https://github.com/octo/fleet/actions/runs/1")
# Placeholder for the text of a test.
FREE: Final = "FREE"
MARKS: Final = [
    "\n", "\r", "\r\n", "\n\n", "\u2028", "\x85", "\x0b", "\t", "    ", "# ", "- ", "+ ", "* ", "1. ", "1) ", "> ", "```", "~~~",
    "---", "===", "| --- |", "|", "\\", "\\|", "`", "**", "__", "~~", "![x](y)", "[x](y)", "[x]: y", "<b>", "<!--", "&amp;", "&#10;",
    "https://example.com", "www.example.com", "a@example.com", "@you", "#1", ":tada:", "$$", "[^1]", "::error::", "\x1b[31m", "words",
]  # fmt: skip
WORDS: Final = st.one_of(st.lists(st.sampled_from(MARKS), max_size=8).map("".join), st.text(max_size=30))
FILE: Final = {"file": FREE, "bytes": 1, "sha256": "0" * 64}
COVERED: Final = {"count": 4, "covered": 3, "percent": 75.0}
SANDBOX: Final = {
    "sandbox": FREE, "attempt": 1, "size": "small", "cpus": 2, "memory_mib": 2_048, "seconds": 1.0, "cost": 0.1,
    "failure_class": "transient", "failure": FREE,
}  # fmt: skip
AUDIT: Final = {
    "file": FREE, "format": FREE, "machine": FREE, "glibc": FREE, "macos": FREE, "libraries": [FREE],
    "findings": [{"rule": "format", "severity": "note", "message": FREE}],
}  # fmt: skip
UNITS: Final = [
    {"platform": "linux-x64-gnu", "state": "built", "artifacts": [FILE], "audit": [AUDIT], "reason": FREE, "tests": {"state": "passed", "by": FREE}},
    {"platform": "wasm32", "state": "skipped", "reason": FREE, "tests": {"state": "not_run", "reason": FREE}},
]  # fmt: skip
FAILURE: Final = {"class": "permanent", "phase": "compile", "message": FREE, "file": FREE, "line": 7, "exit_code": 1}
QUARANTINE: Final = {"reason": FREE, "until": "2026-12-31", "state": "holds"}
CRATE: Final = {
    "name": "a", "version": "1.0.0", "kind": "napi", "state": "built", "attempts": 1, "unchanged_since": FREE, "units": UNITS, "sandboxes": [SANDBOX],
    "hint": FREE, "package": FILE, "packages": [FILE, FILE], "sbom": FILE, "loaded": FREE, "tests": "passed",
    "coverage": {"lines": COVERED, "functions": COVERED, "regions": COVERED}, "notes": [FREE],
}  # fmt: skip
REPORT: Final = {
    "backend": "e2b", "isolated": True, "shard": "1/2", "seconds": 1.0, "run": FREE, "cost": 0.5, "retry_cost": 0.25, "currency": "USD",
    "prices_of": "2026-11-22", "missing_shards": ["2/2"],
    "crates": [CRATE, {**CRATE, "name": "b", "state": "failed", "failure": FAILURE}, {**CRATE, "name": "c", "state": "skipped"},
        {**CRATE, "name": "d", "state": "failed", "failure": FAILURE, "quarantine": QUARANTINE},
        {**CRATE, "name": "e", "quarantine": {**QUARANTINE, "state": "ended"}},
    ],
}  # fmt: skip


def with_words(value: Any, words: str) -> Any:
    """Return a value with a text in place of each placeholder."""
    match value:
        case dict():
            return {key: with_words(each, words) for key, each in value.items()}
        case list():
            return [with_words(each, words) for each in value]
    return words if value == FREE else value


def report(words: str) -> Report:
    return Report.model_validate(with_words(REPORT, words), strict=False)


def structure(tokens: list[Token]) -> Iterator[tuple[str, str, int]]:
    """Yield all tokens except text."""
    for token in tokens:
        if token.type != "text":
            yield token.type, token.tag, token.level
        yield from structure(token.children or [])


def shape(words: str) -> list[tuple[str, str, int]]:
    return [*structure(READER.parse(page(report(words), LINKS, {"b", "d"})))]


@settings(deadline=None, max_examples=200)
@given(WORDS)
@pytest.mark.attack("no text of a report becomes Markdown in the summary", entry="W7")
def test_no_text_of_a_report_is_markup(words: str) -> None:
    said = plain(words).strip()
    assert shape(words) == shape("word" if said else "")


@settings(deadline=None, max_examples=200)
@given(WORDS)
def test_every_text_is_shown_as_it_is(words: str) -> None:
    cells = [token.content for token in READER.parse(page(report(words), LINKS, {"b", "d"})) if token.type == "inline"]
    shown = ["".join(child.content for child in children(cell)) for cell in cells]
    said = plain(words).strip()[:MAX_SENTENCE]
    assert any(f"{said}:7: {said}".strip() == each for each in shown) or not said


def children(cell: str) -> list[Token]:
    [paragraph] = READER.parseInline(cell)
    return paragraph.children or []


def free_texts(schema: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the model and name of every field that takes free text, also in a union or a list."""
    models = {schema["title"]: schema, **schema.get("$defs", {})}
    return {
        (name, field)
        for name, model in models.items()
        for field, shaped in model.get("properties", {}).items()
        if any(
            part.get("type") == "string" and not {"pattern", "enum", "const"} & part.keys() for part in parts(shaped)
        )
    }


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for each in schema.values():
            yield from parts(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from parts(each)


def test_these_are_all_the_texts_that_a_report_has() -> None:
    """A new field has a pattern, or is added to the report above."""
    names: dict[str, Any] = {"Report": REPORT, "CrateReport": CRATE, "Unit": UNITS[1], "Artifact": FILE}
    names |= {"Failure": FAILURE, "SandboxUse": SANDBOX, "UnitTests": {"by": FREE, "reason": FREE}}
    names |= {"QuarantineReport": QUARANTINE, "Audit": AUDIT, "Finding": {"message": FREE}}
    here = {
        (name, field) for name, filled in names.items() for field, value in filled.items() if value in (FREE, [FREE])
    }
    assert free_texts(Report.model_json_schema()) == here


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "EUR\n\n# Pwned"), ("currency", "eur"), ("currency", "EUR\n"), ("currency", ""),
        ("prices_of", "2026-11-22\n\n- [x](y)"), ("prices_of", "today"), ("prices_of", "٢٠٢٦-11-22"),
    ],
)  # fmt: skip
@pytest.mark.attack("no text of a report becomes Markdown in the summary", entry="W7")
def test_what_has_a_shape_is_held_to_it(field: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Report.model_validate({**REPORT, field: value}, strict=False)
    assert report("word").currency == load_sandbox_prices().currency
