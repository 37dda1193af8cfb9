from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, UndefinedError
from pydantic import ValidationError
from ruamel.yaml import YAML

from generator import processes
from generator.errors import InputError
from generator.manifest.checks import check_manifest
from generator.manifest.fleet_models import Workflows
from generator.manifest.models import Manifest
from generator.planning.plan import make_plan
from generator.workflows import limits, rendering
from generator.workflows.files import diff, differences, stale, write
from generator.workflows.header import header, source_manifest
from generator.workflows.pins import pins
from generator.workflows.rendering import job_minutes
from generator.workflows.values import quoted, yaml_value
from tests.workflows.rendered import render

ROOT = Path(__file__).resolve().parents[2]
BUILD = ".github/workflows/cratematrix-build.yml"
RELEASE = ".github/workflows/cratematrix-release.yml"
# Renders the manifest on stdin; prints the path of the package and the result.
SCRIPT = """
import json, sys
import generator
from generator.manifest.models import Manifest
from generator.workflows import limits
from generator.planning.plan import make_plan
from generator.workflows.rendering import render
manifest = Manifest.model_validate_json(sys.stdin.read())
rendered = render(manifest, make_plan(manifest).shards, "crates.json")
print(json.dumps([generator.__file__, rendered]))
"""

MINUTES = st.lists(st.floats(min_value=0.1, max_value=1_440), min_size=1, max_size=5).map(tuple)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)).filter(lambda text: "${{" not in text)


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def build_job(workflow: str) -> Any:
    return yaml(workflow)["jobs"]["build"]


@settings(deadline=None, max_examples=30)
@given(slots=st.integers(1, 256), github_jobs=st.integers(1, 300), minutes=MINUTES)
def test_matrix_holds_every_shard_once(fleets: Any, slots: int, github_jobs: int, minutes: tuple[float, ...]) -> None:
    manifest = fleets.make(slots, github_jobs=github_jobs, minutes=minutes)
    job = build_job(render(manifest, slots, "crates.json")[RELEASE])
    assert job["strategy"]["matrix"] == {
        "include": [{"index": number, "shard": f"{number}/{slots}"} for number in range(1, slots + 1)]
    }
    assert job["strategy"]["max-parallel"] == min(slots, github_jobs)
    assert job["timeout-minutes"] == job_minutes(manifest, slots)


@pytest.mark.parametrize(("backend", "at_once"), [("local", 40), ("e2b", 20)])
def test_no_more_jobs_build_at_once_than_e2b_has_sandboxes(fleets: Any, backend: Any, at_once: int) -> None:
    plain = fleets.make(256, github_jobs=40)
    fleet = plain.fleet.model_copy(update={"backend": backend})
    rendered = render(plain.model_copy(update={"fleet": fleet}), 256, "crates.json")
    assert {build_job(rendered[name])["strategy"]["max-parallel"] for name in (RELEASE, BUILD)} == {at_once}


def test_few_jobs_share_the_slots_and_the_sandboxes_of_the_account(fleets: Any) -> None:
    plain = fleets.make(30, github_jobs=40, minutes=(5.0,) * 60)
    fleet = plain.fleet.model_copy(update={"backend": "e2b", "jobs": 3})
    few = plain.model_copy(update={"fleet": fleet})
    job = build_job(rendering.render(few, make_plan(few).shards, "crates.json")[RELEASE])
    assert [each["shard"] for each in job["strategy"]["matrix"]["include"]] == ["1/3", "2/3", "3/3"]
    assert job["strategy"]["max-parallel"] == 2, "20 sandboxes are two jobs of ten slots"
    assert job["timeout-minutes"] == job_minutes(plain, 30)


@settings(deadline=None, max_examples=30)
@given(slots=st.integers(1, 256), position=st.integers(min_value=1), minutes=MINUTES)
def test_rendered_is_not_stale_and_edited_is(
    fleets: Any, slots: int, position: int, minutes: tuple[float, ...]
) -> None:
    rendered = render(fleets.make(slots, minutes=minutes), slots, "crates.json")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        write(rendered, root)
        assert stale(differences(rendered, root)) == ()
        assert write(rendered, root) == ()
        lines = rendered[RELEASE].splitlines(keepends=True)
        lines.insert(1 + position % len(lines), "# by hand\n")
        (root / RELEASE).write_text("".join(lines), encoding="utf-8")
        assert "\n-# by hand\n" in diff(stale(differences(rendered, root)))


@pytest.mark.parametrize(("backend", "installed"), [("local", True), ("e2b", False)])
def test_a_runner_gets_the_tools_for_coverage_if_a_crate_asks_for_it(
    fleets: Any, backend: Any, installed: bool
) -> None:
    plain = fleets.make()
    fleet = plain.fleet.model_copy(update={"backend": backend})
    asked = tuple(crate.model_copy(update={"coverage": True}) for crate in plain.crates)
    for name in (RELEASE, BUILD):
        said = {
            coverage: "rustup component add llvm-tools"
            in render(Manifest(schema_version=1, fleet=fleet, crates=crates), 3, "crates.json")[name]
            for coverage, crates in ((False, plain.crates), (True, asked))
        }
        assert said == {False: False, True: installed}


