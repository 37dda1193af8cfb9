"""The shim of a command-line package, run by real Node on programs written here."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.identity import Identity
from generator.packages.program import program_packages
from generator.packages.tarball import write_tarball
from tests.packages.conftest import HERE, node, package_json, write_tarballs
from tests.support import HANGS, unpack, wait_until, write_files

IDENTITY = Identity("@demo/tool", "1.2.3", description="a tool", license="MIT", repository="https://git.example/x")


def staged(top: Path, platform: str = "linux-x64-gnu", **programs: str) -> Path:
    for name, text in programs.items():
        file = top / "bin" / platform / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return top


def installed(tmp: Path, script: str, layout: Layout = "single", platform: str = "linux-x64-gnu") -> Path:
    """Pack a program that is a shell script, install the packages as npm lays them out, and return the shim."""
    for package in program_packages(IDENTITY, ("tool",), staged(tmp / "staged", platform, tool=script), layout):
        write_tarball(package.files, tmp / "tool.tgz")
        unpack(tmp / "tool.tgz", tmp / "unpacked")
        (tmp / "node_modules/@demo").mkdir(parents=True, exist_ok=True)
        (tmp / "unpacked/package").rename(tmp / "node_modules" / package.name)
    return tmp / "node_modules/@demo/tool/bin/tool.js"


def run(shim: Path, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: TID251
        [shim, *words],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
        timeout=HANGS,
    )


def test_arguments_streams_and_exit_code_pass_through(tmp_path: Path) -> None:
    shim = installed(tmp_path, '#!/bin/sh\nread line; echo "$line: $1|$2"; echo oops >&2; exit 7\n')
    ran = run(shim, "a b", "$(x)", stdin="in\n")
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "in: a b|$(x)\n", "oops\n")


def test_a_program_that_dies_by_a_signal_takes_the_shim_along(tmp_path: Path) -> None:
    assert run(installed(tmp_path, "#!/bin/sh\nkill -TERM $$\n")).returncode == -signal.SIGTERM


# Writes its process ID once it handles the signals, then waits for one and exits with 7 and its name.
WAITS = """#!/usr/bin/env node
const fs = require("fs");
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]) {
  process.on(name, () => { console.log(name); process.exit(7); });
}
setInterval(() => {}, 1000);
fs.writeFileSync(process.argv[2], String(process.pid));
"""
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2")


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_signal_reaches_the_program_and_its_exit_code_the_user(tmp_path: Path, name: str) -> None:
    shim, ready = installed(tmp_path, WAITS), tmp_path / "ready"
    words = [str(shim), str(ready)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as started:
        wait_until(lambda: ready.exists() and ready.read_text(), "the program")
        started.send_signal(signal.Signals[name])
        out, _ = started.communicate(timeout=HANGS)
    assert (started.returncode, out) == (7, f"{name}\n")
    assert not Path(f"/proc/{ready.read_text()}").exists()


def test_a_program_that_a_passed_signal_ends_takes_the_shim_along(tmp_path: Path) -> None:
    shim, ready = installed(tmp_path, '#!/bin/sh\necho $$ > "$1"\nexec sleep 3600\n'), tmp_path / "ready"
    with subprocess.Popen([str(shim), str(ready)], stdin=subprocess.PIPE, start_new_session=True) as started:
        wait_until(lambda: ready.exists() and ready.read_text().strip(), "the program")
        started.send_signal(signal.SIGTERM)
        assert started.wait(600) == -signal.SIGTERM


def test_an_interrupt_at_a_terminal_reaches_the_program_once(tmp_path: Path) -> None:
    """The terminal itself sends it to the program; a second one would end many programs at once."""
    counts = WAITS.replace(
        "process.exit(7)", "seen++ || setTimeout(() => { console.log(`seen ${seen}`); process.exit(7); }, 300)"
    )
    shim, ready = installed(tmp_path, counts.replace("const fs", "let seen = 0; const fs")), tmp_path / "ready"
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [str(shim), str(ready)], stdin=theirs, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as started:
            wait_until(lambda: ready.exists() and ready.read_text(), "the program")
            os.killpg(started.pid, signal.SIGINT)
            out, _ = started.communicate(timeout=HANGS)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (started.returncode, out.splitlines()) == (7, ["SIGINT", "seen 1"])


@pytest.mark.parametrize("layout", ["single", "split"])
def test_the_program_of_the_layout_is_started(tmp_path: Path, layout: Layout) -> None:
    assert run(installed(tmp_path, "#!/bin/sh\necho started\n", layout)).stdout == "started\n"


def test_an_unscoped_program_is_started_from_a_platform_package_with_a_scope(tmp_path: Path) -> None:
    identity = Identity("tool", "1.2.3", platform_packages="@demo/tool")
    files = staged(tmp_path / "staged", tool="#!/bin/sh\necho started\n")
    root, platform = program_packages(identity, ("tool",), files, "split")
    assert package_json(root)["optionalDependencies"] == {"@demo/tool-linux-x64-gnu": "1.2.3"}
    for package in (root, platform):
        write_tarball(package.files, tmp_path / "tool.tgz")
        unpack(tmp_path / "tool.tgz", tmp_path / "unpacked")
        (tmp_path / "node_modules" / package.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "unpacked/package").rename(tmp_path / "node_modules" / package.name)
    assert run(tmp_path / "node_modules/tool/bin/tool.js").stdout == "started\n"


@pytest.mark.parametrize("layout", ["single", "split"])
@pytest.mark.parametrize(
    ("where", "called"),
    [
        ("linux,x64,glibc", "linux-x64-gnu"),
        ("linux,x64,musl", "linux-x64-musl"),
        ("linux,arm64,musl", "linux-arm64-musl"),
        ("win32,arm64,", "win32-arm64-msvc"),
    ],
)
def test_a_missing_platform_is_named_with_those_that_are_there(
    tmp_path: Path, layout: Layout, where: str, called: str
) -> None:
    shim = installed(tmp_path, "#!/bin/sh\n", layout, "darwin-arm64")
    ran = node("node", "--require", HERE / "as.cjs", shim, cwd=tmp_path, AS=where)
    assert ran.returncode == 127
    assert ran.stderr == f"tool was not built for {called}; it was built for: darwin-arm64\n"


@pytest.mark.parametrize(
    ("layout", "place"), [("single", "./linux-x64-gnu/tool"), ("split", "@demo/tool-linux-x64-gnu/bin/tool")]
)
def test_a_missing_program_is_reported_with_a_fix(tmp_path: Path, layout: Layout, place: str) -> None:
    shim = installed(tmp_path, "#!/bin/sh\n", layout)
    next(each for each in tmp_path.glob("node_modules/**/tool") if each.is_file()).unlink()
    ran = run(shim)
    assert ran.returncode == 127
    assert ran.stderr == f"{place} is not installed: run npm install again, without --omit=optional\n"


def test_a_program_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
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
    (package,) = program_packages(IDENTITY, ("a", "b"), staged(tmp_path, a="", b=""), "single")
    declared = package_json(package)
    assert declared["bin"] == {"a": "bin/a.js", "b": "bin/b.js"}
    assert declared["repository"] == {"type": "git", "url": "https://git.example/x"}
    assert (declared["license"], declared["files"]) == ("MIT", ["bin"])
    assert "scripts" not in declared


def test_each_platforms_package_has_its_programs_and_the_roots_words(tmp_path: Path) -> None:
    staged(tmp_path, a="", b="")
    staged(tmp_path, "win32-x64-msvc", **{"a.exe": "", "b.exe": ""})
    write_files(tmp_path, {"README.md": "read", "LICENSE-MIT": "may"})
    root, linux, windows = program_packages(IDENTITY, ("a", "b"), tmp_path, "split")
    assert package_json(root)["optionalDependencies"] == {
        "@demo/tool-linux-x64-gnu": "1.2.3",
        "@demo/tool-win32-x64-msvc": "1.2.3",
    }
    documents = {"README.md", "LICENSE-MIT", "package.json"}
    assert {file.path for file in root.files} == {*documents, "bin/a.js", "bin/b.js"}
    assert {file.path for file in linux.files} == {*documents, "bin/a", "bin/b"}
    assert all(file.executable for file in linux.files if file.path.startswith("bin/"))
    assert {file.path for file in windows.files} == {*documents, "bin/a.exe", "bin/b.exe"}
    assert package_json(windows) == {
        "name": "@demo/tool-win32-x64-msvc",
        "version": "1.2.3",
        "description": "a tool",
        "license": "MIT",
        "repository": {"type": "git", "url": "https://git.example/x"},
        "engines": {"node": ">= 20"},
        "os": ["win32"],
        "cpu": ["x64"],
        "preferUnplugged": True,
        "files": ["bin/a.exe", "bin/b.exe"],
        "gypfile": False,
    }


def test_a_program_that_one_platform_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="the program b was not built for linux-x64-gnu"):
        program_packages(IDENTITY, ("a", "b"), staged(tmp_path, a=""), "single")


@pytest.mark.parametrize("program", ["node", "npm", "npx", "yarn", "pnpm", "corepack", "sh", "CMD", "git"])
def test_no_program_takes_the_place_of_what_every_script_starts(tmp_path: Path, program: str) -> None:
    with pytest.raises(Unbuildable, match=f"a command named {program} would shadow the user's own"):
        program_packages(IDENTITY, (program,), staged(tmp_path, **{program: ""}), "single")


@pytest.mark.parametrize("program", ["../../x", "C:\\x", "con", "a b", "x."])
def test_no_program_is_called_what_only_some_systems_hold(tmp_path: Path, program: str) -> None:
    with pytest.raises(Unbuildable, match="is not a valid command name"):
        program_packages(IDENTITY, (program,), tmp_path, "split")


@pytest.mark.parametrize(
    "stray", ["package.json", "binding.gyp", "bin/other.js", "bin/linux-x64-gnu/other", "lib/x.js"]
)
def test_nothing_but_programs_and_documents_is_packed(tmp_path: Path, stray: str) -> None:
    write_files(staged(tmp_path, tool=""), {stray: ""})
    with pytest.raises(Unbuildable, match=f"^the build of a program does not create {stray}: "):
        program_packages(IDENTITY, ("tool",), tmp_path, "single")


@pytest.mark.parametrize("layout", ["single", "split"])
def test_npm_links_the_programs_alone_and_runs_no_script(tmp_path: Path, layout: Layout) -> None:
    packages = program_packages(IDENTITY, ("a", "b"), staged(tmp_path / "staged", a="", b=""), layout)
    write_tarballs(tmp_path / "tgz", packages).install(tmp_path / "app", "linux-x64-gnu")
    assert {path.name for path in (tmp_path / "app/node_modules/.bin").iterdir()} == {"a", "b"}
    assert all(package_json(each)["gypfile"] is False for each in packages)


@pytest.mark.parametrize("layout", ["single", "split"])
@pytest.mark.parametrize("where", ["linux,x64,glibc", "linux,x64,musl"])
def test_a_program_for_musl_alone_runs_beside_glibc_too(tmp_path: Path, layout: Layout, where: str) -> None:
    shim = installed(tmp_path, "#!/bin/sh\necho static\n", layout, "linux-x64-musl")
    ran = node("node", "--require", HERE / "as.cjs", shim, cwd=tmp_path, AS=where)
    assert (ran.returncode, ran.stdout) == (0, "static\n"), ran.stderr


def test_npm_installs_a_program_for_musl_alone_for_every_libc(tmp_path: Path) -> None:
    alone = program_packages(IDENTITY, ("tool",), staged(tmp_path / "alone", "linux-x64-musl", tool=""), "split")[1]
    assert "libc" not in package_json(alone)
    both = staged(staged(tmp_path / "both", "linux-x64-musl", tool=""), "linux-x64-gnu", tool="")
    packages = program_packages(IDENTITY, ("tool",), both, "split")[1:]
    assert [package_json(each)["libc"] for each in packages] == [["glibc"], ["musl"]]


@pytest.mark.parametrize(
    ("needed", "has", "started"), [("2.17", "2.31", "glibc"), ("2.34", "2.31", "musl"), ("2.34", "2.34", "glibc")]
)
def test_a_program_for_musl_takes_the_place_of_one_that_needs_a_newer_glibc(
    tmp_path: Path, needed: str, has: str, started: str
) -> None:
    text = f"#!/bin/sh\necho glibc\nexit\n\0GLIBC_2.2.5\0GLIBC_{needed}\0"
    both = staged(tmp_path / "staged", "linux-x64-gnu", tool=text)
    staged(both, "linux-x64-musl", tool="#!/bin/sh\necho musl\n")
    (package,) = program_packages(IDENTITY, ("tool",), both, "single")
    write_tarball(package.files, tmp_path / "tool.tgz")
    unpack(tmp_path / "tool.tgz", tmp_path / "app")
    report = f"process.report.getReport = () => ({{header: {{glibcVersionRuntime: '{has}'}}}})"
    (tmp_path / "glibc.cjs").write_text(report)
    ran = node("node", "--require", tmp_path / "glibc.cjs", tmp_path / "app/package/bin/tool.js", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, f"{started}\n"), ran.stderr
