"""The packages of one crate in a Cargo.lock, in lock files of cargo and in invalid ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generator.cargo.locks import locked_packages, parse_cargo_lock
from generator.errors import InputError
from tests.support import write_files

LOCK = """version = 4

[[package]]
name = "one"
version = "1.0.0"
dependencies = ["log 0.4.1", "serde 1.0.0 (registry+https://example.invalid/index)"]

[[package]]
name = "two"
version = "1.0.0"
dependencies = ["log 0.3.0"]

[[package]]
name = "log"
version = "0.3.0"
source = "registry+https://example.invalid/index"

[[package]]
name = "log"
version = "0.4.1"
source = "registry+https://example.invalid/index"
checksum = "aa"

[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://example.invalid/index"
dependencies = ["cycle"]

[[package]]
name = "serde"
version = "1.0.0"
source = "git+https://example.invalid/serde"

[[package]]
name = "cycle"
version = "1.0.0"
source = "registry+https://example.invalid/index"
dependencies = ["serde 1.0.0 (registry+https://example.invalid/index)"]
"""


def names(crate: str, text: str) -> list[str]:
    return sorted(f"{each.name} {each.version}" for each in locked_packages(crate, parse_cargo_lock(text)))


def test_a_crate_has_what_it_reaches_by_name_by_version_and_by_source() -> None:
    assert names("one", LOCK) == ["cycle 1.0.0", "log 0.4.1", "one 1.0.0", "serde 1.0.0"]
    assert names("two", LOCK) == ["log 0.3.0", "two 1.0.0"]


def test_a_checksum_makes_another_package_of_the_same_version() -> None:
    other = LOCK.replace('"aa"', '"bb"')
    assert locked_packages("one", parse_cargo_lock(LOCK)) != locked_packages("one", parse_cargo_lock(other))
    assert locked_packages("two", parse_cargo_lock(LOCK)) == locked_packages("two", parse_cargo_lock(other))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = [", "line 1: it is not valid TOML"),
        ('package = "x"', "package: "),
        ('[[package]]\nname = "one"\n', "package.0.version: Field required"),
        ("x = '" + "a" * (8 * 1024 * 1024), "it is larger than 8 MiB"),
    ],
)
def test_a_lock_that_is_none_is_an_input_error(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_cargo_lock(text)
    assert error.value.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        LOCK.replace('name = "one"', 'name = "uno"'),
        LOCK + '\n[metadata]\n"checksum log 0.4.1 (registry+https://example.invalid/index)" = "aa"\n',
    ],
    ids=["without the crate", "of version 1, with checksums elsewhere"],
)
def test_a_lock_that_does_not_say_what_a_crate_needs_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match=r"^Cargo\.lock does not list the dependencies of one$"):
        locked_packages("one", parse_cargo_lock(text))


def test_a_lock_that_cargo_wrote_is_read(tmp_path: Path) -> None:
    top = write_files(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["one", "two", "shared"]\nresolver = "2"\n',
            "one/Cargo.toml": '[package]\nname = "one"\nversion = "1.0.0"\n[dev-dependencies]\nshared = { path = "../shared" }\n',
            "two/Cargo.toml": '[package]\nname = "two"\nversion = "1.0.0"\n',
            "shared/Cargo.toml": '[package]\nname = "shared"\nversion = "2.0.0"\n',
            **{f"{each}/src/lib.rs": "" for each in ("one", "two", "shared")},
        },
    )
    words = ["cargo", "generate-lockfile", "--offline"]
    subprocess.run(words, cwd=top, check=True, capture_output=True, timeout=600)  # noqa: TID251
    text = (top / "Cargo.lock").read_text()
    assert names("one", text) == ["one 1.0.0", "shared 2.0.0"]
    assert names("two", text) == ["two 1.0.0"]
