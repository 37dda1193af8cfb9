"""The layout `split`, built by the command: its files, and their reuse and removal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRepository
from tests.support import cratematrix

pytestmark = pytest.mark.slow  # whole builds, most of them with time-outs that really pass

CRATE = {"name": "tool", "version": "1.0.0", "kind": "bin", "source": {"path": "tool"}}
FILES = {
    "tool/Cargo.toml": '[package]\nname = "tool"\nversion = "1.0.0"\nedition = "2021"\n\n[workspace]\n',
    "tool/Cargo.lock": 'version = 4\n\n[[package]]\nname = "tool"\nversion = "1.0.0"\n',
    "tool/src/main.rs": 'fn main() { println!("tool 1.0.0"); }\n',
}
ROOT, PLATFORM, SBOM = "demo-tool-1.0.0.tgz", "demo-tool-linux-x64-gnu-1.0.0.tgz", "sbom/tool.cdx.json"


def build(top: Path, *words: str) -> dict[str, Any]:
    ran = cratematrix("build", "--all", *words, cwd=top)
    assert ran.code == 0, ran.err
    (crate,) = json.loads((top / "dist/report.json").read_text())["crates"]
    return dict(crate)


def left(top: Path) -> set[str]:
    return {path.name for path in (top / "dist").glob("*.tgz")}


def test_a_layout_is_reused_whole_and_replaced_by_the_other(repository: MakeRepository) -> None:
    top = repository([CRATE], FILES)
    first = build(top, "--layout", "split")
    assert (first["loaded"], first["package"]["file"]) == ("npx tool --version", ROOT)
    assert [each["file"] for each in first["packages"]] == [ROOT, PLATFORM]
    assert left(top) == {ROOT, PLATFORM}
    assert build(top, "--layout", "split")["attempts"] == 0

    for lost in (PLATFORM, SBOM):
        (top / "dist" / lost).unlink()
        assert build(top, "--layout", "split")["attempts"] == 1
        assert (top / "dist" / lost).is_file()

    single = build(top)
    assert [each["file"] for each in single["packages"]] == [ROOT]
    assert left(top) == {ROOT}
