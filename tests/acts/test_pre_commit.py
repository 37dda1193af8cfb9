"""The hook that other repositories give to pre-commit, installed by pre-commit itself from a commit of this checkout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from generator import processes
from tests.acts.repositories import copy_of_checkout, git
from tests.support import Ran, cratematrix, git_repository, library, write_files

SETTINGS = "repos: [{{repo: {url}, rev: {rev}, hooks: [{{id: cratematrix-generate}}]}}]\n"
MANIFEST = """{{"schema_version": 1, "fleet": {{"npm_scope": "@x", "slots": {slots}, "action": "octo-org/cratematrix@v1"}},
"crates": [{{"name": "a", "version": "1.0.0", "kind": "lib", "source": {{"path": "a"}}}},
{{"name": "b", "version": "1.0.0", "kind": "lib", "source": {{"path": "a"}}}}]}}
"""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository that uses the hook, with up-to-date workflows."""
    hooks = git_repository(copy_of_checkout(tmp_path / "hooks"))
    git(hooks, "commit", "--quiet", "--message", "hooks")
    top = write_files(tmp_path / "top", {**library("a"), "crates.json": MANIFEST.format(slots=2)})
    settings = SETTINGS.format(url=hooks.as_uri(), rev=git(hooks, "rev-parse", "HEAD"))
    write_files(top, {".pre-commit-config.yaml": settings})
    assert cratematrix("generate", cwd=top).code == 0
    return git_repository(top)


def pre_commit(top: Path, home: Path) -> Ran:
    argv = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(home)}
    done = processes.run(argv, timeout=300, cwd=top, env=environment)
    return Ran(done.exit_code, done.stdout.decode(), done.stderr)


def test_a_commit_of_a_changed_manifest_is_stopped_once_and_has_its_workflows_then(top: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert pre_commit(top, home).code == 0
    (top / "crates.json").write_text(MANIFEST.format(slots=1))
    git(top, "add", "--all")
    ran = pre_commit(top, home)
    assert ran.code == 1, ran.out
    assert "files were modified by this hook" in ran.out
    assert "written .github/workflows/cratematrix-release.yml" in ran.out
    git(top, "add", "--all")
    assert pre_commit(top, home).code == 0
    assert cratematrix("generate", "--check", cwd=top).code == 0
