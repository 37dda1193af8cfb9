"""Each judge finds a defect planted in a correct file; a judge that passes everything fails here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.judges import TOP, Finding, judge
from tests.support import HANGS, write_files

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node's npm")
SHA = "0123456789abcdef0123456789abcdef01234567"

ACTION = """\
name: Greet
description: Says something to somebody.

inputs:
  who:
    description: Who is greeted.
    required: true
  words:
    description: What is said.
    default: Hello

outputs:
  said:
    description: What was said.
    value: ${{ steps.say.outputs.said }}

runs:
  using: composite
  steps:
    - name: Say it
      id: say
      shell: bash
      env:
        WHO: ${{ inputs.who }}
        WORDS: ${{ inputs.words }}
      run: echo "said=$WORDS, $WHO" >>"$GITHUB_OUTPUT"
"""

WORKFLOW = f"""\
name: Greetings

on: [push, merge_group]

permissions: {{}}

concurrency:
  group: ${{{{ github.workflow }}}}-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  list:
    name: List
    runs-on: ubuntu-24.04
    permissions:
      contents: read # to check out
    outputs:
      names: ${{{{ steps.names.outputs.names }}}}
    steps:
      - name: Check out
        uses: actions/checkout@{SHA} # v7.0.1
        with:
          persist-credentials: false
      - name: List names
        id: names
        env:
          BASE: ${{{{ github.event.merge_group.base_sha }}}}
        run: echo "names=$BASE" >>"$GITHUB_OUTPUT"

  greet:
    name: Greet
    needs: list
    runs-on: ubuntu-24.04
    strategy:
      matrix:
        include:
          - {{ name: you }}
    steps:
      - name: Greet
        id: greet
        uses: ./greet
        with:
          who: ${{{{ matrix.name }}}}
      - name: Repeat
        env:
          SAID: ${{{{ steps.greet.outputs.said }}}} ${{{{ needs.list.outputs.names }}}}
        run: echo "$SAID"
"""

DEPENDABOT = """\
version: 2
updates:
  - package-ecosystem: github-actions
    directory: /
    schedule:
      interval: weekly
    cooldown:
      default-days: 7
