from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.errors import InputError
from generator.files.private_directories import create_private_directory
from tests.support import LIMIT


def names(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir()} - {".lock"}


@pytest.mark.attack("other users of the machine cannot look into a sandbox")
def test_a_directory_is_private_and_goes_with_its_owner(tmp_path: Path) -> None:
    one, two = create_private_directory(tmp_path / "x", "crate"), create_private_directory(tmp_path / "x", "crate")
    assert names(tmp_path / "x") == {one.path.name, two.path.name}
    assert one.path.stat().st_mode & 0o777 == 0o700
    one.remove()
    assert names(tmp_path / "x") == {two.path.name}
    two.remove()


def test_what_a_dead_owner_left_is_removed_and_what_lives_or_is_foreign_is_not(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from generator.files.private_directories import create_private_directory\n"
    script += "create_private_directory(Path(sys.argv[1]), 'dead')"
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) as dying:
        assert dying.wait(LIMIT) == 0
    (tmp_path / "foreign").mkdir()
    assert len(names(tmp_path)) == 2
    living = create_private_directory(tmp_path, "living")
    assert names(tmp_path) == {"foreign", living.path.name}
    again = create_private_directory(tmp_path, "again")
    assert names(tmp_path) == {"foreign", living.path.name, again.path.name}
    living.remove()
    again.remove()


def test_where_nothing_can_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"no sandbox can be made in .*/file/x: Not a directory"):
        create_private_directory(tmp_path / "file" / "x", "crate")


def test_many_owners_create_and_remove_directories_at_once(tmp_path: Path) -> None:
    def use(number: int) -> str:
        directory = create_private_directory(tmp_path, "crate")
        (directory.path / "file").write_text(str(number))
        found = (directory.path / "file").read_text()
        directory.remove()
        return found

    with ThreadPoolExecutor(15) as threads:
        assert list(threads.map(use, range(60))) == [str(number) for number in range(60)]
    assert names(tmp_path) == set()
