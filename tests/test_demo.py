"""The demonstration on machines that cannot do all of it, and its end."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from generator.manifest.reading import load_manifest
from generator.manifest.settings import settings
from generator.platforms import PlatformName
from tests.support import TOP


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", TOP / ".ci/demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("host", ["linux-x64-gnu", "linux-arm64-gnu", "linux-x64-musl", "darwin-arm64"])
def test_each_machine_builds_addons_and_programs_for_itself(
    demo: ModuleType, host: PlatformName, tmp_path: Path
) -> None:
    manifest = load_manifest(demo.fleet_for(host, tmp_path / "source"))
    chosen = {crate.name: crate for crate in manifest.crates if crate.name in demo.GOOD}
    assert chosen.keys() == {*demo.GOOD}
    for name, crate in chosen.items():
        assert (host in settings(manifest.fleet, crate).platforms) == (name != "fleet-wasm")


def test_what_a_machine_cannot_do_is_said(demo: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert demo.notes("linux-x64-gnu") == []
    assert ["left out" in note for note in demo.notes("linux-arm64-gnu")] == [True]
    monkeypatch.setattr(sys, "platform", "darwin")
    first, second = demo.notes("darwin-arm64")
    assert "without isolation" in first
    assert "the packages are for darwin-arm64; leanr-rag-gateway is left out" in second


BUILT, SKIPPED, LIBRARY = ("a", "built", "a.tgz", "x"), ("b", "skipped", "", "x"), ("c", "built", "", "x")


@pytest.mark.parametrize(
    ("code", "rows", "result", "said"),
    [
        (0, [BUILT, LIBRARY], 0, "it works: 1 package built, installed and loaded\n"),
        (0, [BUILT, SKIPPED], 0, "it works: 1 package built, installed and loaded; 1 crate skipped: see the table\n"),
        (0, [LIBRARY, SKIPPED], 1, "error: no package was built\n"),
        (1, [BUILT], 1, "error: a crate failed\n"),
    ],
)
def test_it_works_only_with_a_package_and_without_a_failure(
    demo: ModuleType, capsys: pytest.CaptureFixture[str], code: int, rows: list[object], result: int, said: str
) -> None:
    assert demo.finish(code, rows) == result
    shown = capsys.readouterr().err
    assert shown.startswith(said)
    assert ("next, " in shown) == (result == 0)
