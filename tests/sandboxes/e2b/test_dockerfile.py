"""The Dockerfile: what E2B's reader makes of it, what Docker's would, and what is in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from e2b import Template

from generator.errors import InputError
from generator.manifest.reading import load_manifest
from generator.platforms import PLATFORM_NAMES, PLATFORMS, VALID_FOR
from generator.recipes.cargo_target import cargo_target
from generator.sandboxes.e2b.template.definition import Holds, load_definition
from generator.sandboxes.e2b.template.dockerfile import dockerfile, prefetch
from generator.sandboxes.e2b.template.identity import template_tag
from generator.sandboxes.layout import ROOT
from generator.sandboxes.variables import variables
from generator.toolchain.toolchain import unmet_need
from tests.support import TOP, write_files

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
    toolchain = holds.toolchain()
    assert all(unmet_need("napi", platform, toolchain) is None for platform in PLATFORM_NAMES)
    words = {"cargo-zigbuild": '"cargo-zigbuild==', "cargo-xwin": '"cargo-xwin==', "clang": "clang-", "cmake": "cmake"}
    assert all(words[program] in text for program in holds.programs)
    assert "--component llvm-tools" in text
    assert toolchain.no_coverage is None


def test_the_image_holds_and_proves_the_runtimes_that_the_definition_tells_of() -> None:
    definition, text = load_definition(TOP), dockerfile()
    [(platform, runtime)] = definition.holds.toolchain().runtimes.items()
    assert (platform, runtime.name) == ("linux-arm64-gnu", "qemu 7.2")
    packages = re.findall(r"apt-get install -y --no-install-recommends ([^&]+)", text.replace("\\\n", ""))[0].split()
    assert {"qemu-user-static", "libstdc++6-arm64-cross", "libatomic1-arm64-cross"} <= set(packages)
    start = f"{' '.join(runtime.command)} {runtime.node}"
    assert f"\n{start} --version\n" in text
    assert re.findall("^ARG NODE_VERSION=(.+)$", text, re.MULTILINE) == [runtime.node_version]
    directory, package = str(runtime.node).removesuffix("/bin/node").split("/node_modules/")
    assert re.search(rf'npm install --prefix {directory} --no-save .*"{package}@\$NODE_VERSION"', text)
    assert {each.expect for each in definition.checks if each.run.startswith(start)} == {
        f"v{runtime.node_version}arm64"
    }
    assert {each.expect for each in definition.checks if each.run == f"{runtime.command[0]} --version"} == {
        "qemu-aarch64 version 7.2"
    }


RUNTIME = {"name": "qemu 7.2", "command": ["qemu"], "node": "/opt/node", "node_version": "22.0.0"}


@pytest.mark.parametrize(
    ("runtimes", "said"),
    [
        ({"linux-arm64": RUNTIME}, "linux-arm64"),
        ({"linux-x64-gnu": RUNTIME}, "for other platforms than the image's own, linux-x64-gnu"),
        ({"linux-arm64-gnu": {**RUNTIME, "command": []}}, "linux-arm64-gnu.command"),
        ({"linux-arm64-gnu": {**RUNTIME, "node": "bin/node"}}, "linux-arm64-gnu.node"),
        ({"linux-arm64-gnu": {**RUNTIME, "node": None}}, "node and node_version are told together"),
    ],
)
def test_a_runtime_that_cannot_be_is_told(tmp_path: Path, runtimes: object, said: str) -> None:
    definition = json.loads((TOP / "e2b/template.json").read_text())
    definition["holds"]["runtimes"] = runtimes
    write_files(tmp_path, {"e2b/template.json": json.dumps(definition)})
    with pytest.raises(InputError) as caught:
        load_definition(tmp_path)
    assert said in "\n".join(caught.value.problems)


def test_zig_compiles_for_the_image_what_it_would_for_each_crate(whole: str) -> None:
    """As the recipes have it linked, and where the sandbox's commands look for it."""
    toolchain = load_definition(TOP).holds.toolchain()
    linked = [each for each in PLATFORM_NAMES if toolchain.linker(each) == "zig"]
    assert len(linked) == 5
    for kind, platforms in VALID_FOR.items():
        for platform in (each for each in linked if each in platforms):
            ours = cargo_target(kind, platform, "2.17", toolchain)
            assert f"(\n{ours.script('--offline --release')}\n)" in whole
            runs = kind != "napi" and not platform.startswith("darwin")
            assert not runs or f"{ours.test('--doc --offline --release')}\n)" in whole
    assert f"export HOME={variables(ROOT, '', 1, {})['HOME']} " in whole


def test_what_zig_compiled_is_there_for_whoever_runs_a_sandboxs_commands(whole: str) -> None:
    """The cache is written to by every build; root's would be of no use to others."""
    assert whole.index("\nUSER user\n") < whole.index("\nRUN <<'ZIG'\n") < whole.index("\nRUN <<'PREFETCH'\n")
    assert {each.expect for each in load_definition(TOP).checks if ".cache/zig" in each.run} == {"writable"}


def test_an_image_that_does_not_say_that_it_holds_llvms_programs_measures_no_coverage() -> None:
    bare = Holds(targets=(), programs=()).toolchain()
    assert bare.no_coverage == "e2b/template.json does not say that its image holds llvm-tools: holds.coverage"


def test_a_runner_gets_the_linkers_of_the_images_versions() -> None:
    locked = dict(re.findall(r"^([a-z-]+)==(\S+)", (TOP / "requirements/linkers.txt").read_text(), re.MULTILINE))
    pinned = {
        name: re.findall(rf"^ARG {name.upper().replace('-', '_')}_VERSION=(.+)$", dockerfile(), re.MULTILINE)
        for name in locked
    }
    assert locked.keys() == {"cargo-zigbuild", "ziglang"}
    assert {name: [version] for name, version in locked.items()} == pinned
