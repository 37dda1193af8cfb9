from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from generator.manifest.models import Manifest
from generator.manifest.schema import manifest_schema
from generator.manifest.sentences import OBJECTS
from tests.support import HANGS

ROOT = Path(__file__).parents[2]
Example = Callable[[], dict[str, Any]]


def test_the_copy_in_the_repository_is_up_to_date() -> None:
    copy = (ROOT / "crates.schema.json").read_text()
    assert copy == json.dumps(manifest_schema(), indent=2) + "\n", "run: cratematrix schema > crates.schema.json"


def test_it_describes_every_key_for_editors() -> None:
    schema = manifest_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:cratematrix:manifest:1"
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        for name, key in part["properties"].items():
            assert {"description", "examples", "x-since"} <= key.keys(), f"{part['title']}: {name}"
            assert "default" in key or name in part.get("required", ()) or name == "version", f"{part['title']}: {name}"


def test_every_example_and_default_of_a_key_is_valid() -> None:
    schema = manifest_schema()
    for part in (schema, *schema["$defs"].values()):
        model = {each.__name__: each for each in OBJECTS.values()}.get(part["title"], Manifest)
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        for name, key in part["properties"].items():
            rules: TypeAdapter[Any] = TypeAdapter(Annotated[fields[name].annotation, *fields[name].metadata, Field()])  # type: ignore[arg-type]
            for value in (*key["examples"], *([key["default"]] if "default" in key else [])):
                rules.validate_json(json.dumps(value), strict=True)


def edits() -> list[tuple[str, Callable[[dict[str, Any]], object]]]:
    """Return changes to the example manifest; the name of each starts with the verdict of the models."""
    crate = "crates"
    return [
        ("valid-as-it-is", lambda m: m),
        ("valid-without-schema", lambda m: m.pop("$schema")),
        ("valid-null-for-default", lambda m: m[crate][0].update(npm_name=None, platforms=None, size=None)),
        ("valid-integer-minutes", lambda m: m["fleet"].update(timeout_minutes=1440)),
        ("valid-git-without-path", lambda m: m[crate][1]["source"].pop("path")),
        ("valid-two-lines-of-shell", lambda m: m[crate][0]["commands"].update(build="a\n\tb")),
        ("bad-version-of-format", lambda m: m.update(schema_version=2)),
        ("bad-unknown-key", lambda m: m.update(crate=[])),
        ("bad-internal-name", lambda m: m.update(schema_="x")),
        ("bad-unknown-key-in-crate", lambda m: m[crate][0].update(targts=[])),
        ("bad-no-fleet", lambda m: m.pop("fleet")),
        ("bad-no-crates", lambda m: m.update(crates=[])),
        ("bad-no-scope", lambda m: m["fleet"].pop("npm_scope")),
        ("bad-scope", lambda m: m["fleet"].update(npm_scope="example")),
        ("bad-slots", lambda m: m["fleet"].update(slots=0)),
        ("bad-retries", lambda m: m["fleet"].update(retries="3")),
        ("bad-minutes", lambda m: m["fleet"].update(timeout_minutes=0)),
        ("bad-long-minutes", lambda m: m["fleet"].update(timeout_minutes=1440.5)),
        ("bad-tests", lambda m: m["fleet"].update(tests=1)),
        ("bad-env", lambda m: m["fleet"].update(env=["lower"])),
        ("bad-action", lambda m: m["fleet"].update(action="../x")),
        ("bad-platform", lambda m: m["fleet"].update(platforms=["linux"])),
        ("bad-no-platform", lambda m: m["fleet"].update(platforms=[])),
        ("bad-kind", lambda m: m[crate][0].update(kind="addon")),
        ("bad-name", lambda m: m[crate][0].update(name="a b")),
        ("bad-name-with-line-end", lambda m: m[crate][0].update(name="a\n")),
        ("bad-digits", lambda m: m[crate][0].update(version="1\u0662.0.0")),
        ("bad-number-for-version", lambda m: m[crate][0].update(version=1)),
        ("bad-long-version", lambda m: m[crate][0].update(version="1.0.0-" + "a" * 99)),
        ("bad-path", lambda m: m[crate][0].update(source={"path": "../out"})),
        ("bad-source", lambda m: m[crate][0].update(source="crates/one")),
        ("bad-empty-source", lambda m: m[crate][0].update(source={})),
        ("bad-two-sources", lambda m: m[crate][2]["source"].update(git="https://example.com/a", rev="0" * 40)),
        ("bad-url", lambda m: m[crate][1]["source"].update(git="https://user:pass@example.com/a")),
        ("bad-dot-segments", lambda m: m[crate][1]["source"].update(git="https://example.com/a/../b")),
        ("bad-rev", lambda m: m[crate][1]["source"].update(rev="main")),
        ("bad-control-character", lambda m: m[crate][0]["commands"].update(test="a\x1b")),
        ("bad-reason", lambda m: m[crate][0]["quarantine"].update(reason="a\u2028b")),
        ("bad-date", lambda m: m[crate][0]["quarantine"].update(until="2026-1-1")),
        ("bad-empty-command", lambda m: m[crate][0]["commands"].update(test="")),
    ]


def manifests(example: Example) -> dict[str, dict[str, Any]]:
    made = {}
    for name, edit in edits():
        made[name] = example()
        edit(made[name])
    return made


def test_the_models_accept_what_the_names_say(example: Example) -> None:
    for name, manifest in manifests(example).items():
        try:
            Manifest.model_validate_json(json.dumps(manifest), by_alias=True, by_name=False)
            judged = "valid"
        except ValidationError:
            judged = "bad"
        assert name.startswith(judged), name


@pytest.mark.parametrize("judged", ["valid", "bad"])
def test_the_schema_accepts_what_the_models_accept(example: Example, tmp_path: Path, judged: str) -> None:
    """check-jsonschema reads patterns as editors do: as ECMAScript, where $ matches only the end."""
    files: list[Path] = []
    for name, manifest in manifests(example).items():
        if name.startswith(judged):
            files.append(tmp_path / f"{name}.json")
            files[-1].write_text(json.dumps(manifest))
    tool = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [tool, "--schemafile", ROOT / "crates.schema.json", "-o", "json", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)  # noqa: TID251
    refused = {Path(error["filename"]).name for error in json.loads(done.stdout)["errors"]}
    assert refused == (set() if judged == "valid" else {file.name for file in files})
    assert (done.returncode == 0) == (judged == "valid")
