"""Cargo's configuration of a project: which files count, how they are merged, and what is read from them."""

from __future__ import annotations

import tomllib

import pytest

from generator.cargo.configuration import CargoConfiguration, NamedProgram
from generator.cargo.configuration_files import read_configuration

GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
LINUX = frozenset({"unix", 'target_os="linux"'})


def read(files: dict[str, str], directory: str = "crates/x") -> CargoConfiguration:
    return read_configuration(directory, files.get)


def top(text: str) -> CargoConfiguration:
    return read({".cargo/config.toml": text})


def sentences(configuration: CargoConfiguration) -> list[tuple[str, int | None, str]]:
    return [(each.file, each.line, each.message) for each in configuration.problems]


def test_files_nearer_to_the_crate_come_later_and_others_do_not_count() -> None:
    found = read({
        ".cargo/config.toml": '[build]\nrustflags = ["--cfg", "top"]\ntarget = "a"\n',
        "crates/.cargo/config": '[build]\nrustflags = ["--cfg", "middle"]\n',
        "crates/.cargo/config.toml": '[build]\nrustflags = ["--cfg", "never"]\n',
        "crates/x/.cargo/config.toml": '[build]\nrustflags = ["--cfg", "own"]\n',
        "crates/y/.cargo/config.toml": '[build]\nrustflags = ["--cfg", "other"]\n',
    })  # fmt: skip
    assert found.flags("rustflags", GNU, LINUX) == ("--cfg", "top", "--cfg", "middle", "--cfg", "own")
    assert found.names_target


def test_a_file_comes_after_those_that_it_includes() -> None:
    found = read({
        ".cargo/config.toml": 'include = ["a.toml", { path = "gone.toml", optional = true }]\n[build]\nrustflags = "-C own"\n',
        ".cargo/a.toml": '[build]\nrustflags = "-C included"\nrustdocflags = "-C docs"\n',
    })  # fmt: skip
    assert found.flags("rustflags", GNU, LINUX) == ("-C", "own")
    assert found.flags("rustdocflags", GNU, LINUX) == ("-C", "docs")
    assert not found.problems


def test_what_is_included_must_be_in_the_sandbox() -> None:
    found = read({".cargo/config.toml": '[build]\n[alias]\n', "crates/.cargo/config.toml": '\ninclude = "../../../x.toml"\n'})  # fmt: skip
    (problem,) = sentences(found)
    assert problem[:2] == ("crates/.cargo/config.toml", 2)
    assert "../../../x.toml" in problem[2]


def test_many_files_that_include_each_other_twice_end() -> None:
    files = {f".cargo/{n}.toml": f'include = ["{n + 1}.toml", "{n + 1}.toml"]' for n in range(40)}
    found = read({**files, ".cargo/40.toml": "", ".cargo/config.toml": 'include = "0.toml"'})
    assert found.problems


def test_a_text_that_no_script_can_hold_reaches_none() -> None:
    text = '[alias]\na = "build \\u0000"\n[build]\nrustc = "\\u0000"\nrustflags = ["\\u0000"]\n'
    found = top(text)
    assert (found.aliases, found.programs) == ({}, ())
    assert [each.line for each in found.problems] == [5]


def test_files_that_include_each_other_end() -> None:
    found = read({".cargo/config.toml": 'include = "a.toml"', ".cargo/a.toml": 'include = "config.toml"'})
    assert [each.file for each in found.problems] == [".cargo/a.toml"]


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (f"[target.{MUSL}]\nrustflags = ['-Ctarget-cpu=native']", None),
        (f"[target.{GNU}]\nrustflags = ['-Ctarget-cpu=native']", ("--cfg", "fancy")),
        (f"[target.{MUSL}]\nrustflags = []\nlinker = 'x'", ("--cfg", "fancy")),
        ("[target.'cfg(unix)']\nrustflags = '-Ctarget-cpu=native'", None),
        ("[target.'cfg(windows)']\nrustflags = '-Ctarget-cpu=native'", ("--cfg", "fancy")),
    ],
)
def test_flags_of_a_target_replace_those_of_build(target: str, kept: tuple[str, ...] | None) -> None:
    found = top(f"[build]\nrustflags = ['--cfg', 'fancy']\n{target}\n")
    assert found.flags("rustflags", MUSL, LINUX) == kept
    assert found.uses_conditions == ("cfg(" in target)


@pytest.mark.parametrize("text", ["\ufeff[build]\r\nrustflags = ['--cfg',\r\n 'fancy']\r\n"])
def test_any_line_endings_are_read(text: str) -> None:
    assert top(text.removeprefix("\ufeff")).flags("rustflags", MUSL, LINUX) == ("--cfg", "fancy")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('paths = ["../x"]', 1, "[patch] in Cargo.toml"),
        ("\n[patch.crates-io]\nx = { path = 'x' }", 2, "[patch] is not supported in Cargo's configuration"),
        ("[build]\nrustc = '/opt/rustc'", 2, "build.rustc names a program by its path"),
        ("build.rustc-wrapper = '~/wrapper'", 1, "build.rustc-wrapper names a program by its path"),
        ("[build]\n\nrustflags = ['--cfg', 'a=\"b c\"']", 3, "has a space"),
        ("[source.a]\ndirectory = '../vendor'", 2, "lies outside of the repository"),
        ("[build]\nrustflags = [", None, "line 2: it is not valid TOML"),
    ],
)
def test_what_no_sandbox_can_follow_is_named_with_its_line(text: str, line: int | None, words: str) -> None:
    ((file, found, message),) = sentences(top(text))
    assert (file, found) == (".cargo/config.toml", line)
    assert words in message


