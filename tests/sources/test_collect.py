"""Collection of sources from real git repositories into tars."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from generator.cargo.channels import RequestedChannel
from generator.errors import InputError, Unavailable
from generator.sources.collect import CollectedSource, SourceLocations, collect, repository_top
from generator.sources.tree import CheckoutTree
from tests.repositories import crate, git, package, repository


def collected(top: Path, path: str, tmp: Path) -> tuple[CollectedSource, dict[str, str]]:
    archive = tmp / "source.tar"
    found = collect(crate({"path": path}), SourceLocations(top, ".", tmp / "git"), archive)
    return found, contents(archive)


def contents(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        return {
            member.name: member.linkname if member.issym() else tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
        }


WORKSPACE = {
    "Cargo.toml": '# kept\n[workspace]\nmembers = ["crates/*"]\ndefault-members = ["crates/other"]\n\n'
    '[workspace.dependencies]\nshared = { path = "crates/shared" }\n\n[profile.release]\nlto = true\n',
    "Cargo.lock": "version = 4\n",
    "crates/one/Cargo.toml": package(
        "one", "[dependencies]\nshared.workspace = true\n[dev-dependencies]\nhelp = { path = '../help' }\n"
    ),
    "crates/one/src/lib.rs": "//! one",
    "crates/shared/Cargo.toml": package("shared"),
    "crates/shared/src/lib.rs": "",
    "crates/help/Cargo.toml": package(
        "help", "[target.'cfg(unix)'.build-dependencies]\ndeep = { path = '../../deep' }\n"
    ),
    "crates/help/src/lib.rs": "",
    "deep/Cargo.toml": package("deep"),
    "deep/src/lib.rs": "",
    "crates/other/Cargo.toml": package("other"),
    "crates/other/src/lib.rs": "",
    ".cargo/config.toml": "[build]\n",
    "secret.txt": "not of the crate",
}


def test_a_crate_comes_with_its_path_dependencies_and_its_workspace_and_nothing_else(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", WORKSPACE)
    found, files = collected(top, "crates/one", tmp_path)
    assert sorted(files) == [
        ".cargo/config.toml", "Cargo.lock", "Cargo.toml",
        "crates/help/Cargo.toml", "crates/help/src/lib.rs",
        "crates/one/Cargo.toml", "crates/one/src/lib.rs",
        "crates/shared/Cargo.toml", "crates/shared/src/lib.rs",
        "deep/Cargo.toml", "deep/src/lib.rs",
    ]  # fmt: skip
    assert (found.directory, found.workspace, found.has_lock) == ("crates/one", ".", True)


def test_the_rust_channel_of_the_project_comes_with_the_crate(tmp_path: Path) -> None:
    channel = {
        "crates/rust-toolchain.toml": '[toolchain]\nchannel = "1.85"\n',
        "crates/other/rust-toolchain": "nightly",
    }
    found, files = collected(repository(tmp_path / "repo", WORKSPACE | channel), "crates/one", tmp_path)
    assert found.channel == RequestedChannel("crates/rust-toolchain.toml", "1.85")
    assert "crates/rust-toolchain.toml" in files
    assert "crates/other/rust-toolchain" not in files


def test_the_workspace_keeps_all_but_the_members_that_are_not_there(tmp_path: Path) -> None:
    _, files = collected(repository(tmp_path / "repo", WORKSPACE), "crates/one", tmp_path)
    assert files["Cargo.toml"].startswith("# kept\n[workspace]\n")
    assert '"crates/help", "crates/one", "crates/shared", "deep"' in files["Cargo.toml"]
    assert "default-members" not in files["Cargo.toml"]
    assert "lto = true" in files["Cargo.toml"]


def test_the_digest_follows_the_content_that_is_built_and_nothing_else(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", WORKSPACE)
    before, _ = collected(top, "crates/one", tmp_path)
    (top / "crates/other/src/lib.rs").write_text("// another crate")
    (top / "crates/one/src/lib.rs").touch()
    assert collected(top, "crates/one", tmp_path)[0].digest == before.digest
    (top / "deep/src/lib.rs").write_text("// changed")
    after, _ = collected(top, "crates/one", tmp_path)
    assert (after.digest == before.digest, after.lock_digest == before.lock_digest) == (False, True)


def test_lock_files_have_a_digest_of_their_own(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", WORKSPACE)
    before, _ = collected(top, "crates/one", tmp_path)
    (top / "Cargo.lock").write_text("version = 4\n# changed\n")
    after, _ = collected(top, "crates/one", tmp_path)
    assert (after.digest == before.digest, after.lock_digest == before.lock_digest) == (True, False)


def test_a_crate_at_the_top_leaves_out_the_other_members_and_keeps_its_own_fixtures(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": package("one", '[workspace]\nmembers = ["crates/*"]\n'),
        "src/lib.rs": "",
        "crates/other/Cargo.toml": package("other"),
        "crates/other/src/lib.rs": "",
        "tests/fixture/Cargo.toml": package("fixture"),
    }
    _, found = collected(repository(tmp_path / "repo", files), ".", tmp_path)
    assert sorted(found) == ["Cargo.toml", "src/lib.rs", "tests/fixture/Cargo.toml"]


def test_untracked_files_are_skipped_with_a_note(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"Cargo.toml": package("one"), "src/lib.rs": "", ".gitignore": "target\n"})
    (top / "target").mkdir()
    (top / "target/big").write_text("built")
    (top / ".env").write_text("TOKEN=1")
    found, files = collected(top, ".", tmp_path)
    assert sorted(files) == [".gitignore", "Cargo.toml", "src/lib.rs"]
    assert found.notes == ("files skipped because git does not track them: 1, first .env",)


def test_a_crate_that_is_not_tracked_says_how_to_add_it(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"Cargo.toml": package("one")}, tracked=False)
    with pytest.raises(InputError, match=r"^Cargo\.toml is missing, or not tracked by git$") as error:
        collected(top, ".", tmp_path)
    assert error.value.fix == "git add Cargo.toml"


def test_without_git_everything_but_build_output_is_taken(tmp_path: Path) -> None:
    top = tmp_path / "plain"
    for name in ("src/lib.rs", "target/x", "node_modules/y/z"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("")
    (top / "Cargo.toml").write_text(package("one"))
    _, files = collected(top, ".", tmp_path)
    assert sorted(files) == ["Cargo.toml", "src/lib.rs"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside"])
@pytest.mark.attack("no source leads out of the repository")
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    top = tmp_path / "repo"
    top.mkdir()
    (top / "leak").symlink_to(target)
    repository(top, {"Cargo.toml": package("one"), "src/lib.rs": ""})
    with pytest.raises(InputError, match=r"^leak is a link that leads out of the repository$"):
        collected(top, ".", tmp_path)


@pytest.mark.attack("no source leads out of the repository")
def test_a_directory_that_became_a_link_out_is_refused(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"Cargo.toml": package("one"), "src/lib.rs": ""})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lib.rs").write_text("secret")
    shutil.rmtree(top / "src")
    (top / "src").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"^src/lib\.rs lies behind a link that leads out of the repository$"):
        collected(top, ".", tmp_path)


def test_a_link_inside_stays_a_link(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    top.mkdir()
    (top / "LICENSE").symlink_to("docs/LICENSE")
    _, files = collected(repository(top, {"Cargo.toml": package("one"), "docs/LICENSE": "MIT"}), ".", tmp_path)
    assert files["LICENSE"] == "docs/LICENSE"


@pytest.mark.attack("no source leads out of the repository")
def test_a_dependency_outside_of_the_repository_is_refused(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"Cargo.toml": package("one", "[dependencies]\nx = { path = '../x' }\n")})
    with pytest.raises(InputError, match=r"Cargo\.toml depends on \.\./x, which lies outside of the repository"):
        collected(top, ".", tmp_path)


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"Cargo.toml": "[package]\nname = \n"})
    with pytest.raises(InputError, match=r"Cargo\.toml: .*line 2"):
        collected(top, ".", tmp_path)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A repository that git reaches under an https URL, by the user's own git configuration."""
    top = repository(tmp_path / "remote", {**WORKSPACE, "run.sh": "#!/bin/sh\n"})
    (top / "run.sh").chmod(0o755)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "mode")
    git(top, "config", "uploadpack.allowAnySHA1InWant", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{top}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://git.example.invalid/fleet.git")
    return "https://git.example.invalid/fleet.git", git(top, "rev-parse", "HEAD")


def test_a_git_revision_gives_the_same_tar_as_its_checkout(tmp_path: Path, remote: tuple[str, str]) -> None:
    url, rev = remote
    places = SourceLocations(tmp_path / "nowhere", ".", tmp_path / "cache")
    there = collect(crate({"git": url, "rev": rev, "path": "crates/one"}), places, tmp_path / "there.tar")
    here, _ = collected(tmp_path / "remote", "crates/one", tmp_path)
    assert there.digest == here.digest
    assert there.directory == "crates/one"


def test_a_revision_that_does_not_exist_is_the_users_mistake(tmp_path: Path, remote: tuple[str, str]) -> None:
    places = SourceLocations(tmp_path, ".", tmp_path / "cache")
    with pytest.raises(InputError, match=r"has no commit 0{40} that can be read"):
        collect(crate({"git": remote[0], "rev": "0" * 40}), places, tmp_path / "x.tar")


def test_a_host_that_does_not_answer_is_worth_another_try(tmp_path: Path) -> None:
    source = {"git": "https://host.invalid/x.git", "rev": "1" * 40}
    with pytest.raises(Unavailable, match=r"x\.git could not be fetched: host\.invalid:443 cannot be reached: "):
        collect(crate(source), SourceLocations(tmp_path, ".", tmp_path / "cache"), tmp_path / "x.tar")


def test_the_repository_is_the_nearest_directory_with_git(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"a/b/crates.json": "{}"})
    assert repository_top(top / "a/b") == top.resolve()
    (tmp_path / "plain").mkdir()
    assert repository_top(tmp_path / "plain") == (tmp_path / "plain").resolve()


@pytest.mark.parametrize("path", ["loop/a", "loop", "none/a", "a\0b"])
def test_a_link_to_itself_and_impossible_names_hold_no_files(tmp_path: Path, path: str) -> None:
    top = repository(tmp_path / "top", {"Cargo.toml": package("one")})
    (top / "loop").symlink_to("loop")
    assert CheckoutTree(top).has(path) is (path == "loop")


def test_a_workspace_with_very_many_patterns_is_refused(tmp_path: Path) -> None:
    members = ", ".join(f'"crates/{number}*"' for number in range(101))
    top = repository(tmp_path / "top", {**WORKSPACE, "Cargo.toml": f"[workspace]\nmembers = [{members}]\n"})
    with pytest.raises(InputError, match="more than 100 patterns"):
        collected(top, "crates/one", tmp_path)
