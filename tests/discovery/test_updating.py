"""`init --update`: a manifest follows its repository, and keeps all that the repository does not say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from generator.discovery import discover
from generator.discovery.updating import Update, read_manifest, update_manifest, write_update
from generator.errors import InputError
from generator.manifest.reading import load_manifest

Plant = Callable[[Mapping[str, str]], Path]

YAML = """\
# The fleet of words.
schema_version: 1
fleet: {npm_scope: "@mine", platforms: [linux-x64-gnu]}   # one platform
crates:
  # The first one.
  - name: one
    version: 0.1.0   # as on npm
    kind: lib
    source: {path: one}
    depends_on: [two, three]
    timeout_minutes: 7

  - name: two
    # Old.
    version: '0.1.0'
    kind: lib
    source:
      path: two
    depends_on:
      - three
  # Before the third.
  - {name: three, version: 0.1.0, kind: "lib", source: {path: three}}
  - name: elsewhere
    version: 0.1.0
    kind: lib
    source: {registry: elsewhere, version: 0.1.0}
# The end.
"""
JSON = """\
{
\t"schema_version": 1,
\t"fleet": {"npm_scope": "@mine", "platforms": ["linux-x64-gnu"], "canaries": ["three", "one"]},
\t"crates": [
\t\t{"name": "one", "version": "0.1.0", "kind": "lib",
\t\t "source": {"path": "one"}, "depends_on": ["three", "two"], "size": "large"},
\t\t{"name": "two", "version": "0.1.0", "kind": "lib", "source": {"path": "two"}},
\t\t{"name": "three", "version": "0.1.0", "kind": "lib", "source": {"path": "three"}}
\t]
}
"""


def crate(name: str, version: str = "0.1.0", more: str = "") -> dict[str, str]:
    return {
        f"{name}/Cargo.toml": f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n{more}',
        f"{name}/src/lib.rs": "",
    }


ALL = crate("one") | crate("two") | crate("three")


def updated(root: Path, name: str, text: str) -> Update:
    (root / name).write_text(text)
    return update_manifest(root / name, (root / name).read_bytes(), discover(root))


def written(root: Path, name: str, text: str) -> str:
    update = updated(root, name, text)
    write_update(update, (root / name).read_bytes())
    load_manifest(root / name)
    return (root / name).read_text()


@pytest.mark.parametrize(("name", "text"), [("crates.yaml", YAML), ("crates.json", JSON)])
def test_a_manifest_that_is_up_to_date_stays_as_it_is(plant: Plant, name: str, text: str) -> None:
    update = updated(plant(ALL), name, text)
    assert (update.after, update.changes, update.diff()) == (text, (), "")


def test_versions_and_kinds_change_in_their_own_quotes(plant: Plant) -> None:
    root = plant(
        ALL | crate("one", "0.2.0") | crate("two", "1.0.0-rc.1") | {"two/src/main.rs": "", "three/src/main.rs": ""}
    )
    assert written(root, "crates.yaml", YAML) == (
        YAML.replace("0.1.0   # as on npm", "0.2.0   # as on npm")
        .replace("version: '0.1.0'\n    kind: lib", "version: '1.0.0-rc.1'\n    kind: bin")
        .replace('kind: "lib"', 'kind: "bin"')
    )


def test_a_gone_crate_leaves_with_its_lines_and_its_names_and_comments_stay(plant: Plant) -> None:
    root = plant(crate("one") | crate("two"))
    update = updated(root, "crates.yaml", YAML)
    assert update.changes == ("three is gone: three has no Cargo.toml",)
    assert update.after == (
        YAML.replace("[two, three]", "[two]")
        .replace("    depends_on:\n      - three\n", "    depends_on:\n        []\n")
        .replace('  - {name: three, version: 0.1.0, kind: "lib", source: {path: three}}\n', "")
    )
    root = plant({})
    (root / "two/Cargo.toml").unlink()
    assert "name: two" not in written(root, "crates.yaml", YAML)


@pytest.mark.parametrize("gone", ["one", "two", "three"])
def test_a_gone_crate_leaves_json_with_its_comma(plant: Plant, gone: str) -> None:
    root = plant(ALL)
    (root / gone / "Cargo.toml").unlink()
    text = written(root, "crates.json", JSON)
    left = json.loads(text)
    assert [each["name"] for each in left["crates"]] == [each for each in ("one", "two", "three") if each != gone]
    assert left["fleet"]["canaries"] == [each for each in ("three", "one") if each != gone]
    assert text.count("\n") >= JSON.count("\n") - 2


def test_new_crates_are_appended_in_the_style_of_the_file(plant: Plant) -> None:
    root = plant(ALL | crate("a new", more='[dependencies]\none = { path = "../one" }\n'))
    (root / "a new/Cargo.toml").write_text((root / "a new/Cargo.toml").read_text().replace('"a new"', '"no"'))
    assert written(root, "crates.yaml", YAML) == YAML.replace(
        "# The end.",
        '  - name: "no"\n    version: 0.1.0\n    kind: lib\n    source: {"path": "a new"}\n'
        '    depends_on: ["one"]\n    expected_minutes: 6\n# The end.',
    )
    text = written(root, "crates.json", JSON)
    assert text.startswith(JSON.removesuffix("\n\t]\n}\n") + ",\n\t\t{\n")
    assert json.loads(text)["crates"][-1]["source"] == {"path": "a new"}


def test_a_new_crate_takes_the_place_of_the_only_one(plant: Plant) -> None:
    one_line = '{"schema_version": 1, "fleet": {"npm_scope": "@mine"}, "crates": [%s]}'
    entry = '{"name": "old", "version": "0.1.0", "kind": "lib", "source": {"path": "old"}}'
    text = written(plant(crate("one")), "crates.json", one_line % entry)
    assert [each["name"] for each in json.loads(text)["crates"]] == ["one"]
    assert text.count("\n") == 0


def test_a_moved_crate_keeps_its_entry(plant: Plant) -> None:
    files = {path.replace("three/", "deep/er/", 1): text for path, text in ALL.items()}
    update = updated(plant(files), "crates.yaml", YAML)
    assert update.changes == ("three: path three becomes deep/er",)
    assert update.after == YAML.replace("path: three", "path: deep/er")


def test_crates_that_init_would_not_find_stay(plant: Plant) -> None:
    """A crate for tests, and one that Cargo does not publish, which somebody wrote into the manifest."""
    root = plant(crate("one", more="publish = false\n") | crate("tests/two", "9.0.0") | crate("three"))
    text = YAML.replace("path: two", "path: tests/two")
    assert updated(root, "crates.yaml", text).changes == ()


def test_what_is_not_for_the_platforms_of_the_fleet_is_not_added(plant: Plant) -> None:
    wasm = '[lib]\ncrate-type = ["cdylib"]\n[dependencies]\nwasm-bindgen = "0.2"\n'
    assert updated(plant(ALL | crate("web", more=wasm)), "crates.yaml", YAML).changes == ()


def test_line_ends_and_the_mark_at_the_start_of_a_file_stay(plant: Plant) -> None:
    root = plant(ALL | crate("one", "0.2.0"))
    path = root / "crates.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + YAML.replace("\n", "\r\n").encode())
    data = read_manifest(path)
    write_update(update_manifest(path, data, discover(root)), data)
    wanted = YAML.replace("0.1.0   # as on npm", "0.2.0   # as on npm").replace("\n", "\r\n")
    assert path.read_bytes() == b"\xef\xbb\xbf" + wanted.encode()


def test_a_manifest_that_another_program_changed_is_not_overwritten(plant: Plant) -> None:
    root = plant(ALL | crate("one", "0.2.0"))
    update = updated(root, "crates.yaml", YAML)
    with pytest.raises(InputError, match="changed in the meantime"):
        write_update(update, b"other")
    assert (root / "crates.yaml").read_text() == YAML


def test_a_manifest_whose_crates_are_all_gone_is_an_error(plant: Plant) -> None:
    with pytest.raises(InputError, match="every crate of the manifest is gone"):
        updated(
            plant({"x": ""}),
            "crates.json",
            '{"schema_version": 1, "fleet": {"npm_scope": "@a"}, "crates": ['
            '{"name": "a", "version": "1.0.0", "kind": "lib", "source": {"path": "a"}}]}',
        )


def test_without_a_manifest_there_is_nothing_to_update(plant: Plant) -> None:
    with pytest.raises(InputError, match="there is no manifest") as caught:
        read_manifest(plant({}) / "crates.json")
    assert caught.value.fix == "cratematrix init"
