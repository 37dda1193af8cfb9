"""The first crates.json: its content is valid, and no existing file is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.discovery import (
    Discovery,
    FoundCrate,
    SkippedFile,
    convert_to_format,
    discover,
    manifest_text,
    write_manifest,
)
from generator.discovery.choices import Choices, for_platforms, parse_platforms
from generator.discovery.crates import UNPUBLISHED
from generator.errors import InputError
from generator.manifest.checks import check_manifest
from generator.manifest.crate_files import CrateFiles
from generator.manifest.crate_models import Crate
from generator.manifest.models import Manifest
from generator.manifest.reading import parse_past_manifest
from generator.platforms import Kind
from generator.processes import output

Plant = Callable[[Mapping[str, str]], Path]
FLEET = Path(__file__).parents[1] / "fleet"

LIBRARY = '[package]\nname = "{}"\nversion = "1.0.0"\n'


def found(name: str, kind: Kind = "lib", npm_name: str | None = None) -> FoundCrate:
    return FoundCrate(name, "1.0.0", kind, f"crates/{name}", (), npm_name, "because")


def discovery(*crates: FoundCrate, skipped: tuple[SkippedFile, ...] = ()) -> Discovery:
    return Discovery(crates, skipped, "@scope", ())


def parsed(text: str) -> Manifest:
    """The manifest, after the checks of `cratematrix check`."""
    manifest = Manifest.model_validate_json(text)
    assert check_manifest(manifest) == ()
    return manifest


def test_the_text_is_this() -> None:
    crates = (found("one", "wasm"), FoundCrate("two", "2.0.0", "bin", ".", ("one",), "@other/two", "because"))
    assert manifest_text(discovery(*crates), schema="./crates.schema.json") == (
        """{
  "$schema": "./crates.schema.json",
  "schema_version": 1,
  "fleet": {
    "npm_scope": "@scope",
    "slots": 2,
    "platforms": ["linux-x64-gnu", "linux-x64-musl", "linux-arm64-gnu", "darwin-x64", "darwin-arm64", "win32-x64-msvc", """
        """"wasm32"],
    "timeout_minutes": 60,
    "retries": 3
  },
  "crates": [
    {
      "name": "one",
      "version": "1.0.0",
      "kind": "wasm",
      "source": {"path": "crates/one"},
      "depends_on": [],
      "expected_minutes": 3
    },
    {
      "name": "two",
      "npm_name": "@other/two",
      "version": "2.0.0",
      "kind": "bin",
      "source": {"path": "."},
      "depends_on": ["one"],
      "expected_minutes": 10
    }
  ]
}
"""
    )


def test_without_a_schema_there_is_no_such_key() -> None:
    assert "$schema" not in json.loads(manifest_text(discovery(found("a"))))


@pytest.mark.parametrize("name", ["crates.yaml", "crates.YML"])
def test_a_name_of_yaml_gets_the_same_in_yaml(tmp_path: Path, name: str) -> None:
    crates = [found(each, "bin") for each in ("null", "no", "True", "e3")]
    text = manifest_text(discovery(*crates, FoundCrate("last", "2.0.0", "lib", ".", ("no", "null"), "@b/c", "because")))
    assert convert_to_format(Path("crates.json"), text) == text
    written = convert_to_format(Path(name), text)
    assert written.startswith(
        "schema_version: 1\nfleet:\n  npm_scope: '@scope'\n  slots: 5\n  platforms: [linux-x64-gnu, "
    )
    assert "\n  depends_on: [no, 'null']\n" in written
    assert parse_past_manifest(
        tmp_path / name, written.encode(), CrateFiles(".", lambda _: None)
    ) == Manifest.model_validate_json(text)


@pytest.mark.parametrize(("crates", "slots"), [(1, 1), (29, 29), (30, 30), (31, 30)])
def test_there_are_no_more_slots_than_crates(crates: int, slots: int) -> None:
    text = manifest_text(discovery(*(found(f"c{index}") for index in range(crates))))
    assert parsed(text).fleet.slots == slots


@pytest.mark.parametrize(
    ("kind", "platforms"),
    [("wasm", ("wasm32",)), ("lib", 6), ("bin", 6), ("napi", 7)],
    ids=["wasm", "lib", "bin", "napi"],
)
def test_platforms_are_those_that_the_kinds_can_have(kind: Kind, platforms: tuple[str, ...] | int) -> None:
    chosen = parsed(manifest_text(discovery(found("a", kind)))).fleet.platforms
    assert platforms in (chosen, len(chosen))


def test_an_npm_name_is_written_only_where_it_differs() -> None:
    crates = (found("a", "napi", "@scope/a"), found("b", "napi", "@scope/bee"), found("C"), found("d"))
    written = {each.name: each.npm_name for each in parsed(manifest_text(discovery(*crates))).crates}
    assert written == {"a": None, "b": "@scope/bee", "C": "@scope/c", "d": None}


def test_a_program_gives_way_to_the_addon_that_has_its_npm_name_and_a_library_need_not() -> None:
    crates = (found("text", "bin"), found("text-node", "napi", "@scope/text"), found("text-bin", "bin"))
    written = {each.name: each.npm_name for each in parsed(manifest_text(discovery(*crates))).crates}
    assert written == {"text": "@scope/text-bin", "text-node": "@scope/text", "text-bin": "@scope/text-bin-bin"}
    beside = parsed(manifest_text(discovery(found("text"), found("text-node", "napi", "@scope/text")))).crates
    assert [each.npm_name for each in beside] == [None, "@scope/text"]


def test_another_scope_can_be_given() -> None:
    manifest = parsed(manifest_text(discovery(found("a"), found("b", "napi", "@scope/b")), Choices(scope="@mine")))
    assert manifest.fleet.npm_scope == "@mine"
    assert [each.npm_name for each in manifest.crates] == [None, "@scope/b"]


def test_a_scope_that_npm_would_refuse_is_an_input_error() -> None:
    with pytest.raises(InputError, match="'Mine' is not an npm scope"):
        manifest_text(discovery(found("a")), Choices(scope="Mine"))


def test_choices_are_written_where_they_differ_from_the_defaults() -> None:
    chosen = Choices(platforms=("linux-x64-gnu", "wasm32"), action="you/cratematrix@v1", backend="e2b")
    fleet = parsed(manifest_text(discovery(found("a")), chosen)).fleet
    assert (fleet.platforms, fleet.action, fleet.backend) == (chosen.platforms, "you/cratematrix@v1", "e2b")
    plain = json.loads(manifest_text(discovery(found("a"))))["fleet"]
    assert {"action", "backend"} & plain.keys() == set()


def test_an_addon_has_its_own_platforms_where_they_are_fewer_than_the_fleets() -> None:
    addon = replace(found("a", "napi", "@scope/a"), platforms=("darwin-x64", "wasm32"))
    alone = parsed(manifest_text(discovery(addon)))
    assert (alone.fleet.platforms, alone.crates[0].platforms) == (("darwin-x64", "wasm32"), None)
    beside = parsed(manifest_text(discovery(addon, found("b", "bin"))))
    assert (len(beside.fleet.platforms), [each.platforms for each in beside.crates]) == (
        7,
        [("darwin-x64", "wasm32"), None],
    )
    other = parsed(manifest_text(discovery(addon), Choices(platforms=("linux-x64-gnu",))))
    assert (other.fleet.platforms, other.crates[0].platforms) == (("linux-x64-gnu",), None)


def test_crates_without_a_chosen_platform_are_left_out_with_their_names() -> None:
    needing = FoundCrate("b", "1.0.0", "wasm", "b", ("a",), None, "because")
    left = for_platforms(discovery(found("a", "bin"), needing), ("wasm32",))
    assert [(each.name, each.depends_on) for each in left.crates] == [("b", ())]
    assert left.skipped == (SkippedFile("crates/a/Cargo.toml", "its kind, bin, has none of the chosen platforms"),)
    parsed(manifest_text(left, Choices(platforms=("wasm32",))))


@pytest.mark.parametrize("text", ["wasm32, linux-x64-gnu", "linux-x64-gnu wasm32", " linux-x64-gnu,wasm32,"])
def test_platforms_are_read_with_commas_or_spaces(text: str) -> None:
    assert parse_platforms(text) == ("linux-x64-gnu", "wasm32")


def test_an_unknown_platform_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'linux-x64-gun' is not one of linux-x64-gnu, .*did you mean linux-x64-gnu"):
        parse_platforms("linux-x64-gun")
    with pytest.raises(InputError, match="no platform is named"):
        parse_platforms(" , ")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("bin", "cargo build --offline --locked --release --bins --features a,b"),
        ("wasm", "cargo build --offline --locked --release --lib --target wasm32-unknown-unknown --features a,b"),
    ],
)
def test_a_crate_with_features_gets_the_command_that_enables_them(kind: Kind, command: str) -> None:
    crate = replace(found("a", kind), features=("a", "b"))
    assert parsed(manifest_text(discovery(crate))).crates[0].commands.build == command


def test_a_name_that_begins_with_a_line_gets_an_npm_name_without() -> None:
    crates = parsed(manifest_text(discovery(found("_a", "bin"), found("a", "bin"), found("__", "bin")))).crates
    assert [each.npm_name for each in crates] == ["@scope/a", "@scope/a-bin", "@scope/crate"]


def test_crates_that_are_not_published_are_offered_where_nothing_else_is() -> None:
    with pytest.raises(InputError) as caught:
        manifest_text(discovery(skipped=(SkippedFile("a/Cargo.toml", UNPUBLISHED),)))
    assert caught.value.fix == "cratematrix init --unpublished"


def test_nothing_found_is_an_input_error_that_says_what_was_skipped() -> None:
    with pytest.raises(InputError, match="no crate for the fleet was found") as caught:
        manifest_text(discovery(skipped=(SkippedFile("a/Cargo.toml", "it is a test"),)))
    assert caught.value.problems == ("a/Cargo.toml: it is a test",)


def test_the_sample_fleet_is_found_as_its_manifest_says() -> None:
    manifest = Manifest.model_validate_json((FLEET / "crates.json").read_text())
    draft = parsed(manifest_text(discover(FLEET, unpublished=True)))

    def facts(crates: tuple[Crate, ...]) -> set[tuple[object, ...]]:
        return {(each.name, each.version, each.kind, each.source, each.depends_on, each.npm_name) for each in crates}

    assert facts(draft.crates) == facts(manifest.crates)
    assert draft.fleet.npm_scope == manifest.fleet.npm_scope


SCOPES = {
    "most frequent": ({"a": "@one/a", "b": "@two/b", "c": "@two/c"}, None, "@two", False),
    "first of equals": ({"a": "@two/a", "b": "@one/b"}, None, "@one", False),
    "package.json before the remote": ({"a": "@one/a"}, "https://example.com/Acme/tools", "@one", False),
    "https remote": ({"a": "plain"}, "https://example.com/Acme/tools.git", "@acme", True),
    "ssh address": ({}, "git@example.com:Acme-Inc/tools.git", "@acme-inc", True),
    "ssh URL with a port": ({}, "ssh://git@example.com:2222/acme/group/tools", "@acme", True),
    "owner that npm refuses": ({}, "https://example.com/_acme/tools", "@your-scope", True),
    "path of a machine": ({}, "/srv/git/tools.git", "@your-scope", True),
    "nothing": ({}, None, "@your-scope", True),
    "not a scope": ({"a": "@UPPER/a", "b": "@/b", "c": "@only", "d": "@a..b/d"}, None, "@your-scope", True),
}


@pytest.mark.parametrize(("names", "remote", "scope", "noted"), SCOPES.values(), ids=SCOPES)
def test_the_npm_scope_comes_from_package_json_or_the_remote(
    plant: Plant, names: dict[str, str], remote: str | None, scope: str, noted: bool
) -> None:
    root = plant(
        {"Cargo.toml": LIBRARY.format("x"), "src/lib.rs": ""}
        | {f"{directory}/package.json": json.dumps({"name": name}) for directory, name in names.items()}
    )
    output(["git", "init", "--quiet"], timeout=600, cwd=root)
    if remote is not None:
        output(["git", "remote", "add", "origin", remote], timeout=600, cwd=root)
    discovered = discover(root)
    assert discovered.npm_scope == scope
    assert [scope in note for note in discovered.notes] == [True] * noted
    assert parsed(manifest_text(discovered)).fleet.npm_scope == scope


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "crates.json"
    write_manifest(path, "one", force=False)
    with pytest.raises(InputError, match="already exists") as caught:
        write_manifest(path, "two", force=False)
    assert caught.value.fix == f"cratematrix init --manifest {path} --update, or --force to replace it"
    assert path.read_text() == "one"
    write_manifest(path, "three", force=True)
    assert path.read_text() == "three"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target", ["there", "missing"])
@pytest.mark.attack("a first manifest is written through no link", entry="H1")
def test_a_link_is_not_written_through(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_text("untouched")
    path = tmp_path / "crates.json"
    path.symlink_to(target)
    with pytest.raises(InputError, match="already exists"):
        write_manifest(path, "text", force=False)
    write_manifest(path, "text", force=True)
    assert (path.is_symlink(), path.read_text()) == (False, "text")
    assert (tmp_path / "there").read_text() == "untouched"
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_place_that_cannot_be_written_is_an_input_error(tmp_path: Path, force: bool) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file cannot be used: File exists"):
        write_manifest(tmp_path / "file" / "crates.json", "text", force=force)


SNIPPETS = st.sampled_from(
    [
        '[package]\nname = "a"\nversion = "1.0.0"\n',
        '[package]\nname = "B"\nversion = "0.1.0-rc.1"\n',
        '[package]\nname = "c"\nversion.workspace = true\n',
        '[workspace]\nmembers = ["*", "a/../b", "../x", "/etc"]\n',
        '[workspace]\nmembers = ["**"]\n[workspace.package]\nversion = "2.0.0"\n',
        '[lib]\ncrate-type = ["cdylib"]\n',
        '[dependencies]\nnapi = "3"\nwasm-bindgen = { workspace = true }\n',
        '[dependencies]\nd = { path = "../b" }\ne = { path = "." }\nf = { path = "/" }\n',
        '[[bin]]\nname = "tool"\n',
        '{"name": "@s/p", "version": "1.0.0", "napi": {}}',
        '{"name": 5}',
        "\0",
        "= 1",
    ]
)
TEXTS = st.lists(SNIPPETS | st.text(max_size=20), max_size=4).map("".join)
NAMES = st.sampled_from(["Cargo.toml", "package.json", "src/lib.rs", "src/main.rs", ".cargo-checksum.json"])
DIRECTORIES = st.sampled_from([".", "a", "b", "a/c", "b c", "target", ".x", "tests/d", "é"])


@settings(max_examples=30, deadline=None)
@given(files=st.dictionaries(st.tuples(DIRECTORIES, NAMES), TEXTS, max_size=12))
def test_any_tree_gives_a_valid_manifest_or_a_clear_error(files: dict[tuple[str, str], str]) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory)
        for (folder, name), text in files.items():
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_bytes(text.encode(errors="surrogatepass"))
        discovered = discover(root)
        assert discover(root) == discovered
        assert all(each.path.isprintable() and each.reason.isprintable() for each in discovered.skipped)
        if discovered.crates:
            assert {each.name for each in parsed(manifest_text(discovered)).crates} == {
                each.name for each in discovered.crates
            }
        else:
            with pytest.raises(InputError, match="no crate for the fleet was found"):
                manifest_text(discovered)
