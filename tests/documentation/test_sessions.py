"""Sessions of the documentation, each run once for real as a reader types them."""

from __future__ import annotations

from pathlib import Path

from tests.documentation.pages import session, typed
from tests.repositories import git
from tests.support import git_repository, library, write_files


def test_from_clone_to_first_package(tmp_path: Path) -> None:
    lines = session("docs/first-package.md", first="cargo new", last="npm install")
    use = tmp_path / "use"
    use.mkdir()
    lines = lines.replace("npm install", f"cd {use}\nnpm install").replace("/path/to", str(tmp_path))
    assert "Hello, world!" in typed(lines, tmp_path)


def test_the_first_commit_of_another_repository(tmp_path: Path) -> None:
    top = git_repository(write_files(tmp_path / "top", library("one")))
    lines = session("docs/another-repository.md", first="cratematrix init", last="cratematrix init")
    typed(lines.replace("OWNER/", "you/"), top)
    assert "you/cratematrix@v1" in (top / ".github/workflows/cratematrix-build.yml").read_text()


def test_a_branch_builds_what_it_changed(tmp_path: Path) -> None:
    manifest = '{"schema_version": 1, "fleet": {"npm_scope": "@you"}, "crates": [%s]}'
    crates = ", ".join(
        f'{{"name": "{each}", "kind": "lib", "source": {{"path": "{each}"}}}}' for each in ("one", "two")
    )
    top = git_repository(
        write_files(tmp_path / "top", library("one") | library("two") | {"crates.json": manifest % crates})
    )
    git(top, "commit", "--quiet", "--message", "first")
    git(top, "branch", "--move", "main")
    write_files(top, {"two/src/lib.rs": "// changed\n"})
    shown = typed(session("docs/caching.md", first="cratematrix plan", last="cratematrix plan"), top)
    assert "two" in shown
    assert "1 of 2" in shown or "two/src/lib.rs changed" in shown
