"""Output directories, for each way to write their path."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import InputError
from generator.files.output import open_output, output_directory
from generator.processes import output


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: one below the top of a checkout."""
    below = tmp_path / "checkout/below"
    below.mkdir(parents=True)
    (tmp_path / "checkout/.git").mkdir()
    monkeypatch.chdir(below)
    return below


@pytest.mark.parametrize("out", ["../../out", "../../new/out", "../../checkout/../out", "../.."])
def test_results_may_go_out_of_the_checkout_that_one_works_in(below: Path, out: str) -> None:
    with open_output(Path(out)) as results:
        results.write("report.json", b"{}")
    assert (below / out / "report.json").is_file()


@pytest.mark.parametrize("out", ["link", "link/new", "../below/link", "../../checkout/below/link"])
@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_a_link_of_the_checkout_is_refused_however_one_comes_to_it(below: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "outside").mkdir()
    (below / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match="link is a symbolic link, and not a directory"):
        open_output(Path(out))
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.attack("no write below a repository follows a link or leads out of it", entry="H1")
def test_what_stands_behind_a_link_of_the_checkout_is_beside_the_link(below: Path, tmp_path: Path) -> None:
    (tmp_path / "outside/inner").mkdir(parents=True)
    (below / "link").symlink_to(tmp_path / "outside/inner")
    with open_output(Path("link/../../../out")) as results:
        results.write("report.json", b"{}")
    assert (tmp_path / "out/report.json").is_file()
    assert [each.name for each in (tmp_path / "outside").iterdir()] == ["inner"]


def test_a_new_output_directory_hides_itself_from_git(tmp_path: Path) -> None:
    output(["git", "init", "--quiet"], timeout=600, cwd=tmp_path)
    for _ in range(2):
        with output_directory(tmp_path / "dist") as results:
            results.write("report.json", b"{}")
    assert output(["git", "status", "--porcelain", "--untracked-files=all"], timeout=600, cwd=tmp_path) == b""


@pytest.mark.parametrize("other", ["notes.txt", ".gitignore"])
def test_a_directory_with_other_files_is_not_hidden(tmp_path: Path, other: str) -> None:
    (tmp_path / other).write_text("mine\n")
    with output_directory(tmp_path):
        pass
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(other, "mine\n")]
