"""The files that belong to a crate by `package.include` and `package.exclude`."""

from __future__ import annotations

import pytest

from generator.cargo.directories import matches, pattern_parts
from generator.cargo.manifests import parse_cargo_toml
from generator.cargo.packaging import document_name, named_documents, packaged
from generator.errors import InputError
from tests.repositories import package

PATHS = ("Cargo.toml", "build.rs", "src/lib.rs", "src/a/b.rs", "tests/data/x.json", "README.md", "docs/a.md",
         "docs/deep/b.txt", "data/big.bin", "data/small.txt", "notes.md", "xtask/main.rs")  # fmt: skip


def left_out(rest: str) -> set[str]:
    manifests = {".": parse_cargo_toml(package("one", rest))}
    belongs = packaged(manifests["."], ".", manifests)
    return {path for path in PATHS if not belongs(path)}


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", set()),
        ('exclude = ["docs"]', {"docs/a.md", "docs/deep/b.txt"}),
        ('exclude = ["/docs/*.md", "data/**"]', {"docs/a.md", "data/big.bin", "data/small.txt"}),
        ('exclude = ["*.md"]', {"docs/a.md", "notes.md"}),
        ('exclude = ["data/*", "!data/small.txt"]', {"data/big.bin"}),
        ('exclude = ["notes.md/", "deep/"]', {"docs/deep/b.txt"}),
        ('exclude = ["# docs", "", "/"]', set()),
        ('exclude = ["[^a-m]*.md"]', {"notes.md"}),
        ('exclude = ["src", "tests", "build.rs", "Cargo.toml", "README.md"]', set()),
        ('include = ["src"]', {"docs/a.md", "docs/deep/b.txt", "data/big.bin", "data/small.txt", "notes.md", "xtask/main.rs"}),
        ('include = ["**/*.txt"]', {"docs/a.md", "data/big.bin", "notes.md", "xtask/main.rs"}),
        ('include = ["docs"]\nexclude = ["docs"]', {"data/big.bin", "data/small.txt", "notes.md", "xtask/main.rs"}),
        ('exclude = ["xtask"]\n[[bin]]\nname = "x"\npath = "xtask/main.rs"', set()),
        ('exclude.workspace = true\n[workspace.package]\nexclude = ["docs"]', {"docs/a.md", "docs/deep/b.txt"}),
    ],
)  # fmt: skip
def test_what_cargo_leaves_out_is_no_part_of_a_crate_but_targets_and_documents_are(
    rest: str, expected: set[str]
) -> None:
    assert left_out(rest) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [("a/**", "a", False), ("a/**", "a/b", True), ("**", "a", True), ("**/**/x", "x", True), ("a/**/**/b", "a/b", True),
     ("a/**/c/**/e", "a/b/c/d/c/e", True), ("a/**/c/**/e", "a/b/d/e", False), ("**/a/*/b", "a/a/c/b", True), ("a/*", "a/b/c", False)],
)  # fmt: skip
def test_two_stars_match_any_number_of_parts_and_at_the_end_one_at_least(
    pattern: str, path: str, expected: bool
) -> None:
    assert matches(path, pattern_parts(pattern)) is expected


def test_too_many_patterns_are_refused() -> None:
    with pytest.raises(InputError, match=r"^package\.exclude of a Cargo\.toml has more than 100 patterns$"):
        left_out(f"exclude = {['*a*'] * 501}")


def test_a_pattern_that_could_take_for_ever_is_matched_at_once() -> None:
    manifests = {".": parse_cargo_toml(package("one", f"exclude = ['{'*a' * 60}b', '{'**/a/' * 60}b']"))}
    belongs = packaged(manifests["."], None, manifests)
    assert belongs("a" * 200)
    assert belongs("/".join("a" * 200))


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", ()),
        ('readme = "../../README.md"\nlicense-file = "../LICENSE"', ("README.md", "crates/LICENSE")),
        ('readme = false\nlicense-file = "MIT.txt"', ("crates/one/MIT.txt",)),
        ("readme.workspace = true\nlicense-file.workspace = true", ("docs/intro.md", "LICENSE")),
        ('readme = "../../../outside.md"\nlicense-file = "/etc/passwd"', ()),
    ],
)
def test_documents_are_the_files_that_cargo_toml_names(rest: str, expected: tuple[str, ...]) -> None:
    shared = '[workspace]\nmembers = ["crates/one"]\n[workspace.package]\nreadme = "docs/intro.md"\nlicense-file = "LICENSE"\n'
    manifests = {".": parse_cargo_toml(shared), "crates/one": parse_cargo_toml(package("one", rest))}
    assert named_documents("crates/one", ".", manifests) == expected


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("../README.md", "README", "README.md"),
        ("readme.txt", "README", "readme.txt"),
        ("docs/intro.md", "README", "README.md"),
        ("README-crate.md", "README", "README.md"),
        ("../../LICENSE-APACHE", "LICENSE", "LICENSE-APACHE"),
        ("legal/terms.txt", "LICENSE", "LICENSE.txt"),
    ],
)
def test_a_document_has_a_name_that_npm_knows(path: str, kind: str, name: str) -> None:
    assert document_name(path, kind) == name
