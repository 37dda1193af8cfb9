"""The shim of a command-line package, run by real Node on programs written here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from generator.errors import Unbuildable
from generator.packages.identity import Identity
from generator.packages.program import program_package
from generator.packages.tarball import write_tarball

IDENTITY = Identity("@demo/tool", "1.2.3", description="a tool", license="MIT", repository="https://git.example/x")


def staged(top: Path, **programs: str) -> Path:
    for name, text in programs.items():
        file = top / "bin/linux-x64-gnu" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return top


def installed(tmp: Path, script: str) -> Path:
    """Pack a program that is a shell script, unpack the package, and return its shim."""
    files = program_package(IDENTITY, ("tool",), staged(tmp / "staged", tool=script))
    write_tarball(files, tmp / "tool.tgz")
    with tarfile.open(tmp / "tool.tgz") as tar:
        tar.extractall(tmp / "node_modules", filter="data")
    return tmp / "node_modules/package/bin/tool.js"


def run(shim: Path, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: TID251
        [shim, *words], input=stdin, capture_output=True, text=True, env={**os.environ, **env}, check=False, timeout=60
    )


def test_arguments_streams_and_exit_code_pass_through(tmp_path: Path) -> None:
    shim = installed(tmp_path, '#!/bin/sh\nread line; echo "$line: $1|$2"; echo oops >&2; exit 7\n')
    ran = run(shim, "a b", "$(x)", stdin="in\n")
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "in: a b|$(x)\n", "oops\n")


def test_a_program_that_dies_by_a_signal_takes_the_shim_along(tmp_path: Path) -> None:
    assert run(installed(tmp_path, "#!/bin/sh\nkill -TERM $$\n")).returncode == -signal.SIGTERM


def test_a_missing_platform_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    shim = installed(tmp_path, "#!/bin/sh\n")
    (shim.parent / "linux-x64-gnu").rename(shim.parent / "darwin-arm64")
    ran = run(shim)
    assert ran.returncode == 127
    assert ran.stderr == "tool was not built for linux-x64-gnu; this package holds: darwin-arm64\n"


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    shim = installed(tmp_path, "#!/bin/sh\n")
    (shim.parent / "linux-x64-gnu/tool").chmod(0o644)
    ran = run(shim)
    assert ran.returncode == 126
    assert ran.stderr.startswith("tool cannot be started: ")


def test_another_program_can_be_put_in_its_place(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho other\n")
    other.chmod(0o755)
    assert run(installed(tmp_path, "#!/bin/sh\n"), TOOL_BINARY=str(other)).stdout == "other\n"


def test_package_json_carries_what_cargo_toml_says(tmp_path: Path) -> None:
    files = {file.path: file for file in program_package(IDENTITY, ("a", "b"), staged(tmp_path, a="", b=""))}
    content = files["package.json"].content
    assert isinstance(content, bytes)
    declared = json.loads(content)
    assert declared["bin"] == {"a": "bin/a.js", "b": "bin/b.js"}
    assert declared["repository"] == {"type": "git", "url": "https://git.example/x"}
    assert (declared["license"], declared["files"]) == ("MIT", ["bin"])
    assert "scripts" not in declared


def test_a_program_that_one_platform_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="the program b was not built for linux-x64-gnu"):
        program_package(IDENTITY, ("a", "b"), staged(tmp_path, a=""))
