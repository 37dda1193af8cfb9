"""`generate` in repositories that hold cratematrix's action, or do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import InputError
from generator.workflows.own_action import check_action
from tests.support import TOP, write_files

FILES = ("action.yml", ".github/actions/setup/action.yml")
OWN = {name: (TOP / name).read_text(encoding="utf-8") for name in FILES}


def test_this_repository_holds_its_action() -> None:
    check_action("./", TOP, Path("crates.json"))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"action.yml": "name: Somebody's own action\n# name: cratematrix\n"},
        {"action.yml": OWN["action.yml"]},
        {FILES[1]: OWN[FILES[1]]},
        {"action.yml/x": ""},
    ],
    ids=["nothing", "another action", "without the setup", "setup alone", "a directory"],
)
def test_a_repository_without_it_is_refused_with_the_key_to_set(tmp_path: Path, files: dict[str, str]) -> None:
    write_files(tmp_path, files)
    with pytest.raises(InputError, match=r"has no action\.yml of cratematrix") as caught:
        check_action("./", tmp_path, Path("fleet/crates.yaml"))
    assert caught.value.fix == (
        "set fleet.action in fleet/crates.yaml to OWNER/REPOSITORY@REF, where cratematrix is published"
    )


def test_a_published_action_is_not_looked_for(tmp_path: Path) -> None:
    check_action("you/cratematrix@v1", tmp_path, Path("crates.json"))
