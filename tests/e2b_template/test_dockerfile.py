"""The Dockerfile: what E2B's reader makes of it, what Docker's would, and what is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from e2b import Template

from generator.e2b_template.definition import Holds, load_definition
from generator.e2b_template.dockerfile import dockerfile, prefetch
from generator.e2b_template.identity import template_tag
from generator.equipment import missing
from generator.errors import InputError
from generator.manifest.reading import load_manifest
from generator.platforms import PLATFORM_NAMES, PLATFORMS
from tests.support import TOP

HADOLINT = Path(sys.executable).with_name("hadolint")
# What E2B's reader passes over in silence: e2b/template/dockerfile_parser.py of the SDK.
SILENT = ("EXPOSE 80", "VOLUME /data", "LABEL a=b", "MAINTAINER me")
LOUD = (
    "HEALTHCHECK CMD true",
    'SHELL ["/bin/sh", "-c"]',
    "ONBUILD RUN true",
    "STOPSIGNAL SIGTERM",
    "RUN --mount=type=cache,target=/x true",
)


@pytest.fixture(scope="module")
def whole() -> str:
    return dockerfile(prefetch(load_manifest(TOP / "crates.json")))


def test_the_sdk_reads_all_of_it_and_passes_over_nothing(whole: str, capfd: pytest.CaptureFixture[str]) -> None:
    Template().from_dockerfile(whole)
    said = capfd.readouterr()
    assert said.out + said.err == ""
    whole = re.sub(r"^#.*\n", "", whole, flags=re.MULTILINE)
    code = re.sub(r"<<'(\w+)'\n.*?^\1$", "", whole, flags=re.MULTILINE | re.DOTALL)
    instructions = set(re.findall(r"^([A-Z]+) ", re.sub(r"\\\n", " ", code), re.MULTILINE))
    assert instructions <= {"FROM", "RUN", "COPY", "ENV", "ARG", "WORKDIR", "USER"}
    assert "--mount" not in code
    assert "--platform" not in code


@pytest.mark.parametrize("instruction", SILENT)
def test_what_the_sdk_passes_over_in_silence(instruction: str, capfd: pytest.CaptureFixture[str]) -> None:
    """When the reader of a later SDK honours one of these, the Dockerfile may use it."""
    Template().from_dockerfile(f"FROM debian:12\n{instruction}\n")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("instruction", LOUD)
def test_what_the_sdk_says_that_it_passes_over(instruction: str, capfd: pytest.CaptureFixture[str]) -> None:
    Template().from_dockerfile(f"FROM debian:12\n{instruction}\n")
    assert instruction.split(maxsplit=1)[0] in capfd.readouterr().out


def test_docker_would_take_it_too(whole: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(whole)
    done = subprocess.run([HADOLINT, tmp_path / "Dockerfile"], capture_output=True, text=True, check=False)  # noqa: TID251
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp\nFOO\n")
    assert subprocess.run([HADOLINT, tmp_path / "Dockerfile"], capture_output=True, check=False).returncode == 1  # noqa: TID251


def test_every_target_is_installed_and_every_crate_pre_fetched(whole: str) -> None:
    for platform in PLATFORMS.values():
        assert f"--target {platform.target}" in whole
    assert "--target wasm32-wasip1-threads" in whole
    manifest = load_manifest(TOP / "crates.json")
    assert len(prefetch(manifest)) == len(manifest.crates) == 110
    assert all(f"\n{line}\n" in whole for line in prefetch(manifest))


def test_a_crates_new_version_does_not_make_the_image_outdated() -> None:
    definition = load_definition(TOP)
    tags = {template_tag(dockerfile(), definition, size) for size in definition.sizes}
    assert len(tags) == 3
    assert template_tag(dockerfile() + "RUN true\n", definition, "small") not in tags


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be used"),
        ('{"template_version": 2}', "cannot be used"),
        (
            (
                '{"template_version": 1, "timeout_seconds": 300, "env": {}, "sizes": {}, "checks": [], '
                '"holds": {"targets": [], "programs": []}}'
            ),
            "lacks the size",
        ),
    ],
)
def test_a_definition_that_cannot_be_used_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "e2b").mkdir()
    (tmp_path / "e2b/template.json").write_text(text)
    with pytest.raises(InputError, match=said):
        load_definition(tmp_path)


def test_the_image_installs_what_the_definition_says_it_holds() -> None:
    holds, text = load_definition(TOP).holds, dockerfile()
    assert {target for target in holds.targets if f"--target {target}" not in text} == set()
    equipment = holds.equipment("linux-x64-gnu")
    assert all(missing("napi", platform, equipment) is None for platform in PLATFORM_NAMES)
    words = {"cargo-zigbuild": '"cargo-zigbuild==', "cargo-xwin": '"cargo-xwin==', "clang": "clang-", "cmake": "cmake"}
    assert all(words[program] in text for program in holds.programs)
    assert "--component llvm-tools" in text
    assert equipment.no_coverage is None


def test_an_image_that_does_not_say_that_it_holds_llvms_programs_measures_no_coverage() -> None:
    bare = Holds(targets=(), programs=()).equipment("linux-x64-gnu")
    assert bare.no_coverage == "e2b/template.json does not say that its image holds llvm-tools: holds.coverage"


def test_a_runner_gets_the_linkers_of_the_images_versions() -> None:
    locked = dict(re.findall(r"^([a-z-]+)==(\S+)", (TOP / "requirements/linkers.txt").read_text(), re.MULTILINE))
    pinned = {
        name: re.findall(rf"^ARG {name.upper().replace('-', '_')}_VERSION=(.+)$", dockerfile(), re.MULTILINE)
        for name in locked
    }
    assert locked.keys() == {"cargo-zigbuild", "ziglang"}
    assert {name: [version] for name, version in locked.items()} == pinned
