"""Archives from a sandbox are hostile until they are checked."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from generator.builds.artifacts import unit_artifacts, unpack
from generator.errors import Unbuildable
from generator.platforms import PlatformName
from tests.support import write_files


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644, size: int = 3
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.size = size if kind == tarfile.REGTYPE else 0
    return info


def test_plain_files_come_out_with_their_executable_bit_and_no_other(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "x.tar", member("./", tarfile.DIRTYPE), member("./a/b.txt", mode=0o4666), member("./run", mode=0o755)
    )
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/a/b.txt").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "out/run").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "bad",
    [
        member("../escape"),
        member("/etc/escape"),
        member("a/../../escape"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("hard", tarfile.LNKTYPE, "a"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("new\nline"),
        member("back\\slash"),
        member("c:stream"),
        member("\x1b[31m"),
        member("aux.js"),
        member("lib/PACKAG~1.JSO"),
        member("dot./x"),
    ],
    ids=lambda info: repr(info.name),
)
@pytest.mark.attack("only plain files with names that every system holds leave a sandbox", entry="H3")
def test_anything_but_a_plain_file_that_every_system_holds_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    with pytest.raises(
        Unbuildable, match=r"the package has (.*, which is not a plain file|the file .*; rename it, or leave it out)"
    ):
        unpack(tar_of(tmp_path / "x.tar", bad), tmp_path / "out")
    assert not (tmp_path / "escape").exists()


@pytest.mark.attack("only plain files with names that every system holds leave a sandbox", entry="H3")
def test_a_file_twice_and_a_file_below_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match=r"the package has the file '\./a' twice"):
        unpack(tar_of(tmp_path / "x.tar", member("a"), member("./a")), tmp_path / "out")
    with pytest.raises(Unbuildable, match="below a file"):
        unpack(tar_of(tmp_path / "y.tar", member("a"), member("a/b")), tmp_path / "out2")


@pytest.mark.attack("what comes out of a sandbox is bounded before it is written")
def test_too_many_files_are_refused(tmp_path: Path) -> None:
    many = [member(f"f{number}", size=0) for number in range(10_001)]
    with pytest.raises(Unbuildable, match="more than 10000 files"):
        unpack(tar_of(tmp_path / "x.tar", *many), tmp_path / "out")


@pytest.mark.attack("what comes out of a sandbox is bounded before it is written")
def test_a_size_over_the_bound_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    info = tarfile.TarInfo("huge")
    info.size = 3 * 2**30
    (tmp_path / "x.tar").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(Unbuildable, match="or 2 GiB"):
        unpack(tmp_path / "x.tar", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("junk", [b"", b"not a tar at all", b"x" * 5_000])
@pytest.mark.attack("what comes out of a sandbox is bounded before it is written")
def test_what_is_not_a_tar_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(junk)
    with pytest.raises(Unbuildable, match="not a readable tar"):
        unpack(tmp_path / "x.tar", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("x.linux-x64-gnu.node", "linux-x64-gnu"),
        ("bin/linux-x64-musl/tool", "linux-x64-musl"),
        ("x.win32-x64-msvc.node", "win32-x64-msvc"),
        ("web/x_bg.wasm", "wasm32"),
    ],
)
def test_what_is_named_as_a_binary_of_a_platform_is_listed_with_its_digest(
    tmp_path: Path, name: str, platform: PlatformName
) -> None:
    write_files(tmp_path, {name: "content", "x.linux-arm64-gnu.node": "", "other.js": ""})
    (only,) = unit_artifacts(tmp_path, platform)
    assert (only.file, only.bytes, only.sha256) == (name, 7, hashlib.sha256(b"content").hexdigest())
