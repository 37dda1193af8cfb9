"""Tests under a runtime: real scripts, with a program of this machine as the runtime."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from generator.recipes.test_run import NO_NODE_LINE, npm_with_node, own_runner, set_runner
from generator.toolchain.toolchain import Runtime
from tests.recipes.jobs import job_of
from tests.support import bash

ARM, MUSL = "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl"


def printed_by(script: str, cwd: Path) -> str:
    done = bash(script, cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def runtime() -> Runtime:
    """Return a runtime that marks the programs that it starts."""
    return Runtime("env 9", ("env", "STARTED=by a runtime"), environment={"GIVEN": "it's so"})


def test_a_test_and_the_programs_that_it_starts_are_started_by_the_runtime(tmp_path: Path, runtime: Runtime) -> None:
    """The second test finds the first one's script instead of the program, and keeps it."""
    release = tmp_path / "target/release"
    (release / "deps").mkdir(parents=True)
    says = 'echo "program ${0##*/} $1: $STARTED, $GIVEN"'
    for name, text in {
        "demo": says,
        "-n": says,  # Cargo takes it
        "deps/test-1": f'echo "test $1: $STARTED"; for each in demo -n; do env -u STARTED {release}/$each "two words"; done',
    }.items():
        (release / name).write_text(f"#!/bin/sh\n{text}\n")
        (release / name).chmod(0o755)
    lines = set_runner(str(tmp_path), ARM, "linux-arm64-gnu", runtime, ["-n", "demo", "other"])
    start = f'"$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER" {release}/deps/test-1 --nocapture\n'
    assert printed_by(f"{lines}\n{start}{start}", tmp_path) == 2 * (
        "test --nocapture: by a runtime\n"
        "program demo two words: by a runtime, it's so\n"
        "program -n two words: by a runtime, it's so\n"
    )


def test_rustdocs_tests_move_nothing(tmp_path: Path, runtime: Runtime) -> None:
    (tmp_path / "demo").write_text("#!/bin/sh\necho $STARTED\n")
    (tmp_path / "demo").chmod(0o755)
    lines = set_runner(str(tmp_path), ARM, "linux-arm64-gnu", runtime, ["demo"])
    run = f'"$CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER" {tmp_path}/demo'
    assert printed_by(f"{lines}\n{run}", tmp_path) == "by a runtime\n"
    assert not (tmp_path / "behind").exists()


def test_what_the_kernel_runs_by_itself_needs_no_runner(tmp_path: Path) -> None:
    assert set_runner(str(tmp_path), MUSL, "linux-x64-musl", Runtime("kernel"), ["demo"]) == ""


@pytest.mark.parametrize(
    ("test", "said"), [("echo cargo test", NO_NODE_LINE), ("node -p 1", "1"), ("sh -c 'node -p 1'", "1")]
)
@pytest.mark.parametrize("own", [True, False])
def test_tests_that_start_no_node_are_detected(
    tmp_path: Path, runtime: Runtime, test: str, said: str, own: bool
) -> None:
    node = printed_by("command -v node", tmp_path).strip() if own else None
    top = tmp_path / "two words"
    top.mkdir()
    (top / "package.json").write_text(json.dumps({"scripts": {"test": test}}))
    script = npm_with_node(job_of(top), "linux-arm64-gnu", replace(runtime, node=node), "test --silent")
    assert printed_by(script, top).splitlines()[-1] == said


def test_node_is_the_platforms_own_wherever_a_script_or_node_itself_starts_it(tmp_path: Path) -> None:
    """Npm is that of this machine, because another platform's would start another shell."""
    runtime = Runtime(
        "env 9", ("env", "STARTED=by a runtime"), printed_by("command -v node", tmp_path).strip(), "20.0.0"
    )
    job = job_of(tmp_path)
    child = "require('child_process').execFileSync(process.execPath, ['-p', 'process.env.STARTED'])"
    (tmp_path / "child.js").write_text(f"process.stdout.write({child})\n")
    (tmp_path / "package.json").write_text('{"scripts": {"test": "echo sh: $STARTED; env -u STARTED node child.js"}}')
    printed = printed_by(npm_with_node(job, "linux-arm64-gnu", runtime, "test --silent"), tmp_path)
    assert printed == "sh:\nby a runtime\n"


def test_node_of_windows_writes_to_a_file_since_wine_knows_no_pipes_of_linux(tmp_path: Path) -> None:
    node = tmp_path / "node.exe"
    node.write_text('#!/bin/sh\n[ -f /dev/stdout ] && [ -f /dev/stderr ] && echo "a file: $@" >&2\nexit 7\n')
    node.chmod(0o755)
    (tmp_path / "package.json").write_text('{"scripts": {"test": "node a b || echo $?"}}')
    script = npm_with_node(
        job_of(tmp_path), "win32-x64-msvc", Runtime("env 9", ("env",), str(node), "20"), "test --silent"
    )
    assert printed_by(script, tmp_path) == "a file: a b\n7\n"


@pytest.mark.parametrize(
    "command",
    [
        "vitest run",
        "npx --no-install vitest",
        "pnpm vitest run --passWithNoTests",
        "pnpm exec vitest",
        "pnpm dlx vitest@3 run",
        "npm exec -y -- mocha",
        "yarn jest",
        "yarn run -B vitest",
        "yarn node --test",
        "cross-env CI=1 A= pnpm --silent ava",
    ],
)
def test_a_manager_that_starts_one_runner_of_tests_runs_one_command(command: str) -> None:
    assert own_runner(command) == "own"


@pytest.mark.parametrize(
    "command",
    [
        "npm test",
        "npm run jest",
        "pnpm run vitest",
        "pnpm --dir node test",
        "yarn jest:unit",
        "yarn workspaces foreach jest",
        "pnpm vitest && node own.js",
        "yarn jest\nnode own.js",
        "A=$(node own.js) pnpm vitest",
        "A=`node own.js` yarn jest",
        "A=;node pnpm vitest",
        "yarn -s; jest",
        "yarn jest | sh",
    ],
)
def test_what_may_run_several_commands_has_no_runner_that_counts(command: str) -> None:
    assert own_runner(command) is None