def test_keys_that_decide_no_build_or_that_cargo_reads_itself_are_no_problem() -> None:
    text = (
        "[build]\njobs = 4\ntarget-dir = 'out'\nincremental = false\nrustc-wrapper = 'tools/wrap'\n[net]\noffline = true\n"
        "[profile.release]\nlto = true\n[env]\nA = 'b'\n[unstable]\nunstable-options = true\n[term]\nquiet = true\n"
    )
    assert not top(text).problems


def test_programs_are_those_that_are_looked_for_on_path() -> None:
    found = top("[build]\nrustc-wrapper = 'cargo-wrap'\nrustc = 'tools/rustc'\n")
    assert found.programs == (NamedProgram("build.rustc-wrapper", "cargo-wrap", ".cargo/config.toml", 2),)
    assert not found.unused_caches


@pytest.mark.parametrize("key", ["rustc-wrapper", "rustc-workspace-wrapper"])
def test_a_compiler_cache_is_not_used(key: str) -> None:
    found = top(f"[build]\n{key} = 'sccache'\nrustc = 'ccache'\n")
    assert found.unused_caches == {key: "sccache"}
    assert [each.key for each in found.programs] == ["build.rustc"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"[target.{MUSL}]\nrunner = 'a'\n\n[target.{GNU}]\nrunner = 'sudo -E'", (f"target.{GNU}.runner", "sudo", 5)),
        (f"[target.{GNU}]\nrunner = ['/opt/run', '-v']", (f"target.{GNU}.runner", "/opt/run", 2)),
        (f"[target]\n{GNU} = {{ runner = 'a' }}", (f"target.{GNU}.runner", "a", 2)),
        (f"target.{GNU}.runner = 'a'", (f"target.{GNU}.runner", "a", 1)),
        ("[target.'cfg(unix)']\nrunner = 'a'", ("target.cfg(unix).runner", "a", 2)),
        (f"[target.'cfg(unix)']\nrunner = 'a'\n[target.{GNU}]\nrunner = 'b'", (f"target.{GNU}.runner", "b", 4)),
        ("[target.'cfg(windows)']\nrunner = 'a'", None),
        (f"[target.{MUSL}]\nrunner = 'a'", None),
        (f"[target.{GNU}]\nrunner = 'tools/run'", None),
        (f"[target.{GNU}]\nrunner = []", None),
        (f'[target.{GNU}]\nrunner = "a\\u0000"', None),
        ("[target.'cfg(unix) ']\n[target.'cfg(unix)']\nrunner = 'a'", ("target.cfg(unix).runner", "a", 3)),
    ],
)
def test_a_program_of_a_target_has_its_file_and_line(text: str, found: tuple[str, str, int] | None) -> None:
    program = top(text).target_program("runner", GNU, LINUX)
    assert program == (found and NamedProgram(found[0], found[1], ".cargo/config.toml", found[2]))


def test_the_file_that_decides_about_a_program_is_named() -> None:
    table = f"[target.{GNU}]\nlinker = "
    files = {".cargo/config.toml": f"{table}'a'", "crates/.cargo/config.toml": f"include = 'b.toml'\n{table}'b'"}
    program = read({**files, "crates/.cargo/b.toml": f"{table}'c'"}).target_program("linker", GNU, LINUX)
    assert program == NamedProgram(f"target.{GNU}.linker", "b", "crates/.cargo/config.toml", 3)


def test_aliases_are_expanded_to_the_end_and_hide_no_subcommand_of_cargo() -> None:
    found = top(
        "[alias]\nrel = 'ship --release'\nship = ['build', '--features', 'a b']\nbuild = 'check'\nloop = 'loop -v'\n"
    )
    assert found.aliases == {
        "rel": "build --features 'a b' --release", "ship": "build --features 'a b'", "loop": "loop -v",
    }  # fmt: skip


def test_only_where_crates_come_from_is_for_the_fetch() -> None:
    found = read({
        "crates/.cargo/config.toml": (
            "[registries.mine]\nindex = 'sparse+https://crates.example.com/'\ntoken = 'secret'\n"
            "credential-provider = 'run-me'\n[source.crates-io]\nreplace-with = 'vendored'\n"
            "[source.vendored]\ndirectory = 'vendor'\n[build]\nrustc = 'tools/rustc'\n[http]\nproxy = 'x'\n"
            "[resolver]\nincompatible-rust-versions = 'fallback'\n[unstable]\nbuild-std = ['core']\nx = true\n"
        )
    })  # fmt: skip
    assert tomllib.loads(found.for_fetching("/build/source")) == {
        "registries": {"mine": {"index": "sparse+https://crates.example.com/"}},
        "source": {"crates-io": {"replace-with": "vendored"}, "vendored": {"directory": "/build/source/crates/vendor"}},
        "resolver": {"incompatible-rust-versions": "fallback"},
        "unstable": {"build-std": ["core"]},
    }
    assert found.directories == {"crates/vendor"}
    assert found.registries == {"sparse+https://crates.example.com/"}


def test_nothing_is_written_for_the_fetch_without_such_keys() -> None:
    assert top("[build]\nrustflags = '-Cdebuginfo=0'\n").for_fetching("/build/source") == ""
    assert read({}) == CargoConfiguration()
