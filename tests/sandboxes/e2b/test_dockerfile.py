"""Dockerfile of the image: E2B's parser, the linter, and the contents."""

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
from generator.platforms import PLATFORM_NAMES, PLATFORMS, PLATFORMS_OF_KIND
from generator.recipes.cargo_target import cargo_target
from generator.sandboxes.e2b.template.definition import TemplateContents, load_definition
from generator.sandboxes.e2b.template.dockerfile import prefetch_lines, render_dockerfile
from generator.sandboxes.e2b.template.identity import template_tag
from generator.sandboxes.environment import command_environment
from generator.sandboxes.layout import ROOT
from generator.toolchain.toolchain import Runtime, unmet_need
from generator.versions import versions
from tests.support import TOP, write_files

HADOLINT = Path(sys.executable).with_name("hadolint")
# Instructions that E2B's parser ignores silently: e2b/template/dockerfile_parser.py of the SDK.
IGNORED_SILENTLY = ("EXPOSE 80", "VOLUME /data", "LABEL a=b", "MAINTAINER me")
IGNORED_WITH_WARNING = (
    "HEALTHCHECK CMD true",
    'SHELL ["/bin/sh", "-c"]',
    "ONBUILD RUN true",
    "STOPSIGNAL SIGTERM",
    "RUN --mount=type=cache,target=/x true",
)


@pytest.fixture(scope="module")
def whole() -> str:
    return render_dockerfile(prefetch_lines(load_manifest(TOP / "crates.json")))


def test_the_sdk_ignores_no_instruction(whole: str, capfd: pytest.CaptureFixture[str]) -> None:
    Template().from_dockerfile(whole)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
    whole = re.sub(r"^#.*\n", "", whole, flags=re.MULTILINE)
    code = re.sub(r"<<'(\w+)'\n.*?^\1$", "", whole, flags=re.MULTILINE | re.DOTALL)
    instructions = set(re.findall(r"^([A-Z]+) ", re.sub(r"\\\n", " ", code), re.MULTILINE))
    assert instructions <= {"FROM", "RUN", "COPY", "ENV", "ARG", "WORKDIR", "USER"}
    assert "--mount" not in code
    assert "--platform" not in code


@pytest.mark.parametrize("instruction", IGNORED_SILENTLY)
def test_instructions_that_the_sdk_ignores_silently(instruction: str, capfd: pytest.CaptureFixture[str]) -> None:
    """When a later SDK supports one of these, the Dockerfile may use it."""
    Template().from_dockerfile(f"FROM debian:13\n{instruction}\n")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("instruction", IGNORED_WITH_WARNING)
def test_instructions_that_the_sdk_ignores_with_a_warning(instruction: str, capfd: pytest.CaptureFixture[str]) -> None:
    Template().from_dockerfile(f"FROM debian:13\n{instruction}\n")
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
    assert len(prefetch_lines(manifest)) == len(manifest.crates) == 110
    assert all(f"\n{line}\n" in whole for line in prefetch_lines(manifest))


def test_a_crates_new_version_does_not_make_the_image_outdated() -> None:
    definition = load_definition(TOP)
    tags = {template_tag(render_dockerfile(), definition, size) for size in definition.sizes}
    assert len(tags) == 3
    assert template_tag(render_dockerfile() + "RUN true\n", definition, "small") not in tags


