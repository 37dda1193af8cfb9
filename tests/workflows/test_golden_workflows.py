"""Rendered workflows as files for reviewers; tests/judges checks them with other tools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from generator.manifest.models import Manifest
from generator.planning.plan import make_plan
from generator.workflows.files import diff, differences, stale, write
from tests.workflows.rendered import render

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).resolve().parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
# Only this case has the Dockerfile: without published crates to prefetch, the others differ only in the first line.
IMAGE_CASE = "one-crate"


def rendered_case(case: Path) -> dict[str, str]:
    [file] = [path for path in case.rglob("crates.*") if path.is_file()]
    manifest = Manifest.model_validate_json(json.dumps(YAML(typ="safe", pure=True).load(file)))
    return render(manifest, manifest.fleet.slots, file.relative_to(case).as_posix())


def texts(directory: Path) -> dict[str, str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in files}


def kept(name: str, rendered: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in rendered.items() if name == IMAGE_CASE or not path.endswith(".Dockerfile")}


def image_of(name: str) -> list[str]:
    [image] = [text for path, text in rendered_case(GOLDEN / name).items() if path.endswith(".Dockerfile")]
    return image.splitlines()


@pytest.mark.parametrize("name", CASES)
def test_dockerfiles_differ_only_in_their_first_line(name: str) -> None:
    assert image_of(name)[1:] == image_of(IMAGE_CASE)[1:]


@pytest.mark.parametrize("name", CASES)
def test_case_renders_as_expected(name: str, update_golden: bool) -> None:
    rendered = kept(name, rendered_case(GOLDEN / name))
    expected = GOLDEN / name / "expected"
    if update_golden:
        shutil.rmtree(expected, ignore_errors=True)
        write(rendered, expected)
    assert texts(expected) == rendered, "run: pytest tests/workflows --update-golden"


def test_own_workflows_are_not_stale() -> None:
    manifest = Manifest.model_validate_json((ROOT / "crates.json").read_text(encoding="utf-8"))
    rendered = render(manifest, len(make_plan(manifest).shards), "crates.json")
    shown = diff(stale(differences(rendered, ROOT)))
    assert shown == "", f"checked-in workflows are stale, run: cratematrix generate\n{shown}"


@pytest.mark.parametrize("name", CASES)
def test_text_is_tidy(name: str) -> None:
    for path, text in rendered_case(GOLDEN / name).items():
        lines = text.split("\n")
        assert lines[-1] == "", path
        assert lines[-2] != "", path
        assert [line for line in lines if line != line.rstrip()] == [], path
        assert "{{{" not in text, path
        assert "%}}" not in text, path
