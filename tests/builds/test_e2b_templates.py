"""`doctor` and `template build`: an image that is missing, outdated, fresh or broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator.backends.e2b import template_references
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.template.definition import load_definition
from tests.builds.scripted import env_of, prepared, rules_for, scripted_fleet
from tests.e2b_server import E2BServer, Rules, TemplateSize, error
from tests.support import Ran, cratematrix

Run = Callable[..., Ran]


@pytest.fixture
def top(path: str, tmp_path: Path) -> Path:
    return prepared(scripted_fleet(tmp_path / "repo", 1), path)


@pytest.fixture
def server() -> Iterator[E2BServer]:
    with E2BServer(Rules(templates={"rust-napi-builder-large:older": TemplateSize()})) as server:
        yield server
        assert (server.running(), server.violations) == ((), [])


@pytest.fixture
def run(top: Path, server: E2BServer, tmp_path: Path) -> Run:
    return lambda *words: cratematrix(*words, cwd=top, env=env_of(server, tmp_path))


def checks(top: Path, *given: tuple[str, str]) -> None:
    """Let a fresh image be asked these commands."""
    file = top / "e2b/template.json"
    definition = json.loads(file.read_text())
    definition["checks"] = [{"run": command, "expect": said} for command, said in given]
    file.write_text(json.dumps(definition))


def test_what_is_missing_or_outdated_is_found_and_built(top: Path, run: Run) -> None:
    found = run("doctor", "--backend", "e2b")
    assert found.code == 2
    assert "  missing  missing\n" in found.out
    assert "  missing  outdated\n" in found.out
    assert "fix: cratematrix template build\n" in found.out
    checks(top, ("echo $((40 + 2))", "42"), ("uname -s", "Linux"))
    made = run("template", "build")
    assert made.code == 0, made.err
    for reference in template_references(load_manifest(top / "crates.json"), load_definition(top)).values():
        assert (f"{reference} is ready: 2 checks passed" in made.err) is ("small" not in reference)
    assert run("doctor", "--backend", "e2b").code == 0
    assert "is already built" in run("template", "build").err


def refused(ran: Ran, server: E2BServer, top: Path) -> str:
    """Return the error of a build that ended before its first crate."""
    assert server.created() == ()
    assert not (top / "dist/report.json").exists()
    assert "Traceback" not in ran.err
    return ran.err.partition("error: ")[2]


def test_a_build_without_its_template_says_what_to_do(run: Run, server: E2BServer, top: Path) -> None:
    ran = run("build", "--all", "--backend", "e2b")
    assert ran.code == 2
    assert refused(ran, server, top).splitlines() == [
        "the image rust-napi-builder-standard is missing at E2B",
        "  fix: cratematrix template build",
    ]


def test_a_build_with_an_outdated_template_says_what_to_do(run: Run, server: E2BServer, top: Path) -> None:
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"][0]["size"] = "large"
    (top / "crates.json").write_text(json.dumps(manifest))
    ran = run("build", "--all", "--backend", "e2b")
    assert ran.code == 2
    assert refused(ran, server, top).startswith("the image rust-napi-builder-large is outdated at E2B\n")


def test_a_wrong_key_is_found_before_the_first_crate(top: Path, server: E2BServer, tmp_path: Path) -> None:
    env = env_of(server, tmp_path, E2B_API_KEY="e2b_of-somebody-else")
    ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env)
    assert ran.code == 2
    message, fix = refused(ran, server, top).splitlines()
    assert message.startswith("E2B refuses the key: 401: ")
    assert fix == "  fix: set E2B_API_KEY to a key of e2b.dev/dashboard"


def test_a_service_that_nobody_serves_is_found_before_the_first_crate(
    top: Path, server: E2BServer, tmp_path: Path
) -> None:
    env = env_of(server, tmp_path, E2B_API_URL="http://127.0.0.1:9")
    ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env)
    assert ran.code == 4
    message = refused(ran, server, top)
    assert message.startswith("E2B at 127.0.0.1:9 cannot be reached: ")
    assert "fix: check the network and the address of E2B (E2B_API_URL, E2B_DOMAIN and fleet.e2b)" in message


def test_another_service_is_found_before_the_first_crate(top: Path, server: E2BServer, tmp_path: Path) -> None:
    server.inject("GET /v2/sandboxes", error(400))
    ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
    assert ran.code == 2
    assert refused(ran, server, top).startswith(f"{server.url} does not answer as E2B does: ")


def test_the_log_of_a_build_is_shown_and_a_failing_step_named(run: Run, server: E2BServer) -> None:
    server.break_step("apt-get", "E: Unable to locate package")
    ran = run("template", "build", "--size", "standard")
    assert ran.code == 2
    assert "  Building from debian:" in ran.err
    assert "E: Unable to locate package" in ran.err
    assert "cannot be built" in ran.err
    assert "missing" in run("doctor", "--backend", "e2b").out


def test_an_image_that_fails_its_checks_is_an_error(top: Path, run: Run) -> None:
    checks(top, ("echo fine", "fine"), ("echo other", "wanted"), ("exit 3", ""))
    ran = run("template", "build", "--size", "standard")
    assert ran.code == 2
    assert "echo other: expected 'wanted', got 'other" in ran.err
    assert "exit 3: expected '', got 'exit code 3" in ran.err
    assert "was built and does not work" in ran.err
    assert "template rust-napi-builder-standard  missing  outdated" in run("doctor", "--backend", "e2b").out


def test_volumes_of_the_definition_are_mounted_in_every_sandbox(top: Path, tmp_path: Path) -> None:
    file = top / "e2b/template.json"
    mounts = [{"name": "cargo-cache", "path": "/build/cargo/registry"}, {"name": "other_1", "path": "/cache/sccache"}]
    file.write_text(json.dumps({**json.loads(file.read_text()), "mounts": mounts}))
    with E2BServer(rules_for(top, volumes=frozenset({"cargo-cache", "other_1"}))) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        assert [record.mounts for record in server.created()] == [
            {"/build/cargo/registry": "cargo-cache", "/cache/sccache": "other_1"}
        ]
        assert server.violations == []


def test_a_volume_that_the_account_lacks_is_named(top: Path, tmp_path: Path) -> None:
    file = top / "e2b/template.json"
    definition = {**json.loads(file.read_text()), "mounts": [{"name": "lost", "path": "/mnt/lost"}]}
    file.write_text(json.dumps(definition))
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert server.created() == ()
    assert ran.code == 1
    assert "volume 'lost' not found" in ran.err


def test_the_health_check_is_the_ready_command_of_the_image(top: Path, run: Run, server: E2BServer) -> None:
    file = top / "e2b/template.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "health_check": "cargo --version"}))
    made = run("template", "build", "--size", "standard")
    assert made.code == 0, made.err
    [start] = [build.start for each in server.templates() for build in each.builds.values() if build.start]
    assert start.readyCmd is not None
    assert start.readyCmd.splitlines()[0].startswith("export PATH=")
    assert start.readyCmd.splitlines()[-1] == "cargo --version"
