from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.manifest.models import Manifest
from generator.manifest.reading import load_manifest
from generator.platforms import PLATFORM_NAMES

Example = Callable[[], dict[str, Any]]
ProblemsOf = Callable[..., list[str]]
AsYaml = Callable[[object], str]


def located(problem: str, suffix: str) -> bool:
    form = rf"crates\{suffix}:[1-9][0-9]*: \$(\[[0-9]+\]|\[\".*\"\]|\.[$A-Za-z0-9_-]+)*: .+"
    return problem.isprintable() and "::" not in problem and "##[" not in problem and bool(re.fullmatch(form, problem))


WORDS = [
    "$schema",
    "schema_version",
    "fleet",
    "crates",
    "npm_scope",
    "limits",
    "name",
    "version",
    "kind",
    "source",
    "path",
    "git",
]
KEYS = st.sampled_from(WORDS) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["::error::", "@s", "1.0.0", "bin", "##[x]"])
)
ANYTHING = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(KEYS, each, max_size=6), max_leaves=8
)
NEARLY = st.fixed_dictionaries(
    {
        "schema_version": st.just(1),
        "fleet": ANYTHING | st.dictionaries(KEYS, ANYTHING),
        "crates": st.lists(st.dictionaries(KEYS, ANYTHING)),
    }
)


@settings(deadline=None, max_examples=150)
@given(ANYTHING | NEARLY, st.sampled_from([".json", ".yaml"]))
def test_any_values_are_a_manifest_or_located_errors(problems_of: ProblemsOf, value: object, suffix: str) -> None:
    problems = problems_of(json.dumps(value), suffix)
    assert [problem for problem in problems if not located(problem, suffix)] == []
    # The example needs a crate with a directory, so that nothing here can be right by chance.
    assert problems


PIECES = st.sampled_from(
    [
        *"{}[],:-?&*!|>'\"%@`#\n\t \\",
        "- ",
        ": ",
        "a",
        "1",
        "<<",
        "\\U9999",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "::error::",
    ]
)


@settings(deadline=None, max_examples=400)
@given(
    st.binary() | st.text().map(str.encode) | st.lists(PIECES).map(lambda all_: "".join(all_).encode()),
    st.sampled_from([".json", ".yaml"]),
)
def test_any_bytes_are_located_errors(problems_of: ProblemsOf, data: bytes, suffix: str) -> None:
    problems = problems_of(data, suffix)
    assert problems
    assert [problem for problem in problems if not located(problem, suffix)] == []


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Return every location in a value except its top, with the value there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*path, step), below
        yield from places(below, (*path, step))


def put(value: Any, path: tuple[str | int, ...], new: object) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


HOSTILE = [
    "${{ github.token }}",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\n",
    "\r\n::error::x",
    "\x1b[31m",
    ";id",
    "|",
    " ",
    "\\",
    "\u202e",
]
# Commands are shell text by design and reach nothing but bash in a sandbox; $schema is for editors and never used.
FREE = {"build", "test", "reason", "$schema"}


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[dict[str, Any]], tuple[tuple[str | int, ...], object]]:
    """Draw a location in a manifest and a bad value for it."""
    number, where, text, hostile = draw(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([*HOSTILE, "../"]), st.booleans())
    )

    def mutate(manifest: dict[str, Any]) -> tuple[tuple[str | int, ...], object]:
        all_places = list(places(manifest))
        path, old = all_places[number % len(all_places)]
        if not isinstance(old, str):
            return path, [] if isinstance(old, dict) else {"x": 1} if isinstance(old, list) else text
        if not hostile or path[-1] in FREE or (text == " " and path[-1] == "path"):
            return path, 7
        at = 0 if text == "../" else where % (len(old) + 1)
        return path, old[:at] + text + old[at:]

    return mutate


@settings(deadline=None, max_examples=250)
@given(mutations(), st.sampled_from([".json", ".yaml"]))
def test_one_bad_value_anywhere_is_reported_at_its_location(
    example: Example,
    problems_of: ProblemsOf,
    as_yaml: AsYaml,
    mutate: Callable[[dict[str, Any]], Any],
    suffix: str,
) -> None:
    write = as_yaml if suffix == ".yaml" else lambda plain: json.dumps(plain, indent=1)
    manifest = example()
    path, bad = mutate(manifest)
    put(manifest, path, "HERE")
    (line,) = (number for number, text in enumerate(write(manifest).split("\n"), 1) if "HERE" in text)
    put(manifest, path, bad)
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    problems = problems_of(write(manifest), suffix)
    assert any(problem.startswith(f"crates{suffix}:{line}: ${steps}: ") for problem in problems), (problems, bad)
    assert all(located(problem, suffix) for problem in problems)


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
MINUTES = st.floats(0.01, 1440) | st.integers(1, 1440)
SHELL = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.sampled_from("\n\t"), min_size=1, max_size=30)
VERSIONS = st.from_regex(r"[1-9][0-9]{0,3}\.0\.[1-9](-[a-z]{1,5}\.[1-9])?", fullmatch=True)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    crates = []
    for index, name in enumerate(names):
        crate: dict[str, Any] = {
            "name": name,
            "version": draw(VERSIONS),
            "kind": draw(st.sampled_from(["napi", "bin", "lib"])),
        }
        crate["source"] = draw(
            st.sampled_from([{"path": "crates/one"}, {"registry": name, "version": crate["version"]}])
        )
        optional = {
            "depends_on": st.lists(st.sampled_from(names[:index]), unique=True) if index else st.just([]),
            "expected_minutes": MINUTES,
            "platforms": st.lists(st.sampled_from(PLATFORM_NAMES[:6]), min_size=1, unique=True),
            "tests": st.booleans(),
            "commands": st.fixed_dictionaries({}, optional={"build": SHELL, "test": SHELL | st.none()}),
        }
        crates.append(crate | draw(st.fixed_dictionaries({}, optional=optional)))
    return {
        "schema_version": 1,
        "fleet": {"npm_scope": "@example", "retries": draw(st.integers(0, 10))},
        "crates": crates,
    }


@settings(deadline=None, max_examples=100)
@given(manifests())
def test_a_valid_manifest_is_the_same_in_json_and_yaml(
    directory: Path, problems_of: ProblemsOf, as_yaml: AsYaml, plain: dict[str, Any]
) -> None:
    assert problems_of(plain) == []
    assert problems_of(as_yaml(plain), ".yaml") == []
    read = load_manifest(directory / "crates.json")
    assert read == load_manifest(directory / "crates.yaml")
    assert read == Manifest.model_validate_json(json.dumps(plain))
