"""Hostile repositories, made of raw git objects; git checks little when it fetches."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from generator.cargo.directories import ancestors
from generator.errors import InputError
from generator.processes import run
from generator.sources import repositories
from generator.sources.collect import SourceLocations, collect
from generator.sources.revisions import RevisionTree
from generator.sources.tree import MAX_FILE
from tests.repositories import URL, crate, git, package, repository


def write(top: Path, kind: str, data: bytes) -> str:
    words = ["git", "hash-object", "-t", kind, "--stdin", "-w", "--literally"]
    return run(words, timeout=600, cwd=top, stdin=data).stdout.decode().strip()


def tree(top: Path, *entries: tuple[str, bytes, str]) -> str:
    return write(
        top, "tree", b"".join(f"{mode} ".encode() + name + b"\0" + bytes.fromhex(to) for mode, name, to in entries)
    )


def commit(top: Path, root: str) -> str:
    return git(top, "commit-tree", root, "-m", "hostile")


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that git reaches under an https URL, by the user's own git configuration."""
    top = repository(tmp_path / "remote", {"Cargo.toml": package("one"), "src/lib.rs": ""})
    git(top, "config", "uploadpack.allowAnySHA1InWant", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{top}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
    return top


def collected(rev: str, tmp: Path) -> None:
    collect(crate({"git": URL, "rev": rev}), SourceLocations(tmp, ".", tmp / "cache"), tmp / "source.tar")


@pytest.mark.parametrize("start", ["/", "//", "///x", "/etc/x", "", ".", "..", "../a", "a//b", "./a", "a/../b"])
def test_the_ancestors_of_any_path_end(start: str) -> None:
    assert len([above for _, above in zip(range(20), ancestors(start), strict=False)]) < 10


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"/etc/passwd", r'the path "/etc/passwd" of the git tree is absolute or has a part'),
        (b"a//b", r"has a part that is empty"),
        (b"..", r'has a part that is empty, "\." or "\.\."'),
        (b".", r'has a part that is empty, "\." or "\.\."'),
        (b"a/../../b", r'has a part that is empty, "\." or "\.\."'),
        (b"x\n::error::y", r'the path "x\\n:\\x3aerror:\\x3ay" of the git tree holds a control character'),
        (b"x\x1b[2J", r'the path "x\\x1b\[2J" of the git tree holds a control character'),
        (b"x\xff", r'the path "x\\udcff" of the git tree is not UTF-8'),
        (b"y" * 1025, r'the path "y{200}\.\.\." of the git tree is longer than 1,024 bytes'),
    ],
)
@pytest.mark.attack("a git repository that unfolds without end, or lies, is refused")
def test_a_name_that_is_no_path_is_refused(remote: Path, tmp_path: Path, name: bytes, reason: str) -> None:
    blob = write(remote, "blob", b"")
    with pytest.raises(InputError, match=reason) as error:
        collected(commit(remote, tree(remote, ("100644", name, blob))), tmp_path)
    assert error.value.message.isprintable()


def test_a_backslash_and_a_group_writable_file_are_taken(remote: Path, tmp_path: Path) -> None:
    blob = write(remote, "blob", package("one").encode())
    rev = commit(remote, tree(remote, ("100664", b"Cargo.toml", blob), ("100755", b"a\\b", blob)))
    found = RevisionTree(URL, rev, tmp_path / "cache").entries()
    assert [(each.path, each.kind) for each in found] == [("Cargo.toml", "file"), ("a\\b", "executable")]


@pytest.mark.parametrize("leaf", ["file", "nothing"])
@pytest.mark.attack("a git repository that unfolds without end, or lies, is refused")
def test_a_tree_that_unfolds_to_millions_of_files_is_refused(remote: Path, tmp_path: Path, leaf: str) -> None:
    inner = tree(remote, *[("100644", b"f", write(remote, "blob", b""))] * (leaf == "file"))
    for _ in range(8):
        inner = tree(remote, *(("40000", b"d%d" % number, inner) for number in range(10)))
    with pytest.raises(InputError, match=r"^(git printed more than 64 MiB|\w{12} has more than 200,000 files)"):
        collected(commit(remote, inner), tmp_path)


