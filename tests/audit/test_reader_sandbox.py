"""The reader of binaries is C++ that a hostile file may have taken over, and then reaches nothing."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest

from generator.audit import reader_sandbox as room
from generator.audit.reading import read_facts
from generator.processes import run
from generator.sandboxes.local.isolation import HOST_ENV, probe_isolation, steps, wrapped

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or probe_isolation() is not None, reason="bubblewrap is for Linux only"
)


def taken_over(script: str) -> str:
    """What a script says that runs where the reader does."""
    view = room.reader_view()
    assert view is not None
    with wrapped(steps(view)) as (words, descriptors):
        return run([*words, "/bin/bash", "-c", script], timeout=60, env=HOST_ENV, pass_fds=descriptors).stdout.decode()


@pytest.mark.attack("the reader of binaries reaches no file of the user", entry="W18")
def test_no_file_of_the_user_is_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    own = Path(__file__)
    assert (
        taken_over(
            f"cat {secret} {own} /etc/passwd; ls -A {tmp_path}; ls -d {Path.home()}/.ssh /run /var /home; echo end"
        )
        == "end\n"
    )


@pytest.mark.attack("the reader of binaries reaches no file of the user", entry="W18")
def test_nothing_can_be_written() -> None:
    places = f"/tmp/x /usr/x /x /dev/x {sys.prefix}/x {Path(room.__file__).parent}/x"
    assert taken_over(f"for place in {places}; do (: > $place) 2> /dev/null && echo $place; done; echo end") == "end\n"


@pytest.mark.attack("the reader of binaries has no network", entry="W18")
def test_no_server_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert taken_over(f"(exec 3<> /dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo reached; echo end") == "end\n"


def test_the_facts_are_those_that_are_read_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tool"
    shutil.copyfile("/bin/true", file)
    file.chmod(0o600)  # which nobody but its owner may open
    inside = read_facts(file, "tool")
    assert inside.images
    monkeypatch.setattr(room, "reading_view", lambda: None)
    assert read_facts(file, "tool") == inside


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/", False),
        ("/home", False),
        ("/home/me", False),
        ("/home/me/.venv", True),
        ("/opt/python", True),
        ("/usr/lib", False),
    ],
)
def test_no_place_is_shown_that_a_home_lies_in(place: str, shown: bool) -> None:
    assert room.is_mounted(Path(place), Path("/home/me")) is shown
