from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.files.private_directories import claim
from tests.support import LIMIT


def names(parent: Path) -> set[str]:
    return {place.name for place in parent.iterdir()} - {".lock"}


@pytest.mark.attack("other users of the machine cannot look into a sandbox")
def test_a_directory_is_private_and_goes_with_its_owner(tmp_path: Path) -> None:
    one, two = claim(tmp_path / "x", "crate"), claim(tmp_path / "x", "crate")
    assert names(tmp_path / "x") == {one.path.name, two.path.name}
    assert one.path.stat().st_mode & 0o777 == 0o700
    one.remove()
    assert names(tmp_path / "x") == {two.path.name}
    two.remove()


def test_what_a_dead_owner_left_is_removed_and_what_lives_or_is_foreign_is_not(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from generator.files.private_directories import claim\n"
    script += "claim(Path(sys.argv[1]), 'dead')"
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as dying:
        assert dying.wait(LIMIT) == 0
    (tmp_path / "foreign").mkdir()
    assert len(names(tmp_path)) == 2
    living = claim(tmp_path, "living")
    assert names(tmp_path) == {"foreign", living.path.name}
    again = claim(tmp_path, "again")
    assert names(tmp_path) == {"foreign", living.path.name, again.path.name}
    living.remove()
    again.remove()


def test_where_nothing_can_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"no sandbox can be made in .*/file/x: Not a directory"):
        claim(tmp_path / "file" / "x", "crate")