@pytest.mark.attack("a git repository that unfolds without end, or lies, is refused")
def test_a_directory_that_is_given_out_as_a_file_is_not_read(remote: Path, tmp_path: Path) -> None:
    rev = commit(remote, tree(remote, ("100644", b"Cargo.toml", tree(remote))))
    with pytest.raises(InputError):
        collected(rev, tmp_path)


def test_the_size_of_all_is_known_before_anything_is_read(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = write(remote, "blob", b"\0" * (60 * 2**20))
    names = [b"f%02d" % number for number in range(20)]
    manifest = write(remote, "blob", package("one").encode())
    rev = commit(remote, tree(remote, ("100644", b"Cargo.toml", manifest), *(("100644", name, blob) for name in names)))
    with pytest.raises(InputError, match=r"^the source of \. is larger than 1024 MiB$"):
        collected(rev, tmp_path)
    assert not (tmp_path / "source.tar").exists()


@pytest.mark.attack("a git repository that unfolds without end, or lies, is refused")
def test_a_file_that_is_too_large_is_refused(remote: Path, tmp_path: Path) -> None:
    blob = write(remote, "blob", b"\0" * (MAX_FILE + 1))
    manifest = write(remote, "blob", package("one").encode())
    rev = commit(remote, tree(remote, ("100644", b"Cargo.toml", manifest), ("100644", b"big", blob)))
    with pytest.raises(InputError, match=r"^big is larger than 64 MiB in \w{12}$"):
        collected(rev, tmp_path)


@pytest.mark.attack("a git fetch without end is ended", entry="W17")
def test_a_fetch_that_is_too_large_ends_while_it_comes(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the server says of its size, if anything."""
    monkeypatch.setattr(repositories, "MAX_PACK", 64 * 1024)
    (remote / "large").write_bytes(os.urandom(1024 * 1024))
    git(remote, "add", "--all")
    git(remote, "commit", "--quiet", "--message", "large")
    with pytest.raises(InputError, match=r"fleet\.git at [0-9a-f]{40} is larger than 0 MiB"):
        collected(git(remote, "rev-parse", "HEAD"), tmp_path)
    written = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in written) < 64 * 1024


def test_a_revision_that_is_not_a_commit_is_refused(remote: Path, tmp_path: Path) -> None:
    git(remote, "tag", "--annotate", "--message", "one", "v1")
    for kind, rev in {
        "tag": git(remote, "rev-parse", "v1"),
        "blob": git(remote, "rev-parse", "HEAD:src/lib.rs"),
    }.items():
        with pytest.raises(InputError, match=rf"^{rev} of {URL} is a {kind}, not a commit$"):
            collected(rev, tmp_path)


@pytest.mark.parametrize("damage", ["file", "empty", "head", "pack", "locks"])
def test_a_repository_is_repaired_after_a_killed_run(remote: Path, tmp_path: Path, damage: str) -> None:
    rev = git(remote, "rev-parse", "HEAD")
    collected(rev, tmp_path)
    place = next(each for each in (tmp_path / "cache").iterdir() if each.is_dir())
    if damage in {"file", "empty"}:
        shutil.rmtree(place)
        place.mkdir() if damage == "empty" else place.write_text("x")
        place.with_name(f"{place.name}.new").mkdir()
    elif damage == "head":
        (place / "HEAD").write_text("")
    elif damage == "pack":
        shutil.rmtree(place / "objects/pack")
    else:
        for name in ("shallow.lock", "config.lock", f"refs/revisions/{rev}.lock"):
            (place / name).touch()
        git(remote, "commit", "--quiet", "--allow-empty", "--message", "next")
        rev = git(remote, "rev-parse", "HEAD")
    collected(rev, tmp_path)
    assert (tmp_path / "source.tar").stat().st_size > 0


def test_a_cache_that_is_a_file_is_refused(remote: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("x")
    with pytest.raises(InputError, match=r"cannot hold a repository: (File exists|Not a directory)$"):
        collected(git(remote, "rev-parse", "HEAD"), tmp_path)


def test_a_missing_git_is_an_input_error(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rev = git(remote, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    for source in ({"git": URL, "rev": rev}, {"path": "."}):
        with pytest.raises(InputError, match=r"^git is not installed, or not on PATH$"):
            collect(crate(source), SourceLocations(remote, ".", tmp_path / "cache"), tmp_path / "source.tar")


def test_a_checkout_of_another_user_comes_with_gits_advice(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(InputError, match=r"^git does not read .*/remote: it belongs to another user$") as error:
        collect(crate({"path": "."}), SourceLocations(remote, ".", tmp_path / "cache"), tmp_path / "source.tar")
    assert error.value.fix == f"git config --global --add safe.directory {remote}"


@pytest.mark.parametrize("name", [b"x\n::error::y", b"x\x1b[2J", b"x\xff", b"y" * 250])
@pytest.mark.attack("names of files and words of a Cargo.toml are safe to show")
def test_names_of_untracked_files_are_safe_to_show(remote: Path, tmp_path: Path, name: bytes) -> None:
    git(remote, "config", "core.quotePath", "true")
    Path(os.fsdecode(bytes(remote / "src") + b"/" + name)).write_text("")
    found = collect(crate({"path": "."}), SourceLocations(remote, ".", tmp_path / "cache"), tmp_path / "source.tar")
    assert found.notes[0].isprintable()
    assert "::" not in found.notes[0]
    assert len(found.notes[0]) < 300


@pytest.mark.parametrize("tracked", [True, False])
def test_the_output_directory_is_no_source_and_not_untracked(remote: Path, tmp_path: Path, tracked: bool) -> None:
    if not tracked:
        shutil.rmtree(remote / ".git")
    out = remote / "out[1]" / "dist"
    places = SourceLocations(remote, ".", tmp_path / "cache", out=out)
    before = collect(crate({"path": "."}), places, tmp_path / "before.tar")
    (out / "logs").mkdir(parents=True)
    (out / "logs/one.log").write_text("built")
    assert collect(crate({"path": "."}), places, tmp_path / "after.tar") == type(before)(
        tmp_path / "after.tar", ".", ".", before.digest, has_lock=False, lock_digest=before.lock_digest
    )
    (remote / "out1").write_text("beside")
    assert collect(crate({"path": "."}), places, tmp_path / "after.tar") != before


@pytest.mark.parametrize("out", ["..", ".", "../elsewhere"])
def test_an_output_directory_that_is_not_below_takes_nothing_away(remote: Path, tmp_path: Path, out: str) -> None:
    shutil.rmtree(remote / ".git")
    places = SourceLocations(remote, ".", tmp_path / "cache", out=remote / out)
    collect(crate({"path": "."}), places, tmp_path / "source.tar")


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        (
            '[dependencies]\nx = { path = "../\\n::error::y" }\n',
            r"Cargo\.toml depends on \.\./\\n:\\x3aerror:\\x3ay, which",
        ),
        ('workspace = "../\\u001b[2J"\n', r"Cargo\.toml names the workspace \.\./\\x1b\[2J, which lies outside"),
        ('[dependencies]\n"\\n::error::y" = { path = 1 }\n', r"Cargo\.toml: dependencies\.\\n:\\x3aerror:\\x3ay\."),
        ('[dependencies]\nx = { path = "\\n##[error]y" }\n', r"^\\n##\\x5berror\]y/Cargo\.toml is missing"),
    ],
)
@pytest.mark.attack("names of files and words of a Cargo.toml are safe to show")
def test_words_of_a_cargo_toml_are_safe_to_show(remote: Path, tmp_path: Path, manifest: str, sentence: str) -> None:
    (remote / "Cargo.toml").write_text(package("one", manifest))
    with pytest.raises(InputError, match=sentence) as error:
        collect(crate({"path": "."}), SourceLocations(remote, ".", tmp_path / "cache"), tmp_path / "source.tar")
    assert (error.value.message + (error.value.fix or "")).isprintable()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside"])
@pytest.mark.attack("no source leads out of the repository")
def test_a_link_of_a_revision_that_leads_out_is_refused(remote: Path, tmp_path: Path, target: str) -> None:
    manifest, link = write(remote, "blob", package("one").encode()), write(remote, "blob", target.encode())
    rev = commit(remote, tree(remote, ("100644", b"Cargo.toml", manifest), ("120000", b"leak", link)))
    with pytest.raises(InputError, match=r"^leak is a link that leads out of the repository$"):
        collected(rev, tmp_path)
