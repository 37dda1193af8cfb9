"""Tarballs: equal files give equal bytes, and npm can read them."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from generator.packages.tarball import PackedFile, package_json, write_tarball
from tests.installing import install

FILES = (
    package_json({"name": "@demo/x", "version": "1.0.0"}),
    PackedFile("index.js", b"module.exports = 1;\n"),
    PackedFile("bin/run", b"#!/bin/sh\n", executable=True),
)


@given(st.permutations(FILES))
def test_the_order_in_which_files_are_given_does_not_matter(files: list[PackedFile]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _, digest = write_tarball(tuple(files), Path(folder) / "a.tgz")
        assert digest == write_tarball(FILES, Path(folder) / "b.tgz")[1]


def test_times_and_owners_of_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "lib.js").write_text("1")
    first = write_tarball((*FILES, PackedFile("lib.js", tmp_path / "lib.js")), tmp_path / "a.tgz")
    (tmp_path / "lib.js").touch()
    (tmp_path / "lib.js").chmod(0o600)
    assert write_tarball((*FILES, PackedFile("lib.js", tmp_path / "lib.js")), tmp_path / "b.tgz") == first


def test_size_and_digest_are_those_of_the_file(tmp_path: Path) -> None:
    size, digest = write_tarball(FILES, tmp_path / "a.tgz")
    data = (tmp_path / "a.tgz").read_bytes()
    assert (size, digest) == (len(data), hashlib.sha256(data).hexdigest())


def test_only_programs_are_executable_and_everything_lies_in_package(tmp_path: Path) -> None:
    write_tarball(FILES, tmp_path / "a.tgz")
    with tarfile.open(tmp_path / "a.tgz") as tar:
        modes = {member.name: oct(member.mode) for member in tar}
    assert modes == {"package/package.json": "0o644", "package/bin/run": "0o755", "package/index.js": "0o644"}
    assert next(iter(modes)) == "package/package.json"


def test_npm_installs_it(tmp_path: Path) -> None:
    write_tarball(FILES, tmp_path / "demo-x-1.0.0.tgz")
    folder = tmp_path / "empty"
    folder.mkdir()
    install(folder, "--offline", "../demo-x-1.0.0.tgz")
    assert (folder / "node_modules/@demo/x/index.js").exists()
