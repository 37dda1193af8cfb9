"""The command `init` as a user types it: questions on a terminal, defaults elsewhere, and updates."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.support import COMMAND, cratematrix, git_repository, library, write_files

ASKED = ("npm scope", "Platforms", "Where workflows find", "Backend")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return git_repository(write_files(tmp_path / "top", library("one") | library("two")))


def on_a_terminal(top: Path, answers: str, *words: str) -> tuple[int, str]:
    """Run `init` with a terminal as its stdin and stderr; return the exit code and what the terminal shows."""
    master, slave = pty.openpty()
    argv = [COMMAND, "init", *words]
    with subprocess.Popen(argv, cwd=top, stdin=slave, stderr=slave, stdout=subprocess.DEVNULL) as ran:
        os.close(slave)
        os.write(master, answers.encode())
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux's sign for a terminal that the last process has left
                break
            if not part:
                break
            shown += part
    os.close(master)
    return ran.returncode, shown.decode().replace("\r\n", "\n")


def fleet(top: Path, name: str = "crates.json") -> dict[str, object]:
    found: dict[str, object] = json.loads((top / name).read_text())["fleet"]
    return found


def test_a_terminal_is_asked_and_a_wrong_answer_asked_again(top: Path) -> None:
    code, shown = on_a_terminal(top, "Mine\n@mine\nlinux-x64-gun\nlinux-x64-gnu\nyou/cratematrix@v1\ne2b\n")
    assert code == 0, shown
    assert "'Mine' is not an npm scope" in shown
    assert "did you mean linux-x64-gnu?" in shown
    wanted = {"npm_scope": "@mine", "platforms": ["linux-x64-gnu"], "action": "you/cratematrix@v1", "backend": "e2b"}
    assert fleet(top).items() >= wanted.items()


def test_each_question_has_a_default(top: Path) -> None:
    code, shown = on_a_terminal(top, "\n\n\n\n")
    assert code == 0, shown
    assert [words in shown for words in ASKED] == [True] * 4
    on_terminal = (top / "crates.json").read_text()
    assert cratematrix("init", "--force", cwd=top).code == 0
    assert (top / "crates.json").read_text() == on_terminal


def test_each_question_has_an_option_and_is_then_not_asked(top: Path) -> None:
    options = {"--scope": "@mine", "--platforms": "wasm32,linux-x64-gnu", "--action": "you/x@v1", "--backend": "local"}
    code, shown = on_a_terminal(top, "", *(word for pair in options.items() for word in pair))
    assert code == 0, shown
    assert not any(words in shown for words in ASKED)
    assert fleet(top)["platforms"] == ["linux-x64-gnu", "wasm32"]


def test_the_end_of_the_answers_writes_nothing(top: Path) -> None:
    code, shown = on_a_terminal(top, "@mine\n\x04")
    assert code == 130, shown
    assert not (top / "crates.json").exists()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--scope", "Mine", "is not an npm scope"),
        ("--platforms", "linux", "is not one of linux-x64-gnu"),
        ("--action", "x y", "is not an action"),
        ("--backend", "docker", "is not one of local, e2b"),
    ],
)
def test_a_wrong_option_is_refused(top: Path, option: str, value: str, said: str) -> None:
    ran = cratematrix("init", option, value, cwd=top)
    assert (ran.code, said in ran.err, (top / "crates.json").exists()) == (2, True, False), ran.err


def test_without_an_action_the_missing_setting_is_named(top: Path) -> None:
    missing = "for workflows, set fleet.action in crates.json to OWNER/REPOSITORY@REF"
    assert missing in cratematrix("init", cwd=top).err
    assert "error: the workflows would use ./" in cratematrix("generate", cwd=top).err
    assert missing not in cratematrix("init", "--force", "--action", "you/cratematrix@v1", cwd=top).err
    assert cratematrix("generate", cwd=top).code == 0


@pytest.mark.parametrize("name", ["crates.json", "crates.yaml"])
def test_the_schema_is_written_beside_and_named(top: Path, name: str) -> None:
    assert cratematrix("init", "--manifest", name, cwd=top).code == 0
    assert "./crates.schema.json" in (top / name).read_text()
    assert (top / "crates.schema.json").read_text() == cratematrix("schema", cwd=top).out
    assert cratematrix("check", "--manifest", name, cwd=top).code == 0


def test_a_file_of_another_owner_is_no_schema(top: Path) -> None:
    (top / "crates.schema.json").write_text("{}")
    assert cratematrix("init", cwd=top).code == 0
    assert "$schema" not in json.loads((top / "crates.json").read_text())
    assert (top / "crates.schema.json").read_text() == "{}"


def test_the_result_is_json_when_asked_for(top: Path) -> None:
    found = json.loads(cratematrix("init", "--json", cwd=top).out)
    assert (found["manifest"], [each["name"] for each in found["crates"]]) == ("crates.json", ["one", "two"])


def test_an_update_shows_the_difference_and_writes_it_when_agreed(top: Path) -> None:
    assert cratematrix("init", cwd=top).code == 0
    before = (top / "crates.json").read_text()
    write_files(top, library("three"))
    code, _ = on_a_terminal(top, "n\n", "--update")
    assert (code, (top / "crates.json").read_text()) == (0, before)
    ran = cratematrix("init", "--update", cwd=top / "one")
    assert ran.code == 0, ran.err
    assert '+      "name": "three",' in ran.out
    assert "three is new: three, kind lib" in ran.err
    again = cratematrix("init", "--update", cwd=top)
    assert (again.code, again.out, again.err) == (0, "", "crates.json: up to date\n")


def test_an_update_has_no_settings(top: Path) -> None:
    assert cratematrix("init", cwd=top).code == 0
    ran = cratematrix("init", "--update", "--scope", "@a", cwd=top)
    assert (ran.code, "--update keeps the settings" in ran.err) == (2, True)
