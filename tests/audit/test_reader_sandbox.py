"""The sandbox of the reader process: a hostile file that takes over the process reaches nothing."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest

from generator.audit import reader_sandbox
from generator.audit.reading import read_facts
from generator.processes import run
from generator.sandboxes.local.isolation import HOST_ENV, bubblewrap_arguments, bubblewrap_command, probe_isolation
from tests.support import HANGS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or probe_isolation() is not None, reason="bubblewrap is for Linux only"
)


def run_in_reader_sandbox(script: str) -> str:
    """Run a script in the reader's sandbox and return its output."""
    view = reader_sandbox.reader_view()
    assert view is not None
    with bubblewrap_command(bubblewrap_arguments(view)) as (words, descriptors):
        return run(
            [*words, "/bin/bash", "-c", script], timeout=HANGS, env=HOST_ENV, pass_fds=descriptors
        ).stdout.decode()


@pytest.mark.attack("the reader of binaries reaches no file of the user", entry="W18")
def test_no_file_of_the_user_is_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    own = Path(__file__)
    assert (
        run_in_reader_sandbox(
            f"cat {secret} {own} /etc/passwd; ls -A {tmp_path}; ls -d {Path.home()}/.ssh /run /var /home; echo end"
        )
        == "end\n"
    )


@pytest.mark.attack("the reader of binaries reaches no file of the user", entry="W18")
def test_nothing_can_be_written() -> None:
    places = f"/tmp/x /usr/x /x /dev/x {sys.prefix}/x {Path(reader_sandbox.__file__).parent}/x"
    assert (
        run_in_reader_sandbox(f"for place in {places}; do (: > $place) 2> /dev/null && echo $place; done; echo end")
        == "end\n"
    )


@pytest.mark.attack("the reader of binaries has no network", entry="W18")
def test_no_server_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (
            run_in_reader_sandbox(f"(exec 3<> /dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo reached; echo end")
            == "end\n"
        )


def test_the_facts_are_those_that_are_read_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tool"
    shutil.copyfile("/bin/true", file)
    file.chmod(0o600)  # which nobody but its owner may open
    inside = read_facts(file, "tool")
    assert inside.images
    monkeypatch.setattr(reader_sandbox, "reader_view", lambda: None)
    assert read_facts(file, "tool") == inside


@pytest.mark.parametrize(
    ("directory", "mounted"),
    [
        ("/", False),
        ("/home", False),
        ("/home/me", False),
        ("/home/me/.venv", True),
        ("/opt/python", True),
        ("/usr/lib", False),
    ],
)
def test_no_parent_of_the_home_is_mounted(directory: str, mounted: bool) -> None:
    assert reader_sandbox.is_mounted(Path(directory), Path("/home/me")) is mounted
