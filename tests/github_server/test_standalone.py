"""The server as a process of its own, over a repository that is there already."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from github import Auth, Github

from tests.support import TOP, git_repository


def test_the_server_runs_by_hand(tmp_path: Path) -> None:
    (tmp_path / "crates.json").write_text("{}")
    top = git_repository(tmp_path)
    for words in (
        ["checkout", "-q", "-B", "trunk"],
        ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)
    words = [
        sys.executable,
        "-m",
        "tests.github_server",
        "--repository",
        "demo/own",
        "--source",
        str(top),
        "--immutable",
    ]
    with subprocess.Popen(words, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline().strip().partition("=") for _ in range(4)]
        given = {name: value for name, _, value in lines}
        with Github(auth=Auth.Token(given["GITHUB_TOKEN"]), base_url=given["GITHUB_API_URL"]) as github:
            repository = github.get_repo(given["GITHUB_REPOSITORY"])
            assert repository.create_git_release("v1", "v1", "text").immutable
            file = repository.get_contents("crates.json")
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0
    assert not isinstance(file, list)
    assert (repository.full_name, repository.default_branch, file.decoded_content) == ("demo/own", "trunk", b"{}")
