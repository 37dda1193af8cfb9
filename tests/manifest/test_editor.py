"""VS Code completes and explains the manifest that `init` writes, and marks its errors: its real language server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from generator.manifest.schema import manifest_schema
from generator.platforms import Kind, PlatformName
from tests.manifest.editor import Editor, opened
from tests.support import cratematrix, git_repository, library, write_files

PARTS: dict[str, Any] = manifest_schema()["$defs"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest as `init` writes it, with its schema beside it."""
    top = git_repository(write_files(tmp_path_factory.mktemp("top"), library("one")))
    ran = cratematrix("init", "--scope", "@you", "--platforms", "linux-x64-gnu", cwd=top)
    assert ran.code == 0, ran.err
    return top / "crates.json"


@pytest.fixture(scope="module")
def editor(file: Path) -> Iterator[Editor]:
    with opened(file) as editor:
        yield editor


def typed(file: Path, after: str, words: str) -> str:
    """Return the manifest with words typed after these."""
    text = file.read_text()
    assert text.count(after) == 1
    return text.replace(after, after + words)


def test_what_init_writes_has_no_error(editor: Editor, file: Path) -> None:
    assert editor.diagnostics(file.read_text()) == []


@pytest.mark.parametrize(("part", "after"), [("Fleet", '"fleet": {'), ("Crate", '"crates": [\n    {')])
def test_each_key_is_offered_with_its_explanation(editor: Editor, file: Path, part: str, after: str) -> None:
    manifest = json.loads(file.read_text())
    there = manifest["fleet"] if part == "Fleet" else manifest["crates"][0]
    offered = editor.completions(typed(file, after, '"|", '))
    keys = PARTS[part]["properties"]
    assert offered == {key: keys[key]["description"] for key in keys if key not in there}


@pytest.mark.parametrize(
    ("after", "words", "values"),
    [
        ('"fleet": {', '"required": ["|"], ', get_args(PlatformName)),
        ('"crates": [\n    {', '"kind": "|", ', get_args(Kind)),
        ('"fleet": {', '"pages": |, ', ("false", "true")),
    ],
)
def test_each_value_is_offered(editor: Editor, file: Path, after: str, words: str, values: tuple[str, ...]) -> None:
    assert [each.strip('"') for each in editor.completions(typed(file, after, words))] == [*values]


def test_a_key_is_explained_under_the_pointer(editor: Editor, file: Path) -> None:
    assert PARTS["Crate"]["properties"]["kind"]["description"] in editor.hover(
        file.read_text().replace("kind", "ki|nd")
    )
    assert PARTS["Fleet"]["properties"]["slots"]["description"] in editor.hover(typed(file, '"sl', "|"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('"required": ["linux"], ', "Value is not accepted. Valid values"),
        ('"jobs": 0, ', "Value is below the minimum of 1."),
        ('"slot": 3, ', "Property slot is not allowed."),
    ],
)
def test_a_wrong_value_or_key_is_marked_in_its_line(editor: Editor, file: Path, wrong: str, message: str) -> None:
    text = typed(file, '"fleet": {', f"\n{wrong}")
    (found,) = editor.diagnostics(text)
    assert found.startswith(f"{text[: text.index(wrong)].count(chr(10)) + 1}: {message}")
