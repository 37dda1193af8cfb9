"""Imports go one way: from a room to rooms in lower rows of the table in docs/architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.support import TOP

PAGE: Final = TOP / "docs/architecture.md"
POSSESSIVE: Final = re.compile(r"\)[?*+]\+|\(\?>")
ROW: Final = re.compile(r"^\| (`[^|]*`) \| [^|]* \|$", re.MULTILINE)


def read_layers(page: str) -> dict[str, int]:
    """Return each room of the table with the number of its row, the top first."""
    _, _, table = page.partition("## Layers\n")
    rows = ROW.findall(table.partition("\n## ")[0])
    return {room: number for number, row in enumerate(rows) for room in re.findall(r"`([\w.]+)`", row)}


def room_of(module: str, layers: Mapping[str, int]) -> str | None:
    """Return the room that a module of generator/ lies in: the longest name in the table that fits."""
    parts = module.split(".")[1:]
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in layers), None)


def imports_of(source: str) -> Iterator[str]:
    """Yield the modules of generator/ that a module imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "generator":
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == "generator")


def violations(modules: Mapping[str, str], layers: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each module without a room and each import that goes up; `modules` has the sources."""
    for name, source in sorted(modules.items()):
        room = room_of(name, layers)
        if room is None:
            yield f"{name} lies in no room of {PAGE.name}"
            continue
        for imported in sorted({each for each in imports_of(source) if each in modules}):
            other = room_of(imported, layers)
            if other not in (None, room) and layers[other] <= layers[room]:
                yield f"{name} imports {imported}, whose room is not in a lower row"


@pytest.fixture(scope="module")
def layers() -> dict[str, int]:
    return read_layers(PAGE.read_text())


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    def name(path: Path) -> str:
        return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")

    found = {name(path): path.read_text() for path in (TOP / "generator").rglob("*.py")}
    return {name: source for name, source in found.items() if name != "generator"}


def test_every_import_goes_down(modules: dict[str, str], layers: dict[str, int]) -> None:
    assert list(violations(modules, layers)) == []


def test_every_room_of_the_table_is_there(modules: dict[str, str], layers: dict[str, int]) -> None:
    assert len(layers) > 20
    assert [room for room in layers if f"generator.{room}" not in modules] == []


@pytest.mark.parametrize(
    ("module", "line", "words"),
    [
        ("generator.manifest.models", "from generator.builds.run import build", "imports generator.builds.run"),
        ("generator.errors", "def f():\n    import generator.cli", "imports generator.cli"),
        ("generator.planning.plan", "from generator import console", "imports generator.console"),
        ("generator.lost", "", "lies in no room"),
    ],
)
def test_a_planted_import_is_found(
    modules: dict[str, str], layers: dict[str, int], module: str, line: str, words: str
) -> None:
    (found,) = violations({**modules, module: f"{modules.get(module, '')}\n{line}\n"}, layers)
    assert words in found


def test_no_pattern_has_a_possessive_group() -> None:
    """Python before 3.11.5, which Debian 12 has, matches some of these where there is no match (gh-106052)."""
    found = [
        f"{path.relative_to(TOP)}:{number}"
        for path in sorted((TOP / "generator").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
        if POSSESSIVE.search(line)
    ]
    assert found == []
