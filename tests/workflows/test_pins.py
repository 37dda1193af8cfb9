"""Pins that a bot updates: in the pins file, in a generated workflow, or in both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from generator.workflows.files import diff, differences, stale, write
from generator.workflows.pins import newest, pins, pins_in, with_newer_pins
from generator.workflows.values import Pin
from tests.workflows.rendered import render

RELEASE = ".github/workflows/cratematrix-release.yml"
NEW = "actions/checkout@" + "f" * 40 + " # v9.10.0"
OLD = "actions/checkout@" + "0" * 40 + " # v7.0.0"


def bumped(text: str, to: str) -> str:
    return re.sub(r"actions/checkout@.*", to, text)


def test_the_pins_file_has_each_action_once() -> None:
    assert set(pins()) == {
        "actions/attest",
        "actions/cache/restore",
        "actions/cache/save",
        "actions/checkout",
        "actions/create-github-app-token",
        "actions/deploy-pages",
        "actions/download-artifact",
        "actions/setup-python",
        "actions/upload-artifact",
        "actions/upload-pages-artifact",
    }


def test_a_newer_version_wins_by_its_numbers() -> None:
    two, ten = (Pin(action="a/b", version=version, sha="a" * 40) for version in ("v2.0.0", "v10.0.0"))
    assert newest([ten, two]) == newest([two, ten]) == {"a/b": ten}


@pytest.mark.parametrize("to", [NEW, OLD])
def test_a_bump_of_pins_alone_is_not_stale(fleets: Any, tmp_path: Path, to: str) -> None:
    rendered = render(fleets.make(), 3, "crates.json")
    write({path: bumped(text, to) for path, text in rendered.items()}, tmp_path)
    assert stale(differences(rendered, tmp_path)) == ()


def test_a_bump_beside_another_change_is_stale(fleets: Any, tmp_path: Path) -> None:
    write({RELEASE: bumped(render(fleets.make(), 3, "crates.json")[RELEASE], NEW)}, tmp_path)
    assert '"3/3"' in diff(stale(differences(render(fleets.make(2), 2, "crates.json"), tmp_path)))


def test_generating_again_keeps_a_newer_pin_and_updates_an_older_one(fleets: Any, tmp_path: Path) -> None:
    rendered = render(fleets.make(), 3, "crates.json")
    for there, expected in ((NEW, NEW), (OLD, pins()["actions/checkout"].uses)):
        (tmp_path / RELEASE).unlink(missing_ok=True)
        write({RELEASE: bumped(rendered[RELEASE], there)}, tmp_path)
        write(render(fleets.make(2), 2, "crates.json"), tmp_path)
        assert pins_in((tmp_path / RELEASE).read_text())["actions/checkout"].uses == expected
        assert '"2/2"' in (tmp_path / RELEASE).read_text()


@pytest.mark.parametrize(
    "uses", ["actions/checkout@v9 # v9.0.0", "evil/checkout@" + "f" * 40 + " # v9.9.9", NEW + "; rm", NEW[:-4]]
)
def test_only_complete_pins_of_the_same_action_are_kept(fleets: Any, uses: str) -> None:
    rendered = render(fleets.make(), 3, "crates.json")[RELEASE]
    assert with_newer_pins(rendered, bumped(rendered, uses)) == rendered


def test_another_commit_of_the_same_version_is_stale_and_generating_undoes_it(fleets: Any, tmp_path: Path) -> None:
    rendered = render(fleets.make(), 3, "crates.json")
    own = pins()["actions/checkout"]
    write({RELEASE: rendered[RELEASE].replace(own.sha, "e" * 40, 1)}, tmp_path)
    assert f"-        uses: actions/checkout@{'e' * 40} # {own.version}\n" in diff(
        stale(differences(rendered, tmp_path))
    )
    write(rendered, tmp_path)
    assert (tmp_path / RELEASE).read_text() == rendered[RELEASE]


def test_a_version_of_endless_digits_is_no_pin() -> None:
    assert pins_in(f"uses: a/b@{'a' * 40} # v{'9' * 5_000}") == {}
