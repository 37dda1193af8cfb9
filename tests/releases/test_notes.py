"""The text of a release: how to check its packages and to install one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.github_api.connection import repository_url
from generator.manifest.models import Manifest
from generator.releases.notes import release_notes

SITE = "https://github.com/octo-org/fleet"


def manifest(*kinds: str, **fleet: Any) -> Manifest:
    crates = [
        {"name": f"{kind}{number}", "version": "1.0.0", "kind": kind, "source": {"path": "x"}}
        for number, kind in enumerate(kinds)
    ]
    text = {"schema_version": 1, "fleet": {"npm_scope": "@demo", "slots": 1, **fleet}, "crates": crates}
    return Manifest.model_validate_json(json.dumps(text))


def test_a_release_says_how_each_manager_installs_one_of_its_packages() -> None:
    address = f"{SITE}/releases/download/v1.0.0/demo-napi1-1.0.0.tgz"
    assert release_notes(manifest("lib", "napi", "bin"), "v1.0.0", SITE) == (
        "2 npm packages. Check them:\n\n```sh\ncratematrix release verify --tag v1.0.0\n```\n\n"
        "To install \\@demo/napi1, as an example:\n\n"
        f"```sh\nnpm install --allow-remote=root {address}\npnpm add {address}\n"
        f"yarn add @demo/napi1@{address}\nbun add {address}\n```\n"
    )


def test_a_tag_with_a_slash_is_one_part_of_the_address() -> None:
    assert f"{SITE}/releases/download/%40demo%2Fnapi1%401.0.0/demo-" in release_notes(
        manifest("lib", "napi"), "@demo/napi1@1.0.0", SITE
    )


@pytest.mark.parametrize("kinds", [("napi",), ("lib",), ("bin", "lib")])
def test_packages_that_need_a_registry_have_no_line(kinds: tuple[str, ...]) -> None:
    assert "install" not in release_notes(manifest(*kinds, layout="split"), "v1.0.0", SITE)


def test_a_wasm_package_is_whole_in_each_layout() -> None:
    notes = release_notes(manifest("napi", "wasm", layout="split"), "v1.0.0", SITE)
    assert "To install \\@demo/wasm1, as an example:" in notes


def test_the_address_is_of_the_server_that_runs_the_workflow() -> None:
    own = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "octo-org/fleet"}
    assert repository_url(own) == "https://git.example/octo-org/fleet"
    assert repository_url({"GITHUB_REPOSITORY": "octo-org/fleet"}) == SITE