"""


@dataclass(frozen=True)
class Defect:
    """A replacement of a text, the judge that must object, and its message."""

    judge: str
    old: str
    new: str
    message: str


IN_WORKFLOW = {
    "unknown context": Defect("github", "{ matrix.name", "{ matrx.name", "Unrecognized named-value: 'matrx'"),
    "unknown matrix key": Defect("github", "{ matrix.name", "{ matrix.nam", "Context access might be invalid: nam"),
    "unknown step": Defect("github", "{ steps.greet.", "{ steps.gret.", "Context access might be invalid: gret"),
    "unknown job": Defect("github", "needs.list.", "needs.lst.", "Context access might be invalid: lst"),
    "unknown payload": Defect(
        "github", "merge_group.base_sha", "merge_group.base", "Context access might be invalid: base"
    ),
    "unknown input": Defect("github", "          who:", "          whom:", "Invalid action input 'whom'"),
    "missing input": Defect("github", "          who:", "          words:", "Missing required input `who`"),
    "input of a pin": Defect("github", "persist-cred", "persist-kred", "Invalid action input 'persist-kredentials'"),
    "no such action": Defect("github", "./greet", "./great", "Unable to resolve action"),
    "action nobody listed": Defect("github", "actions/checkout", "actions/chekout", "Unable to resolve action"),
    "circular needs": Defect("github", "needs: list", "needs: greet", "creates a cycle"),
    "context, by actionlint": Defect("actionlint", "{ matrix.name", "{ matrx.name", 'undefined variable "matrx"'),
    "wrong label": Defect("actionlint", "ubuntu-24.04", "ubuntu-24.4", 'label "ubuntu-24.4" is unknown'),
    "wrong event": Defect("actionlint", "[push,", "[pusch,", 'unknown Webhook event "pusch"'),
    "typo in a key": Defect("schema", "    runs-on:", "    runs-onn:", "'runs-on' is a required property"),
    "no schema": Defect("zizmor", "    runs-on:", "    runs-onn:", "no audit was performed"),
    "unpinned": Defect("zizmor", f"@{SHA}", "@v7", "[unpinned-uses]"),
    "comment that excuses": Defect("zizmor", f"@{SHA} #", "@v7 # zizmor: ignore[unpinned-uses]", "[unpinned-uses]"),
    "template injection": Defect("zizmor", '"$SAID"', '"${{ matrix.name }}"', "[template-injection]"),
    "kept credentials": Defect("zizmor", "persist-credentials: false", "lfs: true", "[artipacked]"),
    "all permissions": Defect("zizmor", "permissions: {}", "permissions: write-all", "[excessive-permissions]"),
    "permission without a reason": Defect("zizmor", "read # to check out", "write", "[undocumented-permissions]"),
    "no YAML, for GitHub": Defect("github", "jobs:", "jobs: [", "Flow sequence"),
    "no YAML, for actionlint": Defect("actionlint", "jobs:", "jobs: [", "could not parse as YAML"),
    "no YAML, for the schema": Defect("schema", "jobs:", "jobs: [", "Failed to parse"),
    "no YAML, for zizmor": Defect("zizmor", "jobs:", "jobs: [", "no audit was performed"),
}

IN_ACTION = {
    "typo in a key": Defect("github", "description: Says", "descripton: Says", "Unexpected value 'descripton'"),
    "typo in an input": Defect("schema", "    default:", "    defalt:", "'defalt' was unexpected"),
    "context of workflows": Defect("github", "{ inputs.who", "{ secrets.who", "Unrecognized named-value: 'secrets'"),
    "unknown input": Defect("github", "{ inputs.who", "{ inputs.whom", "Context access might be invalid: whom"),
    "input, by actionlint": Defect("actionlint", "{ inputs.who", "{ inputs.whom", 'property "whom" is not defined'),
    "unknown step": Defect("actionlint", "{ steps.say.", "{ steps.sey.", 'property "sey" is not defined'),
    "no shell": Defect("github", "      shell: bash\n", "", "shell"),
    "template injection": Defect("zizmor", "=$WORDS", "=${{ inputs.words }}", "[template-injection]"),
}

IN_DEPENDABOT = {
    "typo in a key": Defect("schema", "interval:", "intervall:", "'interval' is a required property"),
    "no time to cool down": Defect("zizmor", "days: 7", "days: 1", "[dependabot-cooldown]"),
}


def planted(text: str, defect: Defect) -> str:
    assert defect.old in text
    return text.replace(defect.old, defect.new)


Found = dict[str, list[Finding]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return the findings by file, all judged at once; files named `right` have no defect."""
    top = tmp_path_factory.mktemp("planted").resolve()
    workflows = {"right": WORKFLOW} | {name: planted(WORKFLOW, defect) for name, defect in IN_WORKFLOW.items()}
    actions = {"right": ACTION} | {name: planted(ACTION, defect) for name, defect in IN_ACTION.items()}
    settings = {"right": DEPENDABOT} | {name: planted(DEPENDABOT, defect) for name, defect in IN_DEPENDABOT.items()}
    files = {f".github/workflows/{name}.yml": text for name, text in workflows.items()}
    files |= {f".github/actions/{name}/action.yml": text for name, text in actions.items()}
    files |= {f"{name}/.github/dependabot.yml": text for name, text in settings.items()}
    write_files(top, {**files, "greet/action.yml": ACTION})
    findings = judge(top / name for name in files)
    return {name: [each for each in findings if each.path == str(top / name)] for name in files}


def objections(defect: Defect, findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.judge == defect.judge and defect.message in each.message]


def test_no_judge_objects_to_a_correct_file(found: Found) -> None:
    assert found[".github/workflows/right.yml"] == []
    assert found[".github/actions/right/action.yml"] == []
    assert found["right/.github/dependabot.yml"] == []


@pytest.mark.parametrize("name", IN_WORKFLOW)
def test_a_judge_objects_to_a_workflow(name: str, found: Found) -> None:
    findings = found[f".github/workflows/{name}.yml"]
    assert objections(IN_WORKFLOW[name], findings), findings


@pytest.mark.parametrize("name", IN_ACTION)
def test_a_judge_objects_to_an_action(name: str, found: Found) -> None:
    findings = found[f".github/actions/{name}/action.yml"]
    assert objections(IN_ACTION[name], findings), findings


@pytest.mark.parametrize("name", IN_DEPENDABOT)
def test_a_judge_objects_to_the_settings_of_dependabot(name: str, found: Found) -> None:
    findings = found[f"{name}/.github/dependabot.yml"]
    assert objections(IN_DEPENDABOT[name], findings), findings


def test_the_command_prints_what_is_found_and_fails(tmp_path: Path) -> None:
    write_files(tmp_path, {"action.yml": planted(ACTION, IN_ACTION["typo in an input"])})
    argv = [sys.executable, "-m", "tests.judges", str(tmp_path / "action.yml")]
    ran = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, timeout=HANGS, check=False)  # noqa: TID251
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.splitlines()[0].startswith(f"{(tmp_path / 'action.yml').resolve()}:1:1: $.inputs.words:")