@pytest.mark.parametrize(
    ("text", "message"),
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
def test_an_invalid_definition_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "e2b").mkdir()
    (tmp_path / "e2b/template.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_definition(tmp_path)


def test_the_image_installs_what_the_definition_says_it_holds() -> None:
    holds, text = load_definition(TOP).holds, render_dockerfile()
    assert {target for target in holds.targets if f"--target {target}" not in text} == set()
    toolchain = holds.toolchain()
    assert all(unmet_need("napi", platform, toolchain) is None for platform in PLATFORM_NAMES)
    words = {"cargo-zigbuild": '"cargo-zigbuild==', "cargo-xwin": '"cargo-xwin==', "clang": "clang-", "cmake": "cmake"}
    assert all(words[program] in text for program in holds.programs)
    assert "--component llvm-tools" in text
    assert toolchain.no_coverage is None


def test_the_image_contains_and_checks_the_runtimes_of_the_definition() -> None:
    definition, text = load_definition(TOP), render_dockerfile()
    runtimes = definition.holds.toolchain().runtimes
    runtime = runtimes["linux-arm64-gnu"]
    assert runtimes == {"linux-arm64-gnu": runtime, "linux-arm64-musl": Runtime(runtime.name, runtime.command[:1])}
    assert runtime.name == f"qemu {versions().qemu}"
    packages = re.findall(r"apt-get install -y --no-install-recommends ([^&]+)", text.replace("\\\n", ""))[0].split()
    assert {"qemu-user", "libstdc++6-arm64-cross", "libatomic1-arm64-cross", f"clang-tools-{versions().llvm}"} <= set(
        packages
    )
    start = f"{' '.join(runtime.command)} {runtime.node}"
    assert f"\n{start} --version\n" in text
    assert re.findall("^ARG NODE_VERSION=(.+)$", text, re.MULTILINE) == [runtime.node_version]
    directory, package = str(runtime.node).removesuffix("/bin/node").split("/node_modules/")
    assert re.search(rf'npm install --prefix {directory} --no-save .*"{package}@\$NODE_VERSION"', text)
    assert {each.expect for each in definition.checks if each.run.startswith(start)} == {
        f"v{runtime.node_version}arm64"
    }
    assert {each.expect for each in definition.checks if each.run == f"{runtime.command[0]} --version"} == {
        f"qemu-aarch64 version {versions().qemu}"
    }


RUNTIME = {"name": "qemu 10.0", "command": ["qemu"], "node": "/opt/node", "node_version": "24.0.0"}


@pytest.mark.parametrize(
    ("runtimes", "message"),
    [
        ({"linux-arm64": RUNTIME}, "linux-arm64"),
        ({"linux-x64-gnu": RUNTIME}, "for other platforms than the image's own, linux-x64-gnu"),
        ({"linux-arm64-gnu": {**RUNTIME, "command": []}}, "linux-arm64-gnu.command"),
        ({"linux-arm64-gnu": {**RUNTIME, "node": "bin/node"}}, "linux-arm64-gnu.node"),
        ({"linux-arm64-gnu": {**RUNTIME, "node": None}}, "node and node_version must be set together"),
    ],
)
def test_an_invalid_runtime_is_refused(tmp_path: Path, runtimes: object, message: str) -> None:
    definition = json.loads((TOP / "e2b/template.json").read_text())
    definition["holds"]["runtimes"] = runtimes
    write_files(tmp_path, {"e2b/template.json": json.dumps(definition)})
    with pytest.raises(InputError) as caught:
        load_definition(tmp_path)
    assert message in "\n".join(caught.value.problems)


def test_zig_compiles_for_the_image_what_it_would_for_each_crate(whole: str) -> None:
    """With the recipes' linker, and in the cache of the sandbox's commands."""
    toolchain = load_definition(TOP).holds.toolchain()
    linked = [each for each in PLATFORM_NAMES if toolchain.linker(each) == "zig"]
    assert len(linked) == 6
    for kind, platforms in PLATFORMS_OF_KIND.items():
        for platform in (each for each in linked if each in platforms):
            ours = cargo_target(kind, platform, "2.17", toolchain)
            assert f"(\n{ours.script('--offline --release')}\n)" in whole
    assert f"export HOME={command_environment(ROOT, '', 1, {})['HOME']} " in whole


def test_zigs_cache_is_writable_for_the_user_of_the_sandbox(whole: str) -> None:
    """Every build writes to the cache, so root must not own it."""
    assert whole.index("\nUSER user\n") < whole.index("\nRUN <<'ZIG'\n") < whole.index("\nRUN <<'PREFETCH'\n")
    assert {each.expect for each in load_definition(TOP).checks if ".cache/zig" in each.run} == {"writable"}


def test_an_image_that_does_not_say_that_it_holds_llvms_programs_measures_no_coverage() -> None:
    bare = TemplateContents(targets=(), programs=()).toolchain()
    assert bare.no_coverage == "e2b/template.json does not say that its image holds llvm-tools: holds.coverage"


def test_a_runner_gets_the_linkers_of_the_images_versions() -> None:
    """After a change of e2b/versions.json: `make lock`."""
    files = (TOP / f"requirements/{name}.txt" for name in ("linkers", "windows"))
    locked = dict(re.findall(r"^([a-z-]+)==(\S+)", "".join(file.read_text() for file in files), re.MULTILINE))
    assert locked.pop("ninja")  # of cargo-xwin, for C; the image has Debian's
    ours = versions()
    assert locked == {
        "cargo-zigbuild": ours.cargo_zigbuild,
        "cargo-xwin": ours.cargo_xwin,
        "ziglang": ours.ziglang,
    }


def test_each_version_is_written_in_one_place() -> None:
    """The Dockerfile's template and the definition name none, so an update is a change of e2b/versions.json."""
    template = (TOP / "templates/e2b/rust-napi-builder.Dockerfile.j2").read_text()
    definition = (TOP / "e2b/template.json").read_text()
    written = re.compile(r"\b\d+\.\d+\.\d+\b|llvm-\d|clang-\d|debian:\d|qemu \d")
    assert written.findall(re.sub("edition = .*|version = .*", "", template) + definition) == []
    assert versions().insert(definition) == versions().insert(versions().insert(definition))
    assert "{{{" not in versions().insert(definition) + render_dockerfile()


def test_the_images_node_runs_its_npm_and_packages() -> None:
    assert int(versions().node.partition(".")[0]) in (24, 26)
    assert versions().debian.partition(".")[0] == "13"


def test_the_definitions_variables_reach_each_of_its_commands() -> None:
    definition = load_definition(TOP)
    assert definition.env["RUST_BACKTRACE"] == "1"
    script = definition.script("env").splitlines()
    assert script == [*(f"export {name}={value}" for name, value in definition.env.items()), "env"]


def test_yarn_and_pnpm_are_on_path() -> None:
    text = render_dockerfile()
    for command in ("yarn", "pnpm"):
        [place] = re.findall(
            rf"^ln -s /opt/managers/{command}-(\S+)/node_modules/.bin/{command} /opt/node/bin/", text, re.MULTILINE
        )
        assert f"\n{command}-{place} {command}@{place} sha512." in text


@pytest.mark.parametrize(
    ("mounts", "message"),
    [
        ([{"name": "a b", "path": "/mnt/x"}], "mounts.0.name"),
        ([{"name": "a", "path": "/usr"}], "and not at /usr"),
        ([{"name": "a", "path": "/build/source"}], "and not at /build/source"),
        ([{"name": "a", "path": "/mnt/../usr"}], "and not at /mnt/../usr"),
        ([{"name": "a", "path": "mnt/x"}], "and not at mnt/x"),
        ([{"name": "a", "path": "/mnt/x"}, {"name": "b", "path": "/mnt/x/y"}], "/mnt/x/y is in more than one volume"),
        ([{"name": "a", "path": "/mnt/x"}, {"name": "b", "path": "/mnt/x"}], "/mnt/x is in more than one volume"),
    ],
)
def test_an_invalid_mount_is_refused(tmp_path: Path, mounts: object, message: str) -> None:
    definition = json.loads((TOP / "e2b/template.json").read_text())
    write_files(tmp_path, {"e2b/template.json": json.dumps({**definition, "mounts": mounts})})
    with pytest.raises(InputError) as caught:
        load_definition(tmp_path)
    assert message in "\n".join(caught.value.problems)


def test_volumes_may_hold_caches(tmp_path: Path) -> None:
    definition = json.loads((TOP / "e2b/template.json").read_text())
    mounts = [{"name": "cargo", "path": "/build/cargo/registry"}, {"name": "zig-1", "path": "/build/home/.cache/zig"}]
    write_files(tmp_path, {"e2b/template.json": json.dumps({**definition, "mounts": mounts})})
    assert load_definition(tmp_path).volumes() == {"/build/cargo/registry": "cargo", "/build/home/.cache/zig": "zig-1"}
    assert load_definition(TOP).volumes() == {}
