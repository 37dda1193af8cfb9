"""The lines that install packages, run by npm, pnpm, yarn and bun of several versions: from files, addresses, a registry."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from generator.manifest.names import tarball_name
from generator.manifest.values import Layout
from generator.packages.addon import addon_packages
from generator.packages.identity import Identity
from generator.packages.install_lines import INSTALLERS, install_line
from generator.packages.program import program_packages
from generator.packages.tarball import NpmPackage, write_tarball
from generator.platforms import PlatformName, addon_file, host_platform
from tests.documentation.sessions import ADDRESSES, FILES
from tests.managers import ADDON_SOURCE, VERSIONS, ManagerVersion
from tests.packages.conftest import node, package_json
from tests.serving.port import Port
from tests.support import HANGS, write_files

VERSION = "1.2.3"
ADDON, PROGRAM = "@demo/answer", "@demo/tool"
LOADER = """try { module.exports = require('./answer.HERE.node') } catch (error) {
  module.exports = require('@demo/answer-HERE')
}
"""
# No manager finds packages of this platform where the tests run.
ELSEWHERE: PlatformName = "win32-x64-msvc"


def made(top: Path, layout: Layout) -> tuple[NpmPackage, ...]:
    """Pack an addon and a program for this machine and for another one."""
    here = host_platform()
    assert here is not None
    platforms: tuple[PlatformName, ...] = (here, ELSEWHERE)
    addon = write_files(top / "addon", {"answer.c": ADDON_SOURCE})
    built = addon / addon_file("answer", here)
    shared = ["-shared", "-fPIC", *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else [])]
    assert node("cc", *shared, "-o", built, "answer.c", cwd=addon).returncode == 0
    write_files(
        addon,
        {"index.js": LOADER.replace("HERE", here), addon_file("answer", ELSEWHERE): "", "README.md": "# Answer\n"},
    )
    (addon / "answer.c").unlink()
    declared = {"name": ADDON, "version": VERSION, "main": "index.js", "napi": {"binaryName": "answer"}}
    program = top / "program"
    for platform, file in ((here, "tool"), (ELSEWHERE, "tool.exe")):
        write_files(program / "bin" / platform, {file: '#!/bin/sh\necho "ran $1"\n'})
        (program / "bin" / platform / file).chmod(0o755)
    return (
        *addon_packages(Identity(ADDON, VERSION, license="MIT"), declared, platforms, addon, layout),
        *program_packages(Identity(PROGRAM, VERSION, license="MIT"), ("tool",), program, layout),
    )


@dataclass(frozen=True)
class Shop:
    """Packages in a directory, and two hosts: a registry with those of the layout `split`, and one of releases."""

    top: Path
    registry: str
    releases: str


def registry(top: Path, packages: tuple[NpmPackage, ...]) -> Starlette:
    """Return an application that serves tarballs by file name, and describes packages as npm's registry does."""
    known = {each.name: each for each in packages}

    def file(request: Request) -> Response:
        return FileResponse(top / request.path_params["layout"] / request.path_params["file"])

    def package(request: Request) -> Response:
        if (found := known.get(request.path_params["name"])) is None:
            return JSONResponse({"error": "Not found"}, 404)
        archive = tarball_name(found.name, VERSION)
        content = (top / "split" / archive).read_bytes()
        dist = {
            "tarball": f"{str(request.base_url).rstrip('/')}/files/split/{archive}",
            "shasum": hashlib.sha1(content).hexdigest(),  # noqa: S324  as registries give it
            "integrity": f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}",
        }
        version = {**package_json(found), "dist": dist}
        times = dict.fromkeys(("created", "modified", VERSION), "2020-01-01T00:00:00.000Z")
        tags = {"latest": VERSION}
        return JSONResponse({"name": found.name, "dist-tags": tags, "versions": {VERSION: version}, "time": times})

    return Starlette(routes=[Route("/files/{layout}/{file}", file), Route("/{name:path}", package)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Serve the packages of both layouts."""
    top = tmp_path_factory.mktemp("shop")
    packed: dict[Layout, tuple[NpmPackage, ...]] = {}
    for layout in ("single", "split"):
        packed[layout] = made(top / "staged" / layout, layout)
        (top / layout).mkdir()
        for each in packed[layout]:
            write_tarball(each.files, top / layout / tarball_name(each.name, VERSION))
    app = registry(top, packed["split"])
    with closing(Port(app, 0, "registry")) as first, closing(Port(app, 0, "releases")) as second:
        first.open()
        second.open()
        yield Shop(top, first.url, second.url)


@dataclass(frozen=True)
class Project:
    """An empty project, and the manager that is first on PATH there."""

    top: Path
    program: ManagerVersion
    env: Mapping[str, str]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: TID251
            ["sh", "-c", line], cwd=self.top, env=self.env, capture_output=True, text=True, check=False, timeout=HANGS
        )

    def done(self, line: str) -> str:
        ran = self.run(line)
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
        return ran.stdout.strip()


@pytest.fixture(scope="module", params=VERSIONS)
def directories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ManagerVersion, list[Path]]:
    """Install one version of a manager from npm's registry."""
    wanted = VERSIONS[request.param]
    return wanted, wanted.install(tmp_path_factory.mktemp("manager"))


@pytest.fixture
def project(directories: tuple[ManagerVersion, list[Path]], shop: Shop, tmp_path: Path) -> Project:
    """Make an empty project whose only registry is that of the test."""
    wanted, own = directories
    write_files(tmp_path / "app", {"package.json": '{"name": "app", "private": true}\n', **wanted.files})
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    env = {
        "PATH": ":".join([*map(str, own), os.environ["PATH"]]),
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "npm_config_registry": f"{shop.registry}/",
        "pnpm_config_registry": f"{shop.registry}/",  # pnpm 11 and later read no variable of npm's
        "YARN_REGISTRY": f"{shop.registry}/",
        "YARN_NPM_REGISTRY_SERVER": shop.registry,
        "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
    }
    return Project(tmp_path / "app", wanted, env)


def check(project: Project) -> None:
    """Load the addon and start the program."""
    pnp = (project.top / ".pnp.cjs").exists()
    start, tool = ("yarn node", "yarn tool") if pnp else ("node", "node_modules/.bin/tool")
    assert project.done(f"{start} -p \"require('{ADDON}').answer\"") == "42"
    assert project.done(f"{tool} x") == "ran x"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["file", "address"])
def test_each_line_installs_packages_that_work(project: Project, shop: Shop, place: str) -> None:
    (project.top / "my packages").symlink_to(shop.top / "single")
    where = f"{shop.releases}/files/single" if place == "address" else "./my packages"
    for name in (ADDON, PROGRAM):
        project.done(install_line(project.program.installer, name, f"{where}/{tarball_name(name, VERSION)}"))
    check(project)


@pytest.mark.slow
def test_a_registry_has_packages_for_each_platform_of_which_one_is_installed(project: Project) -> None:
    for name in (ADDON, PROGRAM):
        project.done(install_line(project.program.installer, name, None))
    check(project)
    assert not list(project.top.glob(f"node_modules/@demo/*{ELSEWHERE}"))


def test_the_page_of_packages_has_these_lines() -> None:
    for session, place in ((ADDRESSES, "https://URL"), (FILES, "./FILE")):
        lines = [install_line(installer, "NAME", place).replace("https://URL", "URL") for installer in INSTALLERS]
        assert session.text().splitlines() == lines
