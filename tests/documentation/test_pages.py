"""The documentation says what is true: its manifests, sentences, links and pictures."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from generator.manifest.schema import manifest_schema
from generator.npm.settings import safe_settings
from generator.reports.index import FleetIndex
from generator.workflows.pins import pins
from tests.documentation.pages import PAGES, Block, blocks, headings, links, site, spans
from tests.support import TOP, cratematrix, git_repository, write_files


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    lines = [line for block in blocks("sh") for line in block.text.splitlines()]
    lines += [span for page in PAGES for span in spans(page)]
    named = {found[1] for line in lines if (found := re.match(r"make ([a-z]+)", line))}
    assert "demo" in named
    assert named <= targets


CRATE: Final = {"name": "words", "version": "0.1.6", "kind": "napi", "source": {"path": "packages/words"}}
# The crates that the manifests of the pages name.
ADDON: Final = {"name": "@you/words", "version": "0.1.6", "napi": {"binaryName": "words"}}
CRATES: Final = {
    f"{top}/{file}": text
    for top, name in (("packages/words", "words"), ("crates/cli", "words-cli"))
    for file, text in {
        "Cargo.toml": f'[package]\nname = "{name}"\nversion = "0.1.6"\nedition = "2021"\n',
        "Cargo.lock": f'version = 4\n\n[[package]]\nname = "{name}"\nversion = "0.1.6"\n',
        "src/main.rs": "fn main() {}",
    }.items()
} | {"packages/words/package.json": json.dumps(ADDON)}


def complete(values: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest from a whole one, from its fleet, or from one crate."""
    if "schema_version" in values:
        return values
    fleet, crate = ({}, values) if "source" in values else (values["fleet"], CRATE)
    return {"schema_version": 1, "fleet": {"npm_scope": "@you"} | fleet, "crates": [crate]}


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return git_repository(write_files(tmp_path_factory.mktemp("top"), CRATES))


@pytest.mark.parametrize("block", [pytest.param(each, id=each.place) for each in blocks("json")])
def test_every_json_is_a_manifest_that_check_accepts_or_a_fleet_index(top: Path, block: Block) -> None:
    if '"index_version"' in block.text:
        FleetIndex.model_validate_json(block.text)
        return
    text = block.text.replace("OWNER/cratematrix@REF", "you/cratematrix@v1")
    (top / "crates.json").write_text(json.dumps(complete(json.loads(text))))
    ran = cratematrix("check", cwd=top)
    assert (ran.code, "no errors" in ran.err) == (0, True), ran.err


def test_every_npmrc_is_one_of_which_the_fetch_step_takes_all() -> None:
    for block in blocks("ini"):
        assert safe_settings(".npmrc", block.text) == block.text


def test_every_step_uses_actions_inputs_and_hooks_that_are_there() -> None:
    yaml = YAML(typ="safe")
    inputs = yaml.load(TOP / "action.yml")["inputs"]
    required = {name for name, each in inputs.items() if each.get("required") and "default" not in each}
    hooks = {each["id"] for each in yaml.load(TOP / ".pre-commit-hooks.yaml")}
    seen = 0
    for block in blocks("yaml"):
        content = yaml.load(block.text)
        for step in content if isinstance(content, list) else ():
            action, _, version = step.get("uses", "").partition("@")
            if action == "OWNER/cratematrix":
                seen += 1
                assert required <= set(step.get("with", {})) <= inputs.keys(), block.place
            elif action:
                seen += 1
                assert pins()[action].version.partition(".")[0] == version, block.place
        for repository in content.get("repos", ()) if isinstance(content, dict) else ():
            seen += 1
            assert {each["id"] for each in repository["hooks"]} <= hooks, block.place
    assert seen == 3


def test_every_action_of_this_repository_that_a_sentence_names_is_there() -> None:
    named = {
        found[1]
        for page in PAGES
        for span in spans(page)
        if (found := re.fullmatch(r"OWNER/cratematrix(/.+)@.+", span))
    }
    assert named
    assert all((TOP / each.strip("/") / "action.yml").exists() for each in named), named


@cache
def sentences() -> str:
    """Return all texts of the code, one a line, with … for each value in them."""
    found = [text for file in sorted(TOP.glob("generator/**/*.py")) for text in _texts(ast.parse(file.read_text()))]
    return "\n".join(text.replace("\n", " ") for text in found)


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


TROUBLES: Final = [each.strip("`") for each in headings(TOP / "docs/troubleshooting.md", "h3")]


@pytest.mark.parametrize("sentence", TROUBLES)
def test_every_sentence_of_troubleshooting_is_one_that_the_tool_prints(sentence: str) -> None:
    pattern = ".*".join(map(re.escape, sentence.split("…")))
    assert re.search(pattern, sentences()), "no text of generator/ has these words"


def test_a_sentence_is_explained_once() -> None:
    assert len(TROUBLES) == len(set(TROUBLES)) > 40


def test_the_readme_is_short_and_every_link_out_of_a_page_leads_to_a_file() -> None:
    assert len((TOP / "README.md").read_text().splitlines()) <= 150
    for page in PAGES:
        for link in links(page):
            if not re.match(r"https?:|#", link):
                assert (page.parent / link.partition("#")[0]).exists(), f"{page.relative_to(TOP)}: {link}"


def test_every_diagram_has_its_picture_and_every_picture_its_diagram() -> None:
    made = {each.name for each in TOP.glob("docs/images/diagrams/*.svg")}
    assert made == set(site()["diagrams"]()), "run: make diagrams"


def test_no_picture_loads_anything() -> None:
    for each in TOP.glob("docs/images/**/*.svg"):
        assert not re.search(r"<script|@import|(href|src)=[\"'](?!#)|url\([\"']?(?!#|data:)", each.read_text()), each


def test_the_page_of_keys_has_every_key() -> None:
    text, schema = site()["keys"](), manifest_schema()
    for name, part in {"Manifest": schema, **schema["$defs"]}.items():
        for key in part["properties"]:
            assert f"### `{key}` {{: #{name.lower()}-{key.strip('$')} }}" in text
