from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from generator.errors import InputError
from generator.manifest.reading import MAX_BYTES, load_manifest

Example = Callable[[], dict[str, Any]]
ProblemsOf = Callable[..., list[str]]
AsYaml = Callable[[object], str]

SHA = "0123456789" * 4
IN_JSON = f"""\
{{
  "schema_version": 1,
  "fleet": {{"npm_scope": "@example"}},
  "crates": [
    {{
      "name": "one",
      "version": "0.1.0",
      "kind": "bin",
      "source": {{"path": "crates/one"}}
    }},
    {{
      "name": "two",
      "version": "1.0.0",
      "kind": "bin",
      "source": {{"git": "https://example.com/two", "rev": "{SHA}"}},
      "depends_on": ["one"]
    }}
  ]
}}
"""
IN_YAML = f"""\
schema_version: 1
fleet:
  npm_scope: "@example"
crates:
  - name: one
    version: 0.1.0
    kind: bin
    source:
      path: crates/one
  - name: two
    version: 1.0.0
    kind: bin
    source:
      git: https://example.com/two
      rev: "{SHA}"
    depends_on: [one]
"""


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_json_and_yaml_give_the_same_manifest(directory: Path, problems_of: ProblemsOf) -> None:
    assert problems_of(IN_JSON) == []
    assert problems_of(IN_YAML, ".yaml") == []
    read = load_manifest(directory / "crates.json")
    assert [crate.name for crate in read.crates] == ["one", "two"]
    assert read == load_manifest(directory / "crates.yaml")


@pytest.mark.parametrize("suffix", [".json", ".JSON", ".yaml", ".yml", ".YML"])
def test_the_suffix_names_the_format(problems_of: ProblemsOf, suffix: str) -> None:
    assert problems_of(IN_JSON if "json" in suffix.lower() else IN_YAML, suffix) == []


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ('"kind": "bin",\n      "source": {"path"', '"kind": "bim",\n      "source": {"path"',
         ['8: $.crates[0].kind: "bim" is not one of napi, wasm, bin, lib; did you mean "bin"?']),
        ('"name": "two",', '"name": 2,', ["12: $.crates[1].name: must be a string, not 2; put it in quotes"]),
        ('      "name": "two",\n', "", ["11: $.crates[1].name: is required and missing"]),
        ('"fleet": {"npm_scope": "@example"}', '"fleet": {}', ["3: $.fleet.npm_scope: is required and missing"]),
        ('  "fleet": {"npm_scope": "@example"},\n', "", ["1: $.fleet: is required and missing"]),
        ('"depends_on": ["one"]', '"depends_on":\n\n [\n"onne"]',
         ['19: $.crates[1].depends_on[0]: "onne" is not a crate of this fleet; did you mean "one"?']),
        ('"depends_on"', '"name": "three",\n"depends_on"',
         ['16: $.crates[1].name: the key "name" was given before (line 12); keep one of the two']),
        ('"name": "two"', '"name": "one"', ['12: $.crates[1].name: the crate name "one" is that of another crate (line 6)',
                                            '16: $.crates[1].depends_on[0]: "one" depends on itself; remove it']),
        ('"crates/one"', '"crates/none"', ['9: $.crates[0].source.path: there is no directory "crates/none" beside the manifest']),
        ('"@example"', "NaN",
         ['3: $.fleet.npm_scope: "NaN" is not a number in JSON; use plain digits, or put a string in quotes']),
        ('"@example"', '"\\ud800"', ['3: $.fleet.npm_scope: "\\ud800" has half of a surrogate pair, which is no character']),
        ('"crates": [', '"crates": [],\n"x": [', ['4: $.crates: is an empty list; at least 1 entry is needed',
                                                  "5: $.x: unknown key; the keys here are $schema, schema_version, fleet, crates"]),
        ('"schema_version": 1', '"schema_version": 2, "x": 1',
         ["2: $.schema_version: must be 1, the only supported version, not 2"]),
        ('"schema_version": 1', '"schema_version": true', ["2: $.schema_version: must be 1, the only supported version, not true"]),
        ('"schema_version": 1', '"schema_version": 1.0', ["2: $.schema_version: must be 1, the only supported version, not 1.0"]),
        ('  "schema_version": 1,\n', "", ["1: $.schema_version: is required and missing"]),
        ('"depends_on": ["one"]', '"depends_on": ["one"],',
         ["16: $: this is not JSON: column 28: there is a comma before the closing bracket; remove it"]),
    ],
)  # fmt: skip
def test_invalid_json_and_its_messages(problems_of: ProblemsOf, old: str, new: str, problems: list[str]) -> None:
    assert problems_of(replaced(IN_JSON, old, new)) == [f"crates.json:{problem}" for problem in problems]


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("    kind: bin\n    source:\n      path", "    kind: bim\n    source:\n      path",
         ['7: $.crates[0].kind: "bim" is not one of napi, wasm, bin, lib; did you mean "bin"?']),
        ("name: two", "name: 2", ["10: $.crates[1].name: must be a string, not 2; put it in quotes"]),
        ("version: 1.0.0", "version: 1.0", ["11: $.crates[1].version: must be a string, not 1.0; put it in quotes"]),
        ("version: 1.0.0", "version: 2020-01-01",
         ['11: $.crates[1].version: "2020-01-01" is a date in YAML, and a manifest has none; put a string in quotes']),
        ("  - name: two\n    version", "  - version", ["10: $.crates[1].name: is required and missing"]),
        ('  npm_scope: "@example"', "  slots: 3", ["2: $.fleet.npm_scope: is required and missing"]),
        ("fleet:\n  npm_scope: \"@example\"\n", "", ["1: $.fleet: is required and missing"]),
        ("fleet:\n  npm_scope: \"@example\"\n", "fleet:\n", ["2: $.fleet: must be an object, not null"]),
        ("[one]", "# why\n\n    - onne", ['18: $.crates[1].depends_on[0]: "onne" is not a crate of this fleet; did you mean "one"?']),
        ("    depends_on", "    name: three\n    depends_on",
         ['16: $.crates[1].name: the key "name" was given before (line 10); keep one of the two']),
        ('"@example"', "@example", ["3: $: this is not YAML: column 14: found character '@' that cannot start any token"]),
        ('"@example"', "&a x", ['3: $: "&a": anchors and aliases are not allowed; write the value itself']),
        ("schema_version: 1", "schema_version: '1'",
         ['1: $.schema_version: must be 1, the only supported version, not "1"']),
        ("kind: bin\n    source:\n      git", "kind: bin\n    sauce: 1\n    source:\n      gti",
         ['13: $.crates[1].sauce: unknown key; did you mean "source"?',
          "14: $.crates[1].source.path: is required and missing",
          "15: $.crates[1].source.gti: unknown key; the keys here are path, package",
          "16: $.crates[1].source.rev: unknown key; the keys here are path, package"]),
    ],
)  # fmt: skip
def test_invalid_yaml_and_its_messages(problems_of: ProblemsOf, old: str, new: str, problems: list[str]) -> None:
    assert problems_of(replaced(IN_YAML, old, new), ".yml") == [f"crates.yml:{problem}" for problem in problems]


