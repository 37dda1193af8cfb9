"""A crate's own metadata, from `cargo metadata` of real crates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.errors import Unbuildable
from generator.processes import output
from generator.recipes.cargo import ProgramRecipe
from generator.recipes.job import EMNAPI, CrateMetadata, read_metadata, unmet_need
from generator.recipes.recipe import describe_script
from tests.recipes.jobs import job_of
from tests.support import HANGS, bash, write_files

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")

PACKAGE = '[package]\nname = "x"\nversion = "{}"\nedition = "2021"\n'
LIBRARY = {"Cargo.toml": PACKAGE.format("1.0.0"), "src/lib.rs": ""}
PINNED = {"git": "https://git.example.invalid/x.git", "rev": "1" * 40}


def metadata(
    root: Path, files: Mapping[str, str], declared: dict[str, Any] | bytes | None = None, **crate: Any
) -> CrateMetadata:
    """Return the metadata of a crate of these files."""
    write_files(root / "source/crate", files)
    job = job_of(root, **crate)
    argv = ["cargo", "metadata", "--offline", "--no-deps", "--format-version", "1", "--manifest-path"]
    metadata = output([*argv, f"{job.directory}/Cargo.toml"], timeout=HANGS)
    return read_metadata(job, metadata, json.dumps(declared).encode() if isinstance(declared, dict) else declared)


TOOLS = """
[[bin]]
name = "plain"
path = "src/main.rs"
[[bin]]
name = "pretty"
path = "src/main.rs"
required-features = ["color", "table"]
[[bin]]
name = "hidden"
path = "src/main.rs"
required-features = ["color", "debug"]
[features]
default = ["all"]
all = ["color", "table"]
color = []
table = []
debug = []
"""


def test_programs_are_those_that_a_default_build_makes(tmp_path: Path) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + TOOLS, "src/main.rs": "fn main() {}"}
    assert metadata(tmp_path, files).package.programs == ("plain", "pretty")
    target = tmp_path / "target"
    words = ["cargo", "build", "--offline", "--bins", "--target-dir", str(target)]
    output(words, timeout=HANGS, cwd=tmp_path / "source/crate")
    assert [name for name in ("hidden", "plain", "pretty") if (target / "debug" / name).exists()] == ["plain", "pretty"]


def test_a_build_command_may_enable_any_feature(tmp_path: Path) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + TOOLS, "src/main.rs": "fn main() {}"}
    commands = {"build": "cargo build --offline --locked --release --bins --all-features"}
    assert metadata(tmp_path, files, commands=commands).package.programs == ("hidden", "plain", "pretty")


def test_the_manifest_chooses_the_programs_of_the_package(tmp_path: Path) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + TOOLS, "src/main.rs": "fn main() {}"}
    crate = metadata(tmp_path, files)
    job = job_of(tmp_path, programs=["pretty"])
    script = ProgramRecipe().compile(job, crate, "linux-x64-gnu")
    assert "--bin pretty" in script
    assert "--bins" not in script
    assert "plain" not in f"{ProgramRecipe().stage(job, crate)}{ProgramRecipe().load(job, crate)}"
    assert job_of(tmp_path).programs(crate.package) == ("plain", "pretty")


@pytest.mark.parametrize("name", ["lost", "hidden"])
def test_a_chosen_program_that_is_not_built_is_an_error_with_those_that_are(tmp_path: Path, name: str) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + TOOLS, "src/main.rs": "fn main() {}"}
    job = job_of(tmp_path, programs=["plain", name])
    with pytest.raises(Unbuildable, match=f"^x has no program {name} that is built: it has plain, pretty$"):
        ProgramRecipe().compile(job, metadata(tmp_path, files), "linux-x64-gnu")


HIDDEN = TOOLS.replace('default = ["all"]\n', "").replace(
    '[[bin]]\nname = "plain"\npath = "src/main.rs"\n', "autobins = false\n"
)


def test_a_crate_whose_programs_are_all_disabled_names_the_features_to_enable(tmp_path: Path) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + HIDDEN, "src/main.rs": "fn main() {}"}
    with pytest.raises(Unbuildable) as caught:
        metadata(tmp_path, files)
    assert str(caught.value) == (
        "every program of x requires features that are off by default (color, debug, table): "
        "add them to `default` in Cargo.toml, or give the crate a build command that enables them"
    )


def test_a_library_needs_no_program(tmp_path: Path) -> None:
    files = {"Cargo.toml": PACKAGE.format("1.0.0") + HIDDEN, "src/main.rs": "fn main() {}", "src/lib.rs": ""}
    package = metadata(tmp_path, files, kind="lib").package
    assert (package.programs, package.library is not None) == ((), True)


@pytest.mark.parametrize("version", ["0.0.0", "0.9.0", "1.0.0"])
@pytest.mark.parametrize("source", [{"path": "crate"}, PINNED], ids=["here", "pinned"])
def test_an_addon_has_the_version_of_its_package_json(tmp_path: Path, version: str, source: dict[str, str]) -> None:
    declared = {"name": "@demo/x", "version": "1.0.0", "napi": {}}
    files = {"Cargo.toml": PACKAGE.format(version), "src/lib.rs": ""}
    found = metadata(tmp_path, files, declared, kind="napi", source=source)
    assert (found.package_json, found.notes) == (declared, ())


DIFFERENCES = {
    "version of Cargo.toml": ({"version": "2.0.0"}, None, 'crate/Cargo.toml has version "1.0.0", the manifest 2.0.0'),
    "version of package.json": (
        {"kind": "napi"},
        {"name": "@demo/x", "version": "1.0.1"},
        'crate/package.json has version "1.0.1", the manifest 1.0.0',
    ),
    "package.json without a version": (
        {"kind": "napi"},
        {"name": "@demo/x"},
        "crate/package.json has no version, the manifest 1.0.0",
    ),
    "name of package.json": (
        {"kind": "napi"},
        {"name": "x", "version": "1.0.0"},
        'crate/package.json has name "x", the manifest @demo/x',
    ),
    "Cargo.toml of a program beside a package.json": (
        {"version": "2.0.0"},
        {"name": "@demo/x", "version": "2.0.0"},
        'crate/Cargo.toml has version "1.0.0", the manifest 2.0.0',
    ),
}


@pytest.mark.parametrize("kind", ["bin", "lib", "wasm"])
@pytest.mark.parametrize(
    "beside", [{"private": True, "devDependencies": {"prettier": "^3"}}, {"name": "site", "version": "9.0.0"}, b"{"]
)
def test_a_package_json_beside_another_crate_than_an_addon_is_none_of_its_business(
    tmp_path: Path, kind: str, beside: dict[str, Any] | bytes
) -> None:
    found = metadata(tmp_path, LIBRARY, beside, kind=kind)
    assert (found.package_json, found.notes) == (None, ())


@pytest.mark.parametrize(("kind", "copied"), [("bin", []), ("napi", ["package.json"])])
def test_only_an_addons_package_json_is_described(tmp_path: Path, kind: str, copied: list[str]) -> None:
    files = {**LIBRARY, "Cargo.lock": "", "package.json": "{}", "package-lock.json": "{}"}
    write_files(tmp_path / "source/crate", files)
    done = bash(describe_script(job_of(tmp_path, kind=kind)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("package*.json")) == copied


@pytest.mark.parametrize(("crate", "declared", "sentence"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_a_mistake_here_and_a_note_in_another_repository(
    tmp_path: Path, crate: dict[str, str], declared: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(Unbuildable) as caught:
        metadata(tmp_path, LIBRARY, declared, **{"kind": "lib", **crate})
    assert str(caught.value) == sentence
    assert metadata(tmp_path, LIBRARY, declared, **{"kind": "lib", **crate, "source": PINNED}).notes == (sentence,)


def test_a_workspace_is_no_crate(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match=r"^crate/Cargo\.toml describes a workspace, not a package$"):
        metadata(
            tmp_path,
            {
                "Cargo.toml": '[workspace]\nmembers = ["a"]\n',
                "a/Cargo.toml": PACKAGE.format("1.0.0"),
                "a/src/lib.rs": "",
            },
        )


@pytest.mark.parametrize(
    ("text", "what"),
    [(b"{", "not valid JSON"), (b"[" * 100_000, "not valid JSON"), (b"[]", "not a JSON object")],
    ids=["broken", "deep", "array"],
)
def test_an_invalid_package_json_is_an_error(tmp_path: Path, text: bytes, what: str) -> None:
    with pytest.raises(Unbuildable, match=rf"^crate/package\.json is {what}$"):
        metadata(tmp_path, LIBRARY, text, kind="napi")


@pytest.mark.parametrize(
    ("wishes", "targets", "why"),
    [
        (EMNAPI, ["wasm32-wasip1-threads"], None),
        (EMNAPI, None, None),  # version 2 of napi's command line has another key, and its own way
        (EMNAPI, ["x86_64-unknown-linux-gnu"], "needs wasm32-wasip1-threads among napi.targets in package.json"),
        (EMNAPI[:1], [], "needs @emnapi/core, @emnapi/runtime, @napi-rs/wasm-runtime among the dependencies in"),
    ],
)
def test_what_an_addon_lacks_for_wasm_is_known_before_it_is_compiled(
    tmp_path: Path, wishes: tuple[str, ...], targets: list[str] | None, why: str | None
) -> None:
    declared = {"devDependencies": dict.fromkeys(wishes, "1"), "napi": {} if targets is None else {"targets": targets}}
    known = metadata(tmp_path, LIBRARY, {"name": "@demo/x", "version": "1.0.0", **declared}, kind="napi")
    said = unmet_need(job_of(tmp_path, kind="napi"), known, "wasm32")
    assert said is None if why is None else why in str(said)


@pytest.mark.attack("no program of a crate is called like one that every script starts", entry="W15")
def test_a_program_that_would_hide_one_of_the_users_is_refused_before_anything_is_compiled(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": PACKAGE.format("1.0.0"),
        "src/main.rs": "fn main() {}\n",
        "src/bin/node.rs": "fn main() {}\n",
    }
    crate = metadata(tmp_path, files)
    with pytest.raises(Unbuildable, match="a command named node would shadow the user's own"):
        ProgramRecipe().compile(job_of(tmp_path), crate, "linux-x64-gnu")