@pytest.mark.parametrize(("has_key", "backend"), [("true", "e2b"), ("false", "local"), ("", "local")])
def test_where_the_key_is_empty_a_build_is_local_and_its_log_says_so(
    fleets: Any, tmp_path: Path, has_key: str, backend: str
) -> None:
    plain = fleets.make()
    fleet = plain.fleet.model_copy(update={"backend": "e2b"})
    jobs = yaml(render(plain.model_copy(update={"fleet": fleet}), 3, "crates.json")[BUILD])["jobs"]
    (choice,) = (step for step in jobs["plan"]["steps"] if step.get("id") == "backend")
    assert choice["env"] == {"HAS_KEY": "${{ secrets.E2B_API_KEY != '' }}"}
    output = tmp_path / "output"
    env = {"PATH": os.environ["PATH"], "HAS_KEY": has_key, "GITHUB_OUTPUT": str(output)}
    ran = processes.run(["bash", "-e", "-c", choice["run"]], timeout=60, env=env)
    assert (ran.exit_code, output.read_text()) == (0, f"backend={backend}\n")
    assert (b"The secret E2B_API_KEY is empty here" in ran.stdout) is (backend == "local")
    assert jobs["plan"]["outputs"]["backend"] == "${{ steps.backend.outputs.backend }}"
    (step,) = (each for each in jobs["build"]["steps"] if each.get("uses") == "./")
    assert step["with"]["backend"] == "${{ needs.plan.outputs.backend }}"


def test_another_number_of_shards_makes_files_stale(fleets: Any, tmp_path: Path) -> None:
    write(render(fleets.make(3), 3, "crates.json"), tmp_path)
    shown = diff(stale(differences(render(fleets.make(3), 2, "crates.json"), tmp_path)))
    assert '\n-          - { index: 3, shard: "3/3" }\n' in shown


def rendered_elsewhere(manifest: Manifest, package: Path, cwd: Path, **env: str) -> dict[str, str]:
    said = processes.run(
        [sys.executable, "-c", SCRIPT],
        timeout=600,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(package), **env},
        stdin=manifest.model_dump_json(by_alias=True).encode(),
    )
    assert said.exit_code == 0, said.stderr
    file, rendered = json.loads(said.stdout)
    assert Path(file).is_relative_to(package)
    return dict(rendered)


