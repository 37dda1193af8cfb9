from __future__ import annotations

from pathlib import Path

import pytest

from generator.manifest.document import Document
from generator.manifest.problems import MAX_COMPARED, MAX_PROBLEMS_SHOWN, Problem, json_path, manifest_error

LINES = Document(lines={(): 1, ("a",): 3, ("b",): 2, ("b", 0): 9})


def test_a_problem_is_file_line_path_and_sentence() -> None:
    error = manifest_error(Path("dir/crates.json"), [Problem(("b", 0), "is wrong")], LINES.line)
    assert error.problems == ("dir/crates.json:9: $.b[0]: is wrong",)
    assert error.message == "dir/crates.json has 1 error"
    assert error.exit_code == 2


def test_problems_are_sorted_by_line_and_otherwise_keep_their_order() -> None:
    problems = [Problem(("a",), "x"), Problem(("b",), "y"), Problem(("a",), "w"), Problem((), "late", line=8)]
    error = manifest_error(Path("m.yaml"), problems, LINES.line)
    assert error.problems == ("m.yaml:2: $.b: y", "m.yaml:3: $.a: x", "m.yaml:3: $.a: w", "m.yaml:8: $: late")
    assert error.message == "m.yaml has 4 errors"


def test_the_other_location_and_a_suggestion_are_added() -> None:
    problem = Problem(("a",), "is not one", other=("b", 0), wrong="linux-x64-gmu", known=["wasm32", "linux-x64-gnu"])
    error = manifest_error(Path("m.json"), [problem], LINES.line)
    assert error.problems == ('m.json:3: $.a: is not one (line 9); did you mean "linux-x64-gnu"?',)
    many = Problem(("a",), "is not one", wrong="nam", known=["name"] * (MAX_COMPARED + 1))
    assert manifest_error(Path("m.json"), [many], LINES.line).problems == ("m.json:3: $.a: is not one",)
    far = Problem(("a",), "is not one", wrong="windows", known=["wasm32", "linux-x64-gnu"])
    assert manifest_error(Path("m.json"), [far], LINES.line).problems == ("m.json:3: $.a: is not one",)


@pytest.mark.parametrize(
    ("count", "last"), [(MAX_PROBLEMS_SHOWN, "$.a: no"), (MAX_PROBLEMS_SHOWN + 1, "$: 1 more from here on;")]
)
def test_only_so_many_problems_are_shown(count: int, last: str) -> None:
    error = manifest_error(Path("m.json"), [Problem(("a",), "no")] * count, LINES.line)
    assert error.problems[MAX_PROBLEMS_SHOWN - 1] == "m.json:3: $.a: no"
    assert error.problems[-1].startswith(f"m.json:3: {last}")
    assert len(error.problems) == count
    assert error.message == f"m.json has {count} errors"
    assert (
        len(manifest_error(Path("m.json"), [Problem(("a",), "no")] * 5000, LINES.line).problems)
        == MAX_PROBLEMS_SHOWN + 1
    )


def test_a_file_name_is_escaped_too() -> None:
    error = manifest_error(Path("a\n::error::b\x1b[2J.json"), [Problem((), "x")], LINES.line)
    assert error.problems == (r"a\n:\x3aerror:\x3ab\x1b[2J.json:1: $: x",)
    assert error.message == r"a\n:\x3aerror:\x3ab\x1b[2J.json has 1 error"


def test_paths() -> None:
    assert json_path(()) == "$"
    assert json_path(("crates", 3, "npm_name")) == "$.crates[3].npm_name"
    assert json_path(("$schema", "a b", "", "x.y", "a\n", "k" * 61)) == (
        rf'$.$schema["a b"][""]["x.y"]["a\n"]["{"k" * 60}..."]'
    )
