"""action.yml: its scripts are run by the bash that GitHub runs, and its references lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from generator import processes
from generator.workflows.rendering import pins, render

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION: Any = YAML(typ="safe", pure=True).load(TEXT)
STEPS: list[Any] = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}
# What `shell: bash` means: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
BASH = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]
# Takes the place of the installed command: says who it is and what it was given.
ECHO = f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([os.getpid(), sys.argv[1:]]))\n"


def script(name: str, directory: Path) -> Path:
    file = directory / "step.sh"
    file.write_text(SCRIPTS[name], encoding="utf-8")
    return file


def installed(temporary: Path) -> Path:
    """Make the directory that the install step makes."""
    programs = temporary / "cratematrix" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    return programs


def read_report(tmp_path: Path, shard: str) -> str:
    installed(tmp_path)
    output = tmp_path / "output"
    output.write_text("", encoding="utf-8")
    env = {**os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output), "SHARD": shard}
    processes.output([*BASH, str(script("Read the report", tmp_path))], timeout=60, cwd=tmp_path, env=env)
    return output.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_bash_without_expressions(name: str, tmp_path: Path) -> None:
    assert "${{" not in SCRIPTS[name]
    processes.output([*BASH, "-n", str(script(name, tmp_path))], timeout=60)


def test_every_action_is_a_pin_and_every_pin_is_used(fleets: Any) -> None:
    workflows = "".join(render(fleets.make(), 1, "crates.json").values())
    used = re.findall(r"uses: ([^\"\s].*)", TEXT + workflows)
    assert set(used) == {pin.uses for pin in pins().values()}


def test_expressions_name_inputs_and_steps_that_exist() -> None:
    known = {f"inputs.{name}" for name in ACTION["inputs"]}
    known |= {f"steps.{step['id']}.outputs" for step in STEPS if "id" in step}
    named = set(re.findall(r"\b(inputs\.[\w-]+|steps\.[\w-]+\.outputs)\b", TEXT))
    assert named == known


def test_the_build_replaces_its_shell_and_takes_any_input_as_it_is(tmp_path: Path) -> None:
    (installed(tmp_path) / "cratematrix").write_text(ECHO, encoding="utf-8")
    (tmp_path / "cratematrix/bin/cratematrix").chmod(0o755)
    hostile = '-a b"; touch x; $(touch x) `touch x` * \\'
    env = {**os.environ, "RUNNER_TEMP": str(tmp_path), "MANIFEST": hostile, "SHARD": "1/2", "BACKEND": "local"}
    shell = subprocess.Popen(
        [*BASH, str(script("Build", tmp_path))], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True
    )
    said, _ = shell.communicate(timeout=60)
    assert json.loads(said) == [
        shell.pid,
        ["build", f"--manifest={hostile}", "--shard=1/2", "--backend=local", "--out=dist"],
    ]
    assert not (tmp_path / "x").exists()


def test_the_report_becomes_outputs(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    states = ["built", "failed", "built", "skipped", "built", "not_run"]
    report = {"report_version": 1, "crates": [{"name": f"c{n}", "state": state} for n, state in enumerate(states)]}
    (tmp_path / "dist/report-7.json").write_text(json.dumps(report), encoding="utf-8")
    assert read_report(tmp_path, "7/30") == "report=dist/report-7.json\nbuilt=3\nfailed=1\n"


def test_no_report_is_no_output(tmp_path: Path) -> None:
    assert read_report(tmp_path, "1/30") == ""
