from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from generator.manifest import values
from generator.manifest.models import Manifest
from generator.manifest.problems import Problem
from generator.manifest.schema import manifest_schema
from generator.manifest.sentences import OBJECTS, model_problems
from generator.manifest.text_rules import TextRule
from generator.platforms import PLATFORM_NAMES

Example = Callable[[], dict[str, Any]]
REMOVED = object()
REASON = "a reason: one line of 1 to 300 characters, without control characters and spaces at its ends"
DATE = "a date: year, month and day, as in 2026-12-31"


def changed(example: Example, path: str, value: object) -> Any:
    """Return the example with one value replaced, removed or added; the path is as in a problem, without the $."""
    manifest = example()
    steps: list[Any] = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    place: Any = manifest
    for step in steps[:-1]:
        place = place[step]
    if value is REMOVED:
        del place[steps[-1]]
    elif isinstance(place, list) and steps[-1] == len(place):
        place.append(value)
    else:
        place[steps[-1]] = value
    return manifest


def problems(manifest: object) -> list[Problem]:
    with pytest.raises(ValidationError) as invalid:
        Manifest.model_validate_json(json.dumps(manifest), by_alias=True, by_name=False)
    return model_problems(invalid.value)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("fleet", 1, "must be an object, not 1"),
        ("fleet", REMOVED, "is required and missing"),
        ("crates", {}, "must be a list, not an object"),
        ("crates", [], "is an empty list; at least 1 entry is needed"),
        ("crates[0]", None, "must be an object, not null"),
        ("crates[0].commands", [], "must be an object, not a list"),
        ("crates[0].name", 14, "must be a string, not 14; put it in quotes"),
        ("crates[0].version", 1.5, "must be a string, not 1.5; put it in quotes"),
        ("crates[0].name", None, "must be a string, not null"),
        ("crates[0].platforms", "wasm32", 'must be a list, not "wasm32"'),
        ("crates[0].retries", 1.0, "must be a whole number, not 1.0"),
        ("crates[0].retries", "1", 'must be a whole number, not "1"'),
        ("crates[0].retries", -1, "must be at least 0, not -1"),
        ("crates[0].retries", 10**20, f"must be at most 10, not {10**20}"),
        ("crates[0].expected_minutes", True, "must be a number, not true"),
        ("crates[0].expected_minutes", 0, "must be at least 0.01, not 0"),
        ("crates[0].expected_minutes", 1440.5, "must be at most 1440, not 1440.5"),
        ("crates[0].tests", 1, "must be true or false, not 1"),
        ("fleet.npm_scope", "@" + "a" * 200, f'"@{"a" * 59}..." has 201 characters; at most 100 are allowed'),
        (
            "crates[0].name",
            "Foo Bar",
            '"Foo Bar" is not a crate name: a letter or _, then letters, digits, - or _, at most 64 characters',
        ),
        (
            "crates[1].source",
            "crates/two",
            'a source is {"path": ...}, {"git": ..., "rev": ..., "path": ...} or {"registry": ..., "version": ...}, not "crates/two"',
        ),
        (
            "fleet.release_tags",
            "v***",
            '"v***" is not a pattern of tags: letters, digits and . _ @ - /, with * for any characters but / and ** for any, as in v*',
        ),
        ("crates[0].quarantine", "broken", 'must be an object, not "broken"'),
        ("crates[0].quarantine", True, "must be an object, not true"),
        ("crates[0].quarantine.reason", REMOVED, "is required and missing"),
        ("crates[0].quarantine.until", REMOVED, "is required and missing"),
        ("crates[0].quarantine.since", "2026-11-28", "unknown key; the keys here are reason, until"),
        ("crates[0].quarantine.reason", "", f'"" is not {REASON}'),
        ("crates[0].quarantine.reason", " it fails", f'" it fails" is not {REASON}'),
        ("crates[0].quarantine.reason", "it\nfails", f'"it\\nfails" is not {REASON}'),
        ("crates[0].quarantine.reason", "\u202e", f'"\\u202e" is not {REASON}'),
        ("crates[0].quarantine.reason", "a" * 301, f'"{"a" * 60}..." has 301 characters; at most 300 are allowed'),
        ("crates[0].quarantine.until", 20261231, "must be a string, not 20261231; put it in quotes"),
        ("crates[0].quarantine.until", "soon", f'"soon" is not {DATE}'),
        ("crates[0].quarantine.until", "2026-12-1", f'"2026-12-1" is not {DATE}'),
        ("crates[0].quarantine.until", "20261231", f'"20261231" is not {DATE}'),
        (
            "crates[0].quarantine.until",
            "2026-02-29",
            '"2026-02-29" is not a date: the calendar does not have that day',
        ),
        ("crates[1].source.rev", REMOVED, "is required and missing"),
        ("crates[1].source.path", 1, "must be a string, not 1; put it in quotes"),
        ("crates[2].source.path", "a", "unknown key; the keys here are registry, version"),
        ("schema_", "x", "unknown key; the keys here are $schema, schema_version, fleet, crates"),
    ],
)
def test_every_error_is_a_sentence_of_ours(example: Example, path: str, value: object, sentence: str) -> None:
    (found,) = problems(changed(example, path, value))
    expected = tuple(int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path))
    assert (found.loc, f"{found.sentence}{found.otherwise}") == (expected, sentence)


