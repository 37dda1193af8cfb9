from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from generator.errors import InputError
from generator.manifest.reading import load_manifest

# Takes the content of a manifest and its suffix; gives what is wrong with it, each line without the directory.
ProblemsOf = Callable[..., list[str]]


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the crate of the example's path source."""
    root = tmp_path_factory.mktemp("repository")
    (root / ".git").mkdir()
    (root / "crates/one").mkdir(parents=True)
    (root / "crates/one/Cargo.toml").write_text('[package]\nname = "one"\nversion = "0.1.0"\n')
    return root


@pytest.fixture(scope="session")
def problems_of(directory: Path) -> ProblemsOf:
    def problems(content: object, suffix: str = ".json") -> list[str]:
        path = directory / f"crates{suffix}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        try:
            load_manifest(path)
        except InputError as error:
            return [line.removeprefix(f"{directory}/") for line in error.problems or (error.message,)]
        return []

    return problems


@pytest.fixture(scope="session")
def example() -> Callable[[], dict[str, Any]]:
    """Return a new valid manifest with every key."""
    return lambda: {
        "$schema": "./crates.schema.json",
        "schema_version": 1,
        "fleet": {
            "npm_scope": "@example",
            "slots": 30,
            "template": "rust-napi-builder",
            "action": "example/cratematrix@v1",
            "platforms": ["linux-x64-gnu", "darwin-arm64", "wasm32"],
            "size": "standard",
            "timeout_minutes": 60,
            "retries": 3,
            "tests": True,
            "env": ["HTTP_PROXY"],
            "limits": {"github_jobs": 40, "e2b_sandboxes": 100},
        },
        "crates": [
            {
                "name": "one",
                "npm_name": "@example/first",
                "version": "0.1.0",
                "kind": "bin",
                "source": {"path": "crates/one"},
                "depends_on": ["two", "three"],
                "expected_minutes": 12.5,
                "platforms": ["linux-x64-gnu"],
                "size": "large",
                "timeout_minutes": 90,
                "retries": 0,
                "tests": False,
                "env": ["SOME_SETTING"],
                "commands": {"build": "make build", "test": "make test"},
                "quarantine": {"reason": "it needs a newer Rust", "until": "2026-12-31"},
            },
            {
                "name": "two",
                "version": "1.2.3-beta.1",
                "kind": "napi",
                "source": {"git": "https://example.com/a/two.git", "rev": "0" * 40, "path": "packages/two"},
            },
            {
                "name": "three",
                "version": "2.0.0",
                "kind": "lib",
                "source": {"registry": "three", "version": "2.0.0"},
            },
        ],
    }


@pytest.fixture(scope="session")
def as_yaml() -> Callable[[object], str]:
    """Return a function that writes a value as block YAML, without wrapped lines."""

    def as_yaml(plain: object) -> str:
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.width = 100_000
        text = StringIO()
        yaml.dump(plain, text)
        return text.getvalue()

    return as_yaml
