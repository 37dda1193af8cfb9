"""Another repository, with nothing but a crate and a manifest, uses the action as it is published."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from generator import processes
from generator.workflows.pins import pins
from tests.acts.act import Act
from tests.acts.conftest import NAME
from tests.acts.packages import installed
from tests.acts.repositories import commit, copy_of_checkout, dispatch, push, repository
from tests.github_server import GitHubServer
from tests.support import entry, library, write_files

ACTION = "octo-org/cratematrix"
# Written by hand, as the README shows it, and once more in the same job.
WORKFLOW = f"""\
name: Use
on: push
jobs:
  use:
    runs-on: ubuntu-24.04
    steps:
      - uses: {pins()["actions/checkout"].uses}
      - id: first
        uses: {ACTION}@v1
      - uses: {ACTION}@v1
      - env:
          OUTPUTS: ${{{{ toJSON(steps.first.outputs) }}}}
        run: echo "outputs=$(tr -d '\\n' <<<"$OUTPUTS")" >>"$GITHUB_OUTPUT"
"""


@pytest.fixture(scope="module")
def user(top: Path, server: GitHubServer) -> Path:
    files = library("hello", 'pub fn hello() -> &\'static str {\n    "hello"\n}\n')
    files["hello/src/main.rs"] = 'fn main() {\n    println!("{}, world", hello::hello());\n}\n'
    write_files(top, files)
    repository(top, [entry("hello", kind="bin", expected_minutes=0.1)], action=f"{ACTION}@v1", slots=1)
    server.add_repository(NAME, source=top)
    return top


@pytest.fixture(scope="module")
def with_action(act: Act, tmp_path_factory: pytest.TempPathFactory) -> Act:
    """Act, which takes this checkout for the published action."""
    checkout = copy_of_checkout(tmp_path_factory.mktemp("published") / "action")
    return replace(act, actions={f"{ACTION}@v1": checkout})


def test_its_generated_release_builds_and_uploads_its_crate(
    user: Path, with_action: Act, server: GitHubServer, tmp_path: Path
) -> None:
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="write")}
    ran = with_action.run(user, "release", dispatch(user, NAME, tag="v1.0.0"), secrets=secrets)
    assert ran.jobs == dict.fromkeys(("prepare", "build", "upload", "publish", "report"), "success"), ran.log[-5000:]
    (release,) = server.repository(NAME).releases.values()
    assert (release.draft, release.tag) == (False, "v1.0.0")
    installed(tmp_path, f"{server.url}/{NAME}/releases/download/v1.0.0/fleet-hello-1.0.0.tgz")
    assert processes.output(["npx", "--no-install", "hello"], timeout=600, cwd=tmp_path) == b"hello, world\n"


def test_its_next_release_takes_the_package_of_a_crate_that_did_not_change(
    user: Path, with_action: Act, server: GitHubServer
) -> None:
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="write")}
    ran = with_action.run(user, "release", dispatch(user, NAME, tag="v1.1.0"), secrets=secrets, run=3)
    assert ran.jobs == dict.fromkeys(("prepare", "build", "upload", "publish", "report"), "success"), ran.log[-5000:]
    assert "v1.1.0 follows v1.0.0, which has 1 crate to take if unchanged" in ran.said("prepare")
    assert "1 crate not built again: unchanged since v1.0.0" in ran.said("build")
    assert "1 package of unchanged crates taken from v1.0.0, verified" in ran.said("upload")
    first, second = (
        {asset.name: asset.sha256 for asset in release.assets.values() if asset.name.endswith(".tgz")}
        for release in server.repository(NAME).releases.values()
    )
    assert first == second != {}


def test_a_job_of_its_own_uses_the_action_and_its_outputs_and_starts_it_again_at_once(
    user: Path, with_action: Act, server: GitHubServer
) -> None:
    write_files(user, {".github/workflows/use.yml": WORKFLOW})
    commit(user, "Use the action")
    secrets = {"GITHUB_TOKEN": server.add_token(NAME, contents="read")}
    ran = with_action.run(user, "use", push(user, NAME, "refs/heads/main"), secrets=secrets, run=2)
    assert ran.jobs == {"use": "success"}, ran.log[-5000:]
    given = json.loads(ran.outputs("use")["outputs"])
    assert given == {"report": "dist/report-1.json", "built": "1", "failed": "0", "assets": ""}
    cold, warm = ran.seconds("Install cratematrix")
    print(f"the action installs itself in {cold:.1f} s, and in {warm:.2f} s where it is already")  # noqa: T201
    assert warm < 2
