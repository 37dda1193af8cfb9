"""The files of real git repositories that enter a crate's sandbox, beside those of its own directory."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.errors import InputError
from generator.manifest.crate_models import Crate
from generator.sources.collect import SourceLocations, collect
from generator.sources.left_out import left_out
from generator.sources.tree import NotCheckedOut
from tests.repositories import URL, git, package, repository
from tests.support import write_files

HELLO = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
    "crates/hello/Cargo.toml": package("hello"),
    "crates/hello/src/lib.rs": "",
    "README.md": "# all",
    "proto/a/x.proto": "x",
    "proto/b/y.proto": "y",
    "proto/b/notes.txt": "notes",
}
OWN = {"Cargo.toml", "crates/hello/Cargo.toml", "crates/hello/src/lib.rs"}


def hello(path: str = "crates/hello", kind: str = "lib", **more: Any) -> Crate:
    entry = {"name": "hello", "version": "1.0.0", "kind": kind, "source": {"path": path}, **more}
    return Crate.model_validate_json(json.dumps(entry))


def places(top: Path, **more: Any) -> SourceLocations:
    return SourceLocations(top, ".", top.parent / "cache", **more)


def collected(top: Path, crate: Crate, **more: Any) -> dict[str, str]:
    """Return the collected files with their content, links with the path they lead to."""
    archive = top.parent / "source.tar"
    collect(crate, places(top, **more), archive)
    with tarfile.open(archive) as tar:
        return {
            member.name: member.linkname if member.issym() else tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
        }


def linked(tmp_path: Path, links: Mapping[str, str], files: Mapping[str, str] = HELLO) -> Path:
    """Make a repository of files and links."""
    top = write_files(tmp_path / "repo", files)
    for path, target in links.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).symlink_to(target)
    return repository(top, {})


@pytest.mark.parametrize(
    ("links", "brought"),
    [
        ({"crates/hello/README.md": "../../README.md"}, {"README.md"}),
        ({"crates/hello/proto": "../../proto"}, {"proto/a/x.proto", "proto/b/y.proto", "proto/b/notes.txt"}),
        ({"crates/hello/x": "../../proto/a/../b/y.proto"}, {"proto/b/y.proto"}),
        ({"crates/hello/x": "../../first", "first": "second", "second": "proto/a"}, {"first", "second", "proto/a/x.proto"}),
        ({"crates/hello/x": "../../down/y.proto", "down": "proto/b"}, {"down", "proto/b/y.proto"}),
        ({"crates/hello/x": "../../links", "links/inner": "../proto/a/x.proto"}, {"links/inner", "proto/a/x.proto"}),
        ({"crates/hello/x": "src/lib.rs"}, set()),
        ({"crates/hello/x": "../../nothing"}, set()),
        ({"crates/hello/x": "x"}, set()),
        ({"crates/hello/x": "../../y", "y": "crates/hello/x"}, {"y"}),
    ],
)  # fmt: skip
def test_what_a_link_leads_to_comes_along(tmp_path: Path, links: dict[str, str], brought: set[str]) -> None:
    top = linked(tmp_path, links)
    own = OWN | {path for path in links if path.startswith("crates/hello/")}
    assert collected(top, hello()).keys() == own | brought


@pytest.mark.parametrize(
    "links",
    [
        {"crates/hello/x": "/etc/passwd"},
        {"crates/hello/x": "../../../outside"},
        {"crates/hello/x": "../../up/../secret", "up": "."},
        {"crates/hello/x": "../../y", "y": "/etc/passwd"},
    ],
    ids=str,
)
@pytest.mark.attack("no source leads out of the repository")
def test_a_link_that_leads_out_by_any_way_is_refused(tmp_path: Path, links: dict[str, str]) -> None:
    (tmp_path / "secret").write_text("secret")
    top = linked(tmp_path, links)
    with pytest.raises(InputError, match=r"^\S+ is a link that leads out of the repository$"):
        collected(top, hello())


@pytest.mark.attack("no source leads out of the repository")
def test_neither_a_link_nor_a_pattern_brings_what_git_does_not_track(tmp_path: Path) -> None:
    files = {**HELLO, ".gitignore": ".env\n"}
    links = {"crates/hello/a": "../../.env", "crates/hello/b": "../../.git/config", "crates/hello/c": "../.."}
    top = linked(tmp_path, links, files)
    write_files(top, {".env": "TOKEN=1", "new.txt": "new"})
    found = collected(top, hello(include=["**", "*"]))
    assert found.keys() == {*files, *links}
    for pattern in (".env", ".git/config", ".git/**", "new.txt", ".e*"):
        with pytest.raises(InputError, match=r"matches no file that git tracks$"):
            collected(top, hello(include=[pattern]))


@pytest.mark.parametrize(
    ("include", "brought"),
    [
        (["README.md"], {"README.md"}),
        (["proto"], {"proto/a/x.proto", "proto/b/y.proto", "proto/b/notes.txt"}),
        (["proto/"], {"proto/a/x.proto", "proto/b/y.proto", "proto/b/notes.txt"}),
        (["proto/*/*.proto"], {"proto/a/x.proto", "proto/b/y.proto"}),
        (["**/*.proto", "README.*"], {"README.md", "proto/a/x.proto", "proto/b/y.proto"}),
        (["proto/[!a]"], {"proto/b/y.proto", "proto/b/notes.txt"}),
        (["crates.json"], {"crates.json"}),
        ([".github/x.yml"], {".github/x.yml"}),
    ],
)  # fmt: skip
def test_the_key_include_brings_files_by_path_and_pattern(
    tmp_path: Path, include: list[str], brought: set[str]
) -> None:
    top = repository(tmp_path / "repo", {**HELLO, "crates.json": "{}", ".github/x.yml": ""})
    unread = frozenset({"crates.json"})
    assert collected(top, hello(include=include), fleet_files=unread).keys() == OWN | brought


def test_a_pattern_without_a_file_is_named(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", HELLO)
    with pytest.raises(InputError, match=r'^the key include has "schema/\*\*", which matches no file that git tracks$'):
        collected(top, hello(include=["README.md", "schema/**"]))


TOP = {
    "Cargo.toml": package("hello", 'exclude = ["docs"]\n[workspace]\nmembers = ["crates/*"]\n'),
    "Cargo.lock": "version = 4\n",
    "src/main.rs": "",
    "tests/fixture/Cargo.toml": package("fixture"),
    "tests/fixture/src/lib.rs": "",
    "README.md": "",
    "data.txt": "",
    "docs/a.md": "",
    "tools/x/Cargo.toml": package("x", "[workspace]\n"),
    "tools/x/src/main.rs": "",
    "fuzz/Cargo.toml": package("fuzz", "[workspace]\n"),
    "fuzz/corpus/a": "",
    "crates/other/Cargo.toml": package("other"),
    "crates/other/src/lib.rs": "",
    ".github/workflows/ci.yml": "",
    "crates.json": "{}",
    "e2b/image.Dockerfile": "",
}  # fmt: skip


def test_a_crate_at_the_top_has_neither_the_fleets_files_nor_what_cargo_leaves_out(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", TOP)
    unread = frozenset({"crates.json", "e2b/image.Dockerfile"})
    own = {"Cargo.toml", "Cargo.lock", "src/main.rs", "README.md", "data.txt"}
    own |= {"tests/fixture/Cargo.toml", "tests/fixture/src/lib.rs"}
    assert collected(top, hello("."), fleet_files=unread).keys() == own
    assert collected(top, hello(".", include=["docs"]), fleet_files=unread).keys() == own | {"docs/a.md"}
    assert collected(top, hello(".", kind="napi"), fleet_files=unread).keys() == own | {"docs/a.md"}


def test_readme_and_license_come_from_where_cargo_toml_says(tmp_path: Path) -> None:
    named = 'readme = "../../README.md"\nlicense-file.workspace = true\n'
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nlicense-file = "legal/MIT"\n',
        "crates/hello/Cargo.toml": package("hello", named),
        "legal/MIT": "MIT",
    }
    top = repository(tmp_path / "repo", {**HELLO, **files})
    assert collected(top, hello()).keys() == OWN | {"README.md", "legal/MIT"}


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"


def test_a_pointer_of_git_lfs_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = repository(tmp_path / "repo", {**HELLO, "crates/hello/model.bin": POINTER, "other.bin": POINTER})
    with pytest.raises(
        InputError, match=r"^crates/hello/model\.bin is a pointer of Git LFS, without the content$"
    ) as error:
        collected(top, hello())
    assert error.value.fix == "git lfs pull --include crates/hello/model.bin"
    git(top, "config", "uploadpack.allowAnySHA1InWant", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{top}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
    source = {"git": URL, "rev": git(top, "rev-parse", "HEAD"), "path": "crates/hello"}
    with pytest.raises(InputError, match=r"^crates/hello/model\.bin is a pointer of Git LFS, without .*: a git source"):
        collected(top, hello(source=source))


def with_submodule(tmp_path: Path, files: Mapping[str, str]) -> Path:
    other = repository(tmp_path / "other", {"dep/Cargo.toml": package("dep"), "dep/src/lib.rs": ""})
    top = repository(tmp_path / "repo", dict(files))
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor/other")
    git(top, "commit", "--quiet", "--message", "submodule")
    return top


def test_a_path_dependency_in_a_submodule_is_named_with_the_submodule(tmp_path: Path) -> None:
    needs = package("hello", '[dependencies]\ndep = { path = "../../vendor/other/dep" }\n')
    top = with_submodule(tmp_path, {**HELLO, "crates/hello/Cargo.toml": needs})
    sentence = (
        r"^vendor/other/dep/Cargo\.toml lies in the git submodule vendor/other, and no file of a submodule enters"
    )
    with pytest.raises(InputError, match=sentence) as error:
        collected(top, hello())
    assert "git add" not in (error.value.fix or "")


def test_what_a_sparse_checkout_lacks_is_said_and_stops_no_other_crate(tmp_path: Path) -> None:
    files = {**HELLO, "crates/far/Cargo.toml": package("far"), "crates/far/src/lib.rs": ""}
    top = repository(tmp_path / "repo", files)
    whole = collected(top, hello())
    git(top, "sparse-checkout", "set", "crates/hello")
    assert collected(top, hello()) == whole
    with pytest.raises(NotCheckedOut, match=r"^crates/far/Cargo\.toml is not checked out$") as error:
        collected(top, hello("crates/far"))
    assert error.value.fix == "git sparse-checkout add crates/far"
    git(top, "sparse-checkout", "set", "--no-cone", "/Cargo.toml", "/crates/far/Cargo.toml")
    with pytest.raises(NotCheckedOut, match=r"^crates/far/src/lib\.rs is not checked out$"):
        collected(top, hello("crates/far"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("src/../../../README.md", 'README.md is in the repository and not in the crate\'s source: add "README.md" to the list "include" of the crate in the manifest'),
        ("../../proto", 'proto is in the repository and not in the crate\'s source: add "proto" to the list "include" of the crate in the manifest'),
        ("vendor/other/dep/src/lib.rs", "vendor/other/dep/src/lib.rs lies in the git submodule vendor/other, and no file of a submodule enters a sandbox"),
        ("new.txt", "git does not track new.txt, and only tracked files are part of a source: git add new.txt"),
        (".env", "git ignores .env, and only tracked files are part of a source"),
        ("src/lib.rs", None),
        ("../../Cargo.toml", None),
        ("nothing.txt", None),
        ("../../../outside", None),
        ("/etc/passwd", None),
        (".git/config", None),
    ],
)  # fmt: skip
def test_a_file_that_a_build_did_not_find_is_looked_for_in_the_checkout(
    tmp_path: Path, name: str, sentence: str | None
) -> None:
    top = with_submodule(tmp_path, {**HELLO, ".gitignore": ".env\n"})
    write_files(top, {".env": "TOKEN=1", "new.txt": "new", "../outside": "x"})
    assert left_out(hello(), places(top), ["no/such", name]) == sentence


def test_an_addon_with_package_json_at_the_top_brings_no_other_crates_and_no_files_of_the_fleet(tmp_path: Path) -> None:
    others = {
        "crates/other/Cargo.toml": package("other"),
        "crates/other/README.md": "",
        "tools/Cargo.toml": package("tools", "[workspace]\n"),
        "tools/run.js": "",
        ".github/workflows/x.yml": "",
        "crates.json": "{}",
        "yarn.lock": "",
    }
    own = {**HELLO, "package.json": "{}", "package-lock.json": "{}", "index.js": "", "Cargo.lock": "version = 4\n"}
    top = repository(tmp_path / "repo", own | others)
    source = {"path": "crates/hello", "package": "."}
    addon, unread = hello(kind="napi", source=source), frozenset({"crates.json"})
    assert collected(top, addon, fleet_files=unread).keys() == own.keys()
    whole = hello(kind="napi", source=source, include=sorted(others))
    assert collected(top, whole, fleet_files=unread).keys() == (own | others).keys()


def test_what_a_wasm_crate_imports_is_known_whatever_cargo_publishes(tmp_path: Path) -> None:
    manifest = package("hello", 'include = ["/src/**"]\n')
    files = {f"crates/hello/{name}": "" for name in ("package.json", ".npmrc", "demo.js")}
    top = repository(tmp_path / "repo", {**HELLO, **files, "crates/hello/Cargo.toml": manifest})
    found = collected(top, hello(kind="wasm"))
    assert found.keys() == OWN | {"crates/hello/package.json", "crates/hello/.npmrc"}
