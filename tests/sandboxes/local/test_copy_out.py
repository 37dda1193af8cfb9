from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pytest

from generator.sandboxes.contract import SandboxError
from generator.sandboxes.local.copy_out import copy_out


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc has files that are longer than their size")
@pytest.mark.attack("what leaves a sandbox is a regular file, reached by no link")
def test_a_file_that_is_longer_than_its_size_is_refused(tmp_path: Path) -> None:
    assert Path("/proc/self/status").stat().st_size == 0
    with pytest.raises(SandboxError, match="status is larger than 10 bytes"):
        copy_out(Path("/proc/self"), PurePosixPath("status"), tmp_path / "copy", 10)
    assert not (tmp_path / "copy").exists()


@pytest.mark.attack("what leaves a sandbox is a regular file, reached by no link")
def test_a_link_is_not_followed_in_any_component(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real" / "deep").mkdir(parents=True)
    (root / "real" / "deep" / "file").write_text("found")
    (root / "link").symlink_to("real")
    (root / "real" / "near").symlink_to("deep")
    (root / "real" / "deep" / "alias").symlink_to("file")
    for path in ("link/deep/file", "real/near/file", "real/deep/alias"):
        with pytest.raises(SandboxError, match="cannot be copied out of the sandbox"):
            copy_out(root, PurePosixPath(path), tmp_path / "copy", 100)
    copy_out(root, PurePosixPath("real/deep/file"), tmp_path / "copy", 5)
    assert (tmp_path / "copy").read_text() == "found"