@pytest.mark.parametrize("top", ["[]", '"text"', "1", "null", "true"])
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_the_top_is_an_object(problems_of: ProblemsOf, top: str, suffix: str) -> None:
    (problem,) = problems_of(f"\n\n{top}", suffix)
    assert problem.startswith(f"crates{suffix}:3: $: must be an object, not ")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
@pytest.mark.parametrize(
    ("data", "line", "part"),
    [
        (b"", 1, "there is nothing in this file"),
        (b" \n\n ", 1, "there is nothing in this file"),
        (b"{}\n\n\xff\xfe", 3, "the byte 0xff is not UTF-8; save the file as UTF-8 text"),
        ("{}".encode("utf-16"), 1, "the byte 0xff is not UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\x00", 1, "the invisible character U+007F is not text; remove it"),
        (b"{}\n\x00", 2, "the invisible character U+0000 is not text"),
        ("{}\n\u2028\n".encode(), 2, "the invisible character U+2028 is not text"),
    ],
)
def test_bytes_that_are_no_text(problems_of: ProblemsOf, suffix: str, data: bytes, line: int, part: str) -> None:
    (problem,) = problems_of(data, suffix)
    assert problem.startswith(f"crates{suffix}:{line}: $: {part}")


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_line_ends_and_byte_order_marks_of_all_systems(problems_of: ProblemsOf, ending: str) -> None:
    for text, suffix, line in ((IN_JSON, ".json", 12), (IN_YAML, ".yaml", 10)):
        data = text.replace("\n", ending).encode("utf-8-sig")
        assert problems_of(data, suffix) == []
        assert problems_of(data.replace(b"two", b"t o", 1), suffix)[0].startswith(
            f"crates{suffix}:{line}: $.crates[1].name: "
        )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "directory.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "circle.json").symlink_to("circle.json")
    for name, message in {
        "none.json": "there is no manifest {}",
        "circle.json": "there is no manifest {}",
        "directory.json": "{} is not a file",
        "pipe.json": "{} is not a file",
        "crates.toml": "{} cannot be the name of a manifest: use .json, .yaml or .yml",
        "x" * 300 + ".json": "{} cannot be read: File name too long",
    }.items():
        with pytest.raises(InputError) as refused:
            load_manifest(tmp_path / name)
        assert refused.value.message == message.format(tmp_path / name)
        assert refused.value.problems == ()
        assert (refused.value.fix or "").startswith("cratematrix init --manifest ") == ("no manifest" in message)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "crates.json"
    path.touch(mode=0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        load_manifest(path)


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 50_000_000, 10**12])
def test_a_huge_file_is_not_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "crates.json"
    with path.open("wb") as file:
        file.truncate(size)
    with pytest.raises(InputError, match=r"larger than 8 MB, the limit for a manifest") as refused:
        load_manifest(path)
    assert refused.value.problems == ()


