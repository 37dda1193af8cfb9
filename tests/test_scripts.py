"""Scripts that run in sandboxes: all are used, complete in the wheel, and safe from their arguments."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from generator import processes
from generator.scripts import script, with_arguments
from tests.support import bash

TOP = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(path for path in (TOP / "generator/scripts").iterdir() if path.suffix in (".sh", ".js"))


def test_every_script_is_used_and_every_name_is_a_script() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (TOP / "generator").rglob("*.py"))
    named = set(re.findall(r"(?<![.\w])(?:script|with_arguments)\(\s*[\"']([^\"']+)[\"']", code))
    assert named == {path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_parses(path: Path) -> None:
    if path.suffix == ".js" and shutil.which("node") is None:
        pytest.skip("not run: Node.js is not installed")
    argv = ["node", "--check"] if path.suffix == ".js" else ["bash", "-n"]
    assert processes.run([*argv, str(path)], timeout=60).exit_code == 0


def test_arguments_are_words_whatever_they_hold(tmp_path: Path) -> None:
    hostile = "'; touch own; $(touch own) `touch own` \n--"
    text = with_arguments("start-programs.sh", hostile).replace("timeout -k 1 20 npx", "printf %s")
    assert text.endswith(script("start-programs.sh").replace("timeout -k 1 20 npx", "printf %s"))
    assert bash(text, tmp_path).stdout == f"--no-install{hostile}--version"
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_holds_them_all(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    assert processes.run(argv, timeout=300, cwd=TOP).exit_code == 0
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"generator/scripts/{path.name}" for path in SCRIPTS} <= set(names)
