"""action.yml: its scripts run under the same bash options as at GitHub, and its references exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML

from generator import __version__, processes
from generator.manifest.checks import check_manifest
from generator.manifest.models import Manifest
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import Toolchain, unmet_need
from generator.workflows.pins import pins
from tests.conftest import MakeRepository
from tests.support import COMMAND, LIMIT, NAPS, entry, library, wait_until, write_files
from tests.workflows.rendered import render
from tests.workflows.rust_channel import installed_channel

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / ".github/actions/setup/action.yml"
TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION: Any = YAML(typ="safe", pure=True).load(TEXT)
STEPS: list[Any] = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}
# What `shell: bash` means: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
BASH = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]
# Replaces the installed command; prints its process id, its arguments and its PATH.
ECHO = f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([os.getpid(), sys.argv[1:], os.environ['PATH']]))\n"


def script(name: str, directory: Path) -> Path:
    file = directory / "step.sh"
    file.write_text(SCRIPTS[name], encoding="utf-8")
    return file


def installed(temporary: Path) -> Path:
    """Install ECHO as the command."""
    command = temporary / "cratematrix"
    command.write_text(ECHO, encoding="utf-8")
    command.chmod(0o755)
    return command


def said_by(name: str, tmp_path: Path, **given: str) -> tuple[int, list[object]]:
    """Run a step's script; return its process id and the output of ECHO."""
    env = {**os.environ, "COMMAND": str(installed(tmp_path)), **given}
    argv = [*BASH, str(script(name, tmp_path))]
    with subprocess.Popen(argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as shell:
        said, _ = shell.communicate()
    return shell.pid, json.loads(said)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.attack("no input of the action becomes a script")
def test_scripts_are_bash_without_expressions(name: str, tmp_path: Path) -> None:
    assert "${{" not in SCRIPTS[name]
    processes.output([*BASH, "-n", str(script(name, tmp_path))], timeout=600)


def test_every_action_is_a_pin_and_every_pin_is_used(fleets: Any) -> None:
    manifest = fleets.make()
    with_page = manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"pages": True})})
    workflows = "".join(render(with_page, 1, "crates.json").values())
    used = re.findall(r"uses: ([^\"\s].*)", TEXT + SETUP.read_text(encoding="utf-8") + workflows)
    assert set(used) == {pin.uses for pin in pins().values()}


CI = ROOT / ".github/workflows/ci.yml"