def test_same_text_for_every_hash_seed_and_place(fleets: Any, tmp_path: Path) -> None:
    manifest = fleets.make(30, minutes=(1.5, 2.25, 30.0))
    here = render(manifest, 3, "crates.json")
    assert rendered_elsewhere(manifest, ROOT, ROOT, PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC") == here
    assert rendered_elsewhere(manifest, ROOT, tmp_path, PYTHONHASHSEED="2", LC_ALL="C.UTF-8", TZ="Asia/Tokyo") == here


def test_an_installed_wheel_renders_the_same(fleets: Any, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    build = processes.run(argv, timeout=120, cwd=ROOT)
    assert build.exit_code == 0, build.stderr
    [wheel] = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    manifest = fleets.make(30)
    assert rendered_elsewhere(manifest, installed, tmp_path) == render(manifest, 1, "crates.json")


@pytest.mark.parametrize("shards", [-1, 0, 257])
def test_a_number_of_shards_that_no_matrix_can_have(fleets: Any, shards: int) -> None:
    said = f"^{shards} shards cannot be a matrix: GitHub allows 1 to 256 jobs"
    with pytest.raises(InputError, match=said):
        limits.check_shards(shards)
    if shards >= 0:
        with pytest.raises(InputError, match=said):
            render(fleets.make(), shards, "crates.json")


@pytest.mark.parametrize(
    "path", ["", "a b.json", "../crates.json", "/crates.json", "a\nb.json", "$(id).json", "${{ x }}", "a:b"]
)
def test_paths_that_are_unsafe_in_a_workflow(fleets: Any, path: str) -> None:
    with pytest.raises(InputError, match="cannot be used in a workflow"):
        render(fleets.make(), 1, path)


def test_a_plus_in_the_manifests_path_is_no_pattern(fleets: Any) -> None:
    workflow = YAML(typ="safe", pure=True).load(
        render(fleets.make(), 1, "c++/crates.json")[".github/workflows/cratematrix-regenerate.yml"]
    )
    (step,) = (step for step in workflow["jobs"]["generate"]["steps"] if "MANIFEST" in step.get("env", {}))
    assert step["env"]["MANIFEST"] == "c++/crates.json"
    assert all(workflow["on"][event]["paths"][0] == r"c\+\+/crates.json" for event in ("push", "pull_request"))


@pytest.mark.parametrize("path", ["crates.json", "fleet/crates.yaml", ".cratematrix/a-b_c@1+2.json"])
def test_the_header_names_manifest_and_command(path: str) -> None:
    line = header(path)
    assert line.startswith("# ")
    assert line.count("\n") == 1
    assert source_manifest(line + "on: push\n") == path
    assert line.endswith(f"--manifest {path}`.\n" if path != "crates.json" else "run `cratematrix generate`.\n")


@pytest.mark.parametrize("text", ["", "\n# Generated by cratematrix from a: b", "# Generated by cratematrix from a"])
def test_other_first_lines_are_no_header(text: str) -> None:
    assert source_manifest(text) is None


@given(PLAIN)
def test_a_quoted_value_is_that_value_in_yaml(text: str) -> None:
    assert yaml(f"key: {quoted(text)} # comment\n") == {"key": text}


@pytest.mark.parametrize("text", ["a\nb", "é", "\x7f", "${{ github.token }}"])
def test_values_that_the_models_refuse_are_never_written(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain value"):
        quoted(text)


def test_a_missing_value_of_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'slots' is undefined"):
        yaml_value(StrictUndefined(name="slots"))
    with pytest.raises(TypeError, match="not list"):
        yaml_value([])


def test_pins_are_written_with_their_version() -> None:
    assert [yaml_value(pin) for pin in pins().values()] == [
        f"{pin.action}@{pin.sha} # {pin.version}" for pin in pins().values()
    ]


@pytest.mark.parametrize(
    ("minutes", "shards", "expected"),
    [
        ((5.0,), 1, 100),  # 2 * (5 + 5) + 60 + 20
        ((5.0,) * 110, 30, 130),  # 2 * (18.3 + 5) + 60 + 20 = 126.7
        ((200.0,), 1, 360),  # GitHub ends every job then
    ],
)
def test_minutes_of_a_job(fleets: Any, minutes: tuple[float, ...], shards: int, expected: int) -> None:
    assert job_minutes(fleets.make(minutes=minutes), shards) == expected


def test_variables_of_the_runner_are_not_set_from_the_repository(fleets: Any) -> None:
    manifest = fleets.make()
    fleet = manifest.fleet.model_copy(update={"env": ("CI", "GITHUB_SHA", "LICENCE", "RUNNER_OS")})
    rendered = render(manifest.model_copy(update={"fleet": fleet}), 3, "crates.json")
    for name in ("build", "release"):
        step = next(
            each for each in build_job(rendered[f".github/workflows/cratematrix-{name}.yml"])["steps"] if "env" in each
        )
        assert step["env"] == {"LICENCE": "${{ secrets.LICENCE || vars.LICENCE }}"}


def named(manifest: Manifest, **names: str) -> Manifest:
    fleet = manifest.fleet.model_copy(update={"workflows": Workflows(**names)})
    return manifest.model_copy(update={"fleet": fleet})


def test_workflows_have_the_chosen_names_and_the_same_text(fleets: Any) -> None:
    plain = render(fleets.make(), 3, "crates.json")
    chosen = render(named(fleets.make(), build="crates.yaml", release="ship.yml"), 3, "crates.json")
    assert chosen == {
        {BUILD: ".github/workflows/crates.yaml", RELEASE: ".github/workflows/ship.yml"}.get(path, path): text
        for path, text in plain.items()
    }


def test_new_names_remove_the_old_files_and_touch_no_file_of_somebody_else(fleets: Any, tmp_path: Path) -> None:
    """Manifests of an earlier version have workflows with the names build.yml, release.yml and regenerate.yml."""
    old = named(fleets.make(), build="build.yml", release="release.yml", regenerate="regenerate.yml")
    write(render(old, 3, "crates.json"), tmp_path)
    (tmp_path / ".github/workflows/release.yml").write_text("on: push\n")
    write(render(fleets.make(), 3, "crates.json"), tmp_path)
    left = {path.name: path.read_text() for path in (tmp_path / ".github/workflows").iterdir()}
    assert left.keys() == {*Workflows().model_dump().values(), "release.yml"}
    assert left["release.yml"] == "on: push\n"


def test_two_workflows_cannot_share_a_file(fleets: Any) -> None:
    [problem] = check_manifest(named(fleets.make(), build="Crates.yml", regenerate="crates.yml"))
    assert (problem.loc, problem.sentence) == (
        ("fleet", "workflows", "regenerate"),
        '"crates.yml" is already the name of the workflow build; choose another one',
    )


@pytest.mark.parametrize("name", ["a/b.yml", "../a.yml", ".hidden.yml", "a.txt", "a b.yml", "${{ x }}.yml", "a.yml\n"])
def test_a_name_that_is_no_workflow_file_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="not a name of a workflow file"):
        Workflows(build=name)