def test_the_largest_file_is_read(problems_of: ProblemsOf) -> None:
    assert problems_of(IN_JSON.encode().ljust(MAX_BYTES)) == []
    assert "larger than 8 MB" in problems_of(IN_JSON.encode().ljust(MAX_BYTES + 1))[0]


def fleet(count: int) -> dict[str, Any]:
    crates = [
        {
            "name": f"crate-{i}",
            "version": f"1.{i}.0",
            "kind": "napi",
            "source": {"git": "https://example.com/a/b", "rev": SHA, "path": f"packages/crate-{i}"},
            "depends_on": [f"crate-{i - 1}"] if i else [],
            "expected_minutes": 2.5,
        }
        for i in range(count)
    ]
    return {"schema_version": 1, "fleet": {"npm_scope": "@example"}, "crates": crates}


def calls_of(work: Callable[[], object]) -> int:
    """Return the number of function calls: a measure that does not depend on the load of the machine."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_the_work_of_reading_is_linear_in_the_size_of_the_fleet(directory: Path, as_yaml: AsYaml, suffix: str) -> None:
    calls = []
    for count in (50, 100, 200):
        path = directory / f"large{suffix}"
        path.write_text(json.dumps(fleet(count), indent=2) if suffix == ".json" else as_yaml(fleet(count)))
        load_manifest(path)  # what is done once is done
        calls.append(calls_of(partial(load_manifest, path)))
    assert calls[2] - calls[1] < 2.5 * (calls[1] - calls[0])


def test_the_largest_fleet_is_read(directory: Path) -> None:
    (directory / "large.json").write_text(json.dumps(fleet(10_000), indent=2))
    assert len(load_manifest(directory / "large.json").crates) == 10_000


def test_one_crate_too_many(problems_of: ProblemsOf) -> None:
    assert problems_of(fleet(10_001)) == ["crates.json:6: $.crates: has too many entries; at most 10,000 are allowed"]


def test_thousands_of_errors_are_counted_and_fifty_shown(directory: Path, problems_of: ProblemsOf) -> None:
    wrong = fleet(1_000)
    for crate in wrong["crates"]:
        crate["depends_on"] = ["crat-1", f"un{crate['name']}"]
    problems = problems_of(wrong)
    assert len(problems) == 51
    assert problems[0].endswith('"crat-1" is not a crate of this fleet; did you mean "crate-1"?')
    text = (directory / "crates.json").read_text()
    lines = [number for number, line in enumerate(text.split("\n"), 1) if "crat-1" in line]
    assert problems[-1] == f"crates.json:{lines[25]}: $: 1,950 more from here on; fix those above first"
    with pytest.raises(InputError, match="has 2,000 errors"):
        load_manifest(directory / "crates.json")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_the_example_is_valid_in_both(example: Example, problems_of: ProblemsOf, as_yaml: AsYaml, suffix: str) -> None:
    assert problems_of(example() if suffix == ".json" else as_yaml(example()), suffix) == []


def test_sources_are_relative_to_the_manifest_in_any_working_directory(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub/crates/one").mkdir(parents=True)
    (tmp_path / "sub/crates/one/Cargo.toml").touch()
    (tmp_path / "sub/crates.json").write_text(json.dumps(example()))
    for directory, name in (
        (tmp_path, "sub/crates.json"),
        (tmp_path / "sub", "crates.json"),
        (tmp_path / "sub/crates", "../crates.json"),
    ):
        monkeypatch.chdir(directory)
        assert len(load_manifest(Path(name)).crates) == 3