def test_our_own_ci_uses_the_same_pins_and_the_oldest_python() -> None:
    text = CI.read_text(encoding="utf-8")
    assert set(re.findall(r"uses: (.*)", text)) <= {pin.uses for pin in pins().values()}
    oldest = re.findall(r'requires-python = ">=(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert re.findall(r'python: \["([\d.]+)", ', text) == oldest


def refused_names(names: set[str]) -> set[str]:
    """Return the names that the manifest's `env` refuses."""
    body = {
        "fleet": {"npm_scope": "@demo", "env": sorted(names)},
        "crates": [{"name": "one", "version": "1.0.0", "kind": "lib", "source": {"path": "one"}}],
    }
    manifest = Manifest.model_validate_json(json.dumps({"schema_version": 1, **body}))
    problems = check_manifest(manifest)
    return {manifest.fleet.env[int(each.loc[-1])] for each in problems if each.loc[:2] == ("fleet", "env")}


def test_env_of_the_manifest_refuses_every_variable_that_the_action_sets() -> None:
    """A generated workflow sets `env` for the whole action, so a name of a step's own would reach that step's script."""
    setup = YAML(typ="safe", pure=True).load(SETUP)["runs"]["steps"]
    names = {name for step in (*STEPS, *setup) for name in step.get("env", {})}
    assert {"LINKERS", "PYTHON", "MANIFEST"} <= names
    assert names - refused_names(names | {"LICENCE"}) == set()
    assert "LICENCE" not in refused_names({"LICENCE"})


@pytest.mark.parametrize("backend", ["local", "e2b"])
@pytest.mark.parametrize("name", ["build", "release", "regenerate"])
def test_only_the_action_gets_variables_of_crates_and_no_others_beside_them(
    fleets: Any, backend: str, name: str
) -> None:
    manifest = fleets.make()
    fleet = manifest.fleet.model_copy(update={"backend": backend, "env": ("LICENCE",)})
    rendered = render(manifest.model_copy(update={"fleet": fleet}), 3, "crates.json")
    workflow = YAML(typ="safe", pure=True).load(rendered[f".github/workflows/cratematrix-{name}.yml"])
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    with_variables = [step for step in steps if "LICENCE" in step.get("env", {})]
    assert [(step["uses"], list(step["env"])) for step in with_variables] == (
        [] if name == "regenerate" else [("./", ["LICENCE"])]
    )
    assert not any("env" in each for each in (workflow, *workflow["jobs"].values()))


def test_expressions_name_inputs_and_steps_that_exist() -> None:
    known = {f"inputs.{name}" for name in ACTION["inputs"]}
    known |= {f"steps.{step['id']}.outputs" for step in STEPS if "id" in step}
    named = set(re.findall(r"\b(inputs\.[\w-]+|steps\.[\w-]+\.outputs)\b", TEXT))
    assert named == known


@pytest.mark.parametrize("name", ["Resume", "Build", "Upload", "Kill leftover sandboxes"])
@pytest.mark.attack("no input of the action becomes a script")
def test_the_command_replaces_its_shell_and_gets_any_input_unchanged(name: str, tmp_path: Path) -> None:
    hostile = '-a b"; touch x; $(touch x) `touch x` * \\'
    given = dict.fromkeys(("MANIFEST", "SHARD", "BACKEND", "RELEASE_ID", "EARLIER", "GITHUB_RUN_ID"), hostile)
    pid, said = said_by(name, tmp_path, **given)
    words = [word.partition("=")[2] for word in said[1] if word.startswith("--") and word != "--out=dist"]  # type: ignore[attr-defined]
    assert said[0] == pid
    assert words
    assert set(words) == {hostile}
    assert not (tmp_path / "x").exists()


def test_only_the_build_gets_the_linkers_and_the_runners_programs_come_first(tmp_path: Path) -> None:
    given = dict.fromkeys(("MANIFEST", "SHARD", "BACKEND"), "x")
    assert said_by("Build", tmp_path, **given, LINKERS="/linkers")[1][2] == f"{os.environ['PATH']}:/linkers"
    assert said_by("Build", tmp_path, **given, LINKERS="")[1][2] == os.environ["PATH"]
    assert [step["name"] for step in STEPS if "steps.linkers.outputs" in json.dumps(step)] == ["Build"]


def test_the_plan_reaches_the_build_and_the_targets_of_its_shard() -> None:
    env = {key: value for step in STEPS for key, value in step.get("env", {}).items() if key.endswith("_PLAN")}
    assert env == dict.fromkeys(("CRATEMATRIX_TARGETS_PLAN", "CRATEMATRIX_BUILD_PLAN"), "${{ inputs.plan }}")


@pytest.mark.attack("no step of the action has both crates' code and GitHub's token", entry="W2")
def test_no_step_has_both_a_crates_code_and_a_token_of_github() -> None:
    named = {step["name"]: step for step in STEPS}
    build, *uploads = (named[name] for name in ("Build", "Upload", "Upload during the build", "Resume"))
    assert (build["env"]["GITHUB_TOKEN"], build["env"]["GH_TOKEN"]) == ("", "")
    assert "github-token" not in json.dumps(build)
    assert [step["env"]["E2B_API_KEY"] for step in uploads] == ["", "", ""]
    with_token = [step for step in STEPS if "inputs.github-token" in json.dumps(step)]
    assert [step["name"] for step in with_token] == ["Resume", "Upload during the build", "Upload"]
    # Beside the build only where crates' code runs elsewhere.
    assert all("inputs.backend == 'e2b'" in step["if"] for step in with_token[:2])


@pytest.mark.parametrize(("backend", "warnings"), [("local", 1), ("e2b", 0)])
@pytest.mark.attack("an upload beside crates' code is warned of", entry="W2")
def test_an_upload_in_the_job_of_crates_code_is_warned_of(backend: str, warnings: int, tmp_path: Path) -> None:
    env = {**os.environ, "COMMAND": str(installed(tmp_path)), "BACKEND": backend, "RELEASE_ID": "7"}
    said = processes.output([*BASH, str(script("Upload", tmp_path))], timeout=60, env=env).decode().splitlines()
    assert [line.startswith("::warning title=") for line in said[:-1]] == [True] * warnings
    assert json.loads(said[-1])[1] == ["release", "upload", "--release-id=7", "--out=dist"]


# Replaces the installed command with one that does not end; it says what it got as soon as it runs.
ENDLESS = f"""#!{sys.executable}
import json, os, sys, time
print(json.dumps([sys.argv[1:], os.environ["GITHUB_ACTIONS"]]), flush=True)
open("runs", "w").close()
while True:
    time.sleep(1)
"""


def run_step(name: str, directory: Path, **given: str) -> str:
    """Run a step's script to its end, which is when nothing holds its output any more."""
    env = {**os.environ, "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(directory), **given}
    argv = [*BASH, str(script(name, directory))]
    return processes.output(argv, timeout=60, env=env, cwd=directory).decode()


@pytest.mark.attack("no input of the action becomes a script")
def test_uploads_go_on_beside_the_next_steps_until_a_step_ends_them_and_prints_what_they_said(tmp_path: Path) -> None:
    installed(tmp_path).write_text(ENDLESS, encoding="utf-8")
    hostile = '-a b"; touch x; $(touch x) `touch x` * \\'
    given = {"COMMAND": str(tmp_path / "cratematrix"), "SHARD": hostile, "RELEASE_ID": hostile}
    assert run_step("Upload during the build", tmp_path, **given) == ""
    wait_until((tmp_path / "runs").exists, "the uploads")
    uploads = psutil.Process(int((tmp_path / "early-upload.pid").read_text()))
    assert runs(uploads)
    first, said, last = run_step("End the uploads during the build", tmp_path).splitlines()
    assert (first, last) == ("::group::Uploads during the build", "::endgroup::")
    words, in_github = json.loads(said)
    assert words == ["release", "upload", f"--release-id={hostile}", f"--during-build={hostile}", "--out=dist"]
    assert (in_github, runs(uploads), (tmp_path / "x").exists()) == ("", False, False)


def runs(process: psutil.Process) -> bool:
    """Return False also for an ended process that nobody waits for."""
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_only_the_uploads_are_ended_and_nothing_where_they_never_began(tmp_path: Path) -> None:
    assert run_step("End the uploads during the build", tmp_path) == ""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "early-upload.pid").write_text(f"{other.pid}\n")
        (tmp_path / "early-upload.txt").write_text("error: interrupted\n")
        said = run_step("End the uploads during the build", tmp_path)
        assert other.poll() is None
        other.communicate(b"\n")
    assert (said.splitlines()[1], other.returncode) == ("error: interrupted", 0)


def install(temporary: Path) -> dict[str, str]:
    """Run the installation as a step does; return its outputs and its additions to PATH."""
    (temporary / "outputs").write_text("")
    (temporary / "path").write_text("")
    files = {"GITHUB_OUTPUT": "outputs", "GITHUB_PATH": "path"}
    env = {**os.environ, "RUNNER_TEMP": str(temporary), **{key: str(temporary / file) for key, file in files.items()}}
    # Files of a workspace that pip and uv would read.
    write_files(
        temporary / "workspace", {"pip/__main__.py": "raise SystemExit(9)", "uv.toml": 'required-version = "==0"'}
    )
    argv = [str(SETUP.with_name("install.sh")), sys.executable]
    processes.output(argv, timeout=300, env=env, cwd=temporary / "workspace")
    return {key: (temporary / file).read_text() for key, file in files.items()}


def test_the_installed_command_is_this_version_and_a_second_run_installs_nothing(tmp_path: Path) -> None:
    first = install(tmp_path)
    command = Path(first["GITHUB_OUTPUT"].removeprefix("command=").strip())
    made = (command.parent.parent / "complete").stat()
    assert install(tmp_path) == first
    assert (command.parent.parent / "complete").stat() == made
    assert first["GITHUB_PATH"] == f"{command.parent}\n"
    assert [each.name for each in command.parent.iterdir()] == ["cratematrix"]
    shown = processes.output([str(command), "generate", "--check"], timeout=600, cwd=ROOT)
    assert shown == b""
    assert __version__ in processes.output([str(command), "--version"], timeout=600).decode()


class Runner:
    """A runner with an empty home, and the step that installs linkers and Rust targets."""

    def __init__(self, temporary: Path, top: Path, rust: Mapping[str, str]) -> None:
        self.top, self.outputs, self.file = (
            top,
            temporary / "outputs",
            script("Install linkers and Rust targets", temporary),
        )
        command = install(temporary)["GITHUB_OUTPUT"].removeprefix("command=").strip()
        given = {"COMMAND": command, "MANIFEST": "crates.json", "SHARD": "1/1"}
        job = {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(self.outputs), "HOME": str(temporary / "home")}
        self.environment = {**os.environ, **given, **job, **rust}

    def install_linkers(self, **changed: str) -> str:
        """Run the step and return its output; step outputs are reset before."""
        self.outputs.write_text("")
        env = {**self.environment, **changed}
        ran = processes.run([*BASH, str(self.file)], timeout=600, env=env, cwd=self.top)
        assert ran.exit_code == 0, ran.stderr
        return ran.stdout.decode()

    @property
    def linkers(self) -> Path:
        return Path(self.outputs.read_text().removeprefix("linkers=").strip())

    @property
    def toolchain(self) -> Toolchain:
        """The toolchain of a build after the step."""
        path = f"{self.environment['PATH']}:{self.linkers}"
        return find_host_toolchain({**self.environment, "PATH": path}).toolchain("linux-x64-gnu")


@pytest.fixture
def runner(repository: MakeRepository, tmp_path: Path) -> Runner:
    """A runner whose rustup has the standard library for musl, and none for macOS."""
    if shutil.which("rustup") is None:
        pytest.skip("needs rustup")
    platforms = ["linux-x64-gnu", "linux-x64-musl", "darwin-arm64", "win32-x64-msvc", "wasm32"]
    top = repository([entry("one", kind="bin")], library("one"), platforms=platforms)
    (top / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.0.0"\n')
    return Runner(tmp_path, top, installed_channel(tmp_path / "rust", ["x86_64-unknown-linux-musl"]))


def test_a_runner_gets_zig_and_the_targets_of_its_crates(runner: Runner) -> None:
    assert runner.install_linkers() == "aarch64-apple-darwin is not available: its platform is skipped\n"
    assert runner.toolchain.programs >= {"cargo-zigbuild"}
    assert runner.toolchain.targets == {"x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"}
    assert unmet_need("bin", "linux-x64-musl", runner.toolchain) is None


def test_linkers_are_installed_once_in_a_job_and_without_rustup_zig_alone(runner: Runner, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("bash", "dirname", "rm", "ln"):
        (bare / name).symlink_to(str(shutil.which(name)))
    without = "rustup is not installed: only the runner's own Rust targets are used\n"
    assert runner.install_linkers(PATH=str(bare)) == without
    assert runner.toolchain.targets == {"x86_64-unknown-linux-gnu"}
    assert "cargo-zigbuild" in runner.toolchain.programs
    complete = runner.linkers.parent / "complete"
    made = complete.stat()
    assert runner.install_linkers(PATH=str(bare)) == without
    assert complete.stat() == made


@pytest.mark.parametrize(
    ("accepted", "platforms", "asked"),
    [
        (True, ["win32-x64-msvc"], "x86_64"),
        (True, ["win32-arm64-msvc", "win32-x64-msvc", "wasm32"], "aarch64,x86_64"),
        (True, ["linux-x64-gnu"], None),
        (False, ["win32-x64-msvc"], None),
        (None, ["win32-x64-msvc"], None),
    ],
)
def test_microsofts_libraries_are_fetched_with_the_manifests_word_alone(
    repository: MakeRepository, tmp_path: Path, accepted: bool | None, platforms: list[str], asked: str | None
) -> None:
    """A stand-in for cargo-xwin is on the runner's PATH, because Microsoft's servers are not for tests."""
    word = {} if accepted is None else {"accept_microsoft_licence": accepted}
    top = repository([entry("one", kind="bin")], library("one"), platforms=platforms, **word)
    tools, calls = tmp_path / "tools", tmp_path / "calls"
    tools.mkdir()
    (tools / "cargo-xwin").write_text(f'#!/bin/sh\necho "$XWIN_ARCH $*" >> {calls}\nexit 1\n')
    (tools / "cargo-xwin").chmod(0o755)
    # As after a first run, which has installed zig.
    environment = tmp_path / "environment"
    write_files(environment, {"linkers/complete": "", "linkers/bin/zig": ""})
    (environment / "bin").mkdir()
    (environment / "bin/cratematrix").symlink_to(COMMAND)
    for name in ("bash", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    env = {**os.environ, "PATH": str(tools), "GITHUB_OUTPUT": str(tmp_path / "outputs")}
    argv = [str(SETUP.with_name("linkers.sh")), str(environment / "bin/cratematrix"), "crates.json", "1/1"]
    ran = processes.run(["/bin/bash", *argv], timeout=300, env=env, cwd=top)
    assert ran.exit_code == 0, ran.stderr
    assert (calls.read_text() if calls.exists() else None) == (asked and f"{asked} cache xwin\n")
    assert (b"the platforms for Windows are skipped" in ran.stdout) is bool(asked)


def names_below(pid: int) -> set[str]:
    """Programs that run below a process, without the hash that Cargo gives their names."""
    names = set()
    for each in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            names.add(each.name().partition("-")[0])
    return names


def test_a_cancelled_build_ends_in_time_and_writes_its_report(repository: MakeRepository, tmp_path: Path) -> None:
    """GitHub's runner interrupts only the first process of the step, and kills it 7.5 s later; the crate takes an hour.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
    """
    top = repository(
        [entry("quick", expected_minutes=9), entry("endless")], library("quick") | library("endless", NAPS)
    )
    outputs = tmp_path / "outputs"
    outputs.touch()
    given = {"COMMAND": COMMAND, "MANIFEST": "crates.json", "SHARD": "1/1", "BACKEND": "local"}
    job = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs), "CRATEMATRIX_BUILD_JOBS": "1"}
    argv = [*BASH, str(script("Build", tmp_path))]
    with subprocess.Popen(argv, cwd=top, env={**os.environ, **given, **job}, stderr=subprocess.PIPE, text=True) as step:
        assert step.stderr is not None
        assert any("[endless] -- test" in line for line in step.stderr)
        wait_until(lambda: "endless" in names_below(step.pid), "the crate's test")
        below = psutil.Process(step.pid).children(recursive=True)
        step.send_signal(signal.SIGINT)
        step.communicate()
    assert step.returncode == 130
    assert below
    assert psutil.wait_procs(below, timeout=LIMIT)[1] == []
    crates = json.loads((top / "dist/report-1.json").read_text())["crates"]
    assert {crate["name"]: crate["state"] for crate in crates} == {"quick": "built", "endless": "not_run"}
    assert "dist/report-1.json" in outputs.read_text()
