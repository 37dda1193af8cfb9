"""Templates: built, tagged, found and started from."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2b import Sandbox, Template
from e2b.exceptions import BuildException, TemplateException
from e2b.template.main import TemplateBuilder

from tests.e2b_server import E2BServer

DOCKERFILE = "FROM debian:12\nRUN apt-get update\nCOPY given /opt/given\nENV KEY=value\n"


def definition(tmp_path: Path) -> TemplateBuilder:
    (tmp_path / "given").write_text("content")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return Template(file_context_path=tmp_path).from_dockerfile(str(tmp_path / "Dockerfile"))


def test_a_template_is_built_with_live_logs_and_starts(server: E2BServer, tmp_path: Path) -> None:
    said: list[str] = []
    built = Template.build(
        definition(tmp_path),
        "rust:v1",
        tags=["latest"],
        cpu_count=4,
        memory_mb=4_096,
        on_build_logs=lambda entry: said.append(entry.message),
    )
    assert "[builder 3/7] RUN apt-get update" in said
    (template,) = [each for each in server.templates() if each.name == "rust"]
    build = template.builds[built.build_id]
    assert set(template.tags) == {"v1", "latest"}
    assert (build.size.cpus, build.size.memory_mib) == (4, 4_096)
    assert build.start is not None
    assert build.start.fromImage == "debian:12"
    assert [(step.type, step.args) for step in build.start.steps][2] == ("RUN", ["apt-get update"])
    info = Sandbox.create("rust:v1").get_info()
    assert (info.cpu_count, info.memory_mb) == (4, 4_096)
    assert Sandbox.create(f"{built.template_id}:latest").is_running()


def test_templates_and_tags_are_told(server: E2BServer, tmp_path: Path) -> None:
    assert not Template.exists("told")
    with pytest.raises(TemplateException):
        Template.get_tags("told")
    built = Template.build(definition(tmp_path), "told")
    assert Template.exists("told")
    assert Template.assign_tags("told", ["v2", "stable"]).build_id == built.build_id
    assert {(each.tag, each.build_id) for each in Template.get_tags("told")} == {
        (tag, built.build_id) for tag in ("default", "v2", "stable")
    }
    Template.remove_tags("told", "v2")
    assert {each.tag for each in Template.get_tags("told")} == {"default", "stable"}
    assert Sandbox.create("told:stable").is_running()


def test_a_step_that_fails_ends_the_build(server: E2BServer, tmp_path: Path) -> None:
    server.break_step("COPY given", "no space left")
    with pytest.raises(BuildException, match="no space left"):
        Template.build(definition(tmp_path), "broken")
    server.mend()
    assert Template.exists("broken")
    with pytest.raises(Exception, match="no build that is ready"):
        Sandbox.create("broken")


def test_a_size_that_is_none_is_refused(server: E2BServer, tmp_path: Path) -> None:
    with pytest.raises(BuildException, match="CPU count"):
        Template.build(definition(tmp_path), "odd", cpu_count=3)
    with pytest.raises(BuildException, match="memory"):
        Template.build(definition(tmp_path), "odd", memory_mb=100)
