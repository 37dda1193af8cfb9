"""The table of attacks says what held, what did not and what was not run, and calls nothing held that was not tried."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.suite.attacks import WIDTH, Claim
from tests.suite.planted import run_planted
from tests.support import TOP

MARKER: Final = "markers = attack(claim, entry)\n"
PLANTED: Final = """
import os, pytest

attack = pytest.mark.attack

@attack("walls hold", entry="W10")
def test_walls(): pass

@attack("walls hold", entry="W10")
@attack("a door is shut")
@pytest.mark.parametrize("number", [1, 2])
def test_doors(number): pass

@attack("a window is shut", entry="W9")
@pytest.mark.parametrize("number", [1, 2])
def test_windows(number): assert number == 1

@attack("a roof is there", entry="H2")
@pytest.mark.parametrize("number", [1, 2])
def test_roof(number):
    if number == 2: pytest.skip("not run: nobody here has a ladder that is long enough to look at it from above, or any other")

@attack("a cellar is dry", entry="H1")
@pytest.mark.skipif(True, reason="no light")
def test_cellar(): raise AssertionError

@attack("nothing breaks later")
def test_later(broken): pass

@pytest.fixture
def broken():
    yield
    raise AssertionError

def test_no_attack(): raise AssertionError
"""
TABLE: Final = """\
not run   H1   a cellar is dry (no light)
not run   H2   a roof is there (nobody here has a ladder that is long enough to look at it from
               above, or any other)
NOT HELD  W9   a window is shut
held      W10  walls hold
held           a door is shut
NOT HELD       nothing breaks later
"""


@pytest.mark.parametrize("words", [[], ["--numprocesses", "2"]])
def test_each_claim_is_told_once_with_the_worst_that_is_known_of_it(tmp_path: Path, words: list[str]) -> None:
    ran = run_planted(tmp_path, PLANTED, "-m", "attack", *words, ini=MARKER)
    assert ran.code == 1
    shown = ran.out.partition(" attacks ")[2]
    assert TABLE in shown
    assert re.search(r"^6 claims, as (root|the ordinary user \d+): 2 held, 2 NOT HELD, 2 not run$", shown, re.MULTILINE)


def test_a_test_that_tells_nothing_since_its_process_died_is_not_held(tmp_path: Path) -> None:
    dies = 'import os, pytest\n@pytest.mark.attack("it lives")\ndef test_dies(): os._exit(1)\n'
    ran = run_planted(tmp_path, dies, "-m", "attack", "--numprocesses", "1", "--max-worker-restart", "0", ini=MARKER)
    assert ran.code != 0
    assert "NOT HELD       test_planted.py::test_dies" in ran.out


def test_other_runs_have_no_table(tmp_path: Path) -> None:
    ran = run_planted(tmp_path, PLANTED, "-k", "walls", ini=MARKER)
    assert (ran.code, " attacks " in ran.out) == (0, False)


def claims() -> Iterator[tuple[str, Claim]]:
    """Yield the claims of all tests with where they stand."""
    for file in sorted((TOP / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="attack"), args=[ast.Constant(value=str(words))], keywords=given):
                    entries = [each.value.value for each in given if isinstance(each.value, ast.Constant)]
                    yield file.relative_to(TOP).as_posix(), Claim(words, *map(str, entries))


def test_a_claim_is_a_short_sentence_that_fits_its_line() -> None:
    for _, claim in claims():
        assert len(claim.words) <= WIDTH - 15
        assert len(claim.words.split()) < 25
        assert not claim.words.endswith(".")