@pytest.mark.parametrize("name", ["linux-arm-gnueabihf", "darwin-universal", "android-arm64", "win32-ia32-msvc"])
def test_a_platform_of_napi_that_is_not_ours_is_told_with_those_that_are(example: Example, name: str) -> None:
    (found,) = problems(changed(example, "crates[0].platforms", [name]))
    ours = ", ".join(PLATFORM_NAMES)
    assert found.sentence == f"{name} is a platform of napi that cratematrix does not build; it builds {ours}"


def test_a_list_of_wrong_items_is_not_called_too_short(example: Example) -> None:
    found = problems(changed(example, "crates[0].platforms", ["linux", 1]))
    assert [each.loc[-2:] for each in found] == [("platforms", 0), ("platforms", 1)]


def test_too_many_crates(example: Example) -> None:
    manifest = example()
    manifest["crates"] = manifest["crates"][2:] * 10_001
    assert [each.sentence for each in problems(manifest)] == ["has too many entries; at most 10,000 are allowed"]


@pytest.mark.parametrize(
    ("path", "value", "meant"),
    [
        ("fleet.platfroms", [], "platforms"),
        ("fleet.limits.github_job", 1, "github_jobs"),
        ("crates[0].targts", [], None),
        ("crates[0].depend_on", [], "depends_on"),
        ("crates[0].commands.tests", "x", "test"),
        ("crates[0].source.pth", "x", "path"),
        ("crates[1].source.revision", "x", None),
        ("crates[2].source.versoin", "x", "version"),
        ("schema", "x", "$schema"),
        ("crates[0].kind", "nappi", "napi"),
        ("crates[0].size", "standart", "standard"),
        ("fleet.platforms[1]", "darwin-arm", "darwin-arm64"),
    ],
)
def test_suggestions_for_misspelt_words(
    example: Example, problems_of: Callable[..., list[str]], path: str, value: object, meant: str | None
) -> None:
    (line,) = problems_of(changed(example, path, value))
    assert f": $.{path}: " in line
    assert line.partition("; did you mean ")[2] == (f'"{meant}"?' if meant else "")


def parts(schema: object) -> Iterator[dict[str, Any]]:
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)
    if isinstance(schema, dict):
        yield schema


def test_every_pattern_has_a_rule_in_words_and_every_object_its_keys() -> None:
    schema = manifest_schema()
    of_values = {part["pattern"] for part in parts(schema) if isinstance(part.get("pattern"), str)}
    of_keys = {pattern for part in parts(schema) for pattern in part.get("patternProperties", ())}
    types = [get_args(each) for each in vars(values).values()]
    rules = [each for metadata in types for each in metadata if isinstance(each, TextRule)]
    assert of_values | of_keys == {rule.pattern for rule in rules}
    assert all(rule.noun and rule.hint for rule in rules)
    objects = [part for part in parts(schema["$defs"]) if part.get("type") == "object"]
    models = {part["title"] for part in objects if "patternProperties" not in part}
    assert models == {model.__name__ for model in OBJECTS.values()} - {"Manifest"}
