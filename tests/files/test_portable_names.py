"""File names that are valid and distinct on every system."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.files.portable_names import find_clash, path_problem


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "a/b c/[id].d.ts",
        ".gitignore",
        "a~1b.js",
        "x~1.json5",
        "console.js",
        "com.js",
        "@x/y+z",
        "lpt/a-b",
    ],
)
def test_ordinary_names_are_held_everywhere(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("con", "a device"),
        ("a/NUL.tar.gz", "a device"),
        ("Com1 .js", "a device"),
        ("lpt9", "a device"),
        ("conin$", "a device"),
        ("a./b", "removes a dot or space"),
        ("a /b", "removes a dot or space"),
        ("..", "removes a dot or space"),
        ("PACKAG~1.JSO", "short name"),
        ("a/GIT~12", "short name"),
        ("a:b", "only letters"),
        ("a\\b", "only letters"),
        ("é", "only letters"),
        ("e\u0301", "only letters"),
        ("\u212aelvin", "only letters"),
        ("a\nb", "only letters"),
        ("a?", "only letters"),
        ("a|b", "only letters"),
        ("", "only letters"),
        ("a//b", "only letters"),
        ("/a", "only letters"),
        ("a/" * 90 + "b", "too long for Windows"),
    ],
)
@pytest.mark.attack("names are compared as the users' file systems compare them", entry="H3")
def test_what_some_system_does_not_hold_is_told_why(path: str, why: str) -> None:
    assert why in (path_problem(path) or "")


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a", "b/a", "b/c"], None),
        (["a", "A"], ("a", "A")),
        (["a", "a"], ("a", "a")),
        (["a", "A/b"], ("a", "A")),
        (["a/b", "a"], ("a", "a")),
        (["Lib/a", "lib/b"], ("Lib", "lib")),
    ],
)
@pytest.mark.attack("names are compared as the users' file systems compare them", entry="H3")
def test_two_paths_that_are_one_somewhere_are_found(paths: list[str], found: tuple[str, str] | None) -> None:
    assert find_clash(paths) == found


NAMES = st.text("aAbB", min_size=1, max_size=2)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=5))
def test_paths_without_a_clash_make_as_many_files_where_case_does_not_count(paths: list[str]) -> None:
    if find_clash(paths) is None:
        lower = [path.lower() for path in paths]
        assert len({*lower}) == len(paths)
        assert not [above for above in lower for path in lower if path.startswith(f"{above}/")]
