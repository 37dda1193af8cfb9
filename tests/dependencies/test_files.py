"""Reading the files that declare dependencies from a source's archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from generator.dependencies import files as module
from generator.dependencies.files import DependencyFiles, read_dependency_files
from generator.errors import Unbuildable


def archive_of(path: Path, texts: dict[str, bytes], links: dict[str, str]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


def test_the_few_files_that_count_and_where_links_lead(tmp_path: Path) -> None:
    texts = {"./a/package.json": b"\xef\xbb\xbf{}", "a/index.js": b"x", "Cargo.lock": b"\xff"}
    found = read_dependency_files(
        archive_of(tmp_path / "a.tar", texts, {"b": "a", "c/package.json": "../b/package.json"})
    )
    assert found.texts == {"a/package.json": "{}", "Cargo.lock": "\ufffd"}
    assert found.text("c/package.json") == found.text("b/package.json") == "{}"


@pytest.mark.parametrize("target", ["/etc", "../..", "loop", "../../x"])
def test_links_that_lead_out_or_nowhere(target: str) -> None:
    assert DependencyFiles({}, {"a/loop": target}).resolve("a/loop/package.json") is None


def test_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(Unbuildable, match="and its like are larger than"):
        read_dependency_files(archive_of(tmp_path / "a.tar", {"package.json": b"x" * 11}, {}))
