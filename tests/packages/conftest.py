"""Addons built by napi's own command line, and their packages, installed by npm as on any platform."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.manifest.names import tarball_name
from generator.manifest.values import Layout
from generator.packages.addon import addon_files, addon_packages, binary_name
from generator.packages.identity import Identity
from generator.packages.tarball import NpmPackage, write_tarball
from generator.platforms import NATIVE, PLATFORMS, PlatformName
from tests.installing import install
from tests.support import HANGS, TOP, write_files

HERE = Path(__file__).parent
# The packages of the sample fleet that use each version of napi's command line, for their lock files.
LOCKED = {"napi 2": "search", "napi 3": "text"}
VERSION = "1.2.3"
IDENTITY = Identity("@demo/answer", VERSION, license="MIT", repository="https://git.example/answer")
WASI = {
    "{0}.wasi.cjs": "require('@napi-rs/wasm-runtime');\nmodule.exports = { answer: 'wasm' };\n",
    "{0}.wasi-browser.js": "import '@napi-rs/wasm-runtime';\n",
    "{0}.wasm32-wasi.wasm": "\0asm",
    "wasi-worker.mjs": "",
    "wasi-worker-browser.mjs": "",
    "browser.js": "export * from '{1}-wasm32-wasi'\n",
}


def node(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Node or something that runs on it."""
    return subprocess.run(  # noqa: TID251
        [*map(str, words)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )


@dataclass(frozen=True)
class Addon:
    """A crate that napi's command line has built for this machine: its directory and its package.json."""

    top: Path
    declared: dict[str, Any]

    @property
    def binary(self) -> str:
        """The base name of its files."""
        return binary_name(self.declared)

    def staged(self, top: Path, platforms: tuple[PlatformName, ...]) -> Path:
        """Write the staged files; files of other platforms are placeholders, because only Node's choice counts."""
        shutil.copytree(self.top, top, ignore=shutil.ignore_patterns("node_modules", "target", "*.node", "derive"))
        for platform in platforms:
            for file in addon_files(self.binary, platform):
                if (self.top / file).exists():
                    shutil.copy(self.top / file, top / file)
                elif platform != "wasm32":
                    (top / file).write_text("a placeholder")
        if "wasm32" in platforms:
            write_files(top, {n.format(self.binary): t.replace("{1}", self.declared["name"]) for n, t in WASI.items()})
        return top

    def packages(
        self, top: Path, platforms: tuple[PlatformName, ...], layout: Layout, **more: Any
    ) -> tuple[NpmPackage, ...]:
        """Return its packages."""
        return addon_packages(IDENTITY, self.declared | more, platforms, self.staged(top, platforms), layout)


@pytest.fixture(scope="session", params=LOCKED)
def addon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Addon:
    """Build the crate in `answer` with one version of napi's command line."""
    top, scratch = tmp_path_factory.mktemp("addon") / "answer", tmp_path_factory.mktemp("napi")
    shutil.copytree(HERE / "answer", top)
    package = TOP / "tests/fleet/packages" / LOCKED[request.param]
    for name in ("package.json", "package-lock.json"):
        shutil.copy(package / name, top)
    declared = json.loads((top / "package.json").read_text())
    for words in (
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        ("npx", "--no-install", "napi", "build", "--platform", "--release"),
    ):
        # napi leaves a file in the temporary directory.
        ran = node(*words, cwd=top, TMPDIR=str(scratch))
        assert ran.returncode == 0, ran.stdout + ran.stderr
    # What tsc makes of `export * from "../index.js"`.
    write_files(top, {"README.md": "# Answer\n", "LICENSE": "MIT\n"})
    write_files(top, {"dist/index.js": 'module.exports = require("../index.js");\n', "dist/index.d.ts": "export {};\n"})
    return Addon(top, declared)


@dataclass(frozen=True)
class Tarballs:
    """Tarballs in a directory, from which npm installs."""

    top: Path
    root: str
    names: Mapping[str, str]

    def install(self, folder: Path, platform: PlatformName | None, *more: str) -> list[str]:
        """Install the root package, and `more`, into an empty folder as on a platform; return what is there then.

        npm takes the packages that the root depends on from the shop; all of them as direct dependencies would be an
        error (EBADPLATFORM), for each is for one platform.
        """
        folder.mkdir(parents=True)
        overrides = {name: f"file:{self.top / file}" for name, file in self.names.items() if name not in more}
        (folder / "package.json").write_text(json.dumps({"private": True, "overrides": overrides}))
        where = () if platform is None else _where(platform)
        wanted = (self.top / self.root, *(self.top / self.names[name] for name in more))
        install(folder, "--offline", *where, *wanted)
        return sorted(path.name for path in (folder / "node_modules/@demo").iterdir())


def _where(platform: PlatformName) -> tuple[str, ...]:
    known = PLATFORMS[platform]
    return (f"--os={known.os}", f"--cpu={known.cpu}", *([f"--libc={known.libc}"] if known.libc else []))


def write_tarballs(top: Path, packages: tuple[NpmPackage, ...]) -> Tarballs:
    """Write packages as tarballs."""
    top.mkdir(exist_ok=True)
    files = {each.name: tarball_name(each.name, VERSION) for each in packages}
    for each in packages:
        write_tarball(each.files, top / files[each.name])
    root, *others = files
    return Tarballs(top, files[root], {name: files[name] for name in others})


TarballsOf = Callable[[Layout], Tarballs]


@pytest.fixture(scope="session")
def addon_tarballs(addon: Addon, tmp_path_factory: pytest.TempPathFactory) -> TarballsOf:
    """Return the packages for all native platforms, in a layout."""
    made: dict[Layout, Tarballs] = {}

    def of(layout: Layout) -> Tarballs:
        if layout not in made:
            top = tmp_path_factory.mktemp(layout)
            made[layout] = write_tarballs(top / "tgz", addon.packages(top / "staged", NATIVE, layout))
        return made[layout]

    return of


def load(folder: Path, system: str, words: str = "require('@demo/answer')") -> subprocess.CompletedProcess[str]:
    """Load the package in a Node that looks like "os,cpu,libc", and print which addon it asked for."""
    script = f"Promise.resolve({words}).then((it) => console.log(it.answer))"
    return node("node", "--require", HERE / "as.cjs", "--eval", script, cwd=folder, AS=system)


def package_json(package: NpmPackage) -> dict[str, Any]:
    """Return a package's package.json."""
    (content,) = (file.content for file in package.files if file.path == "package.json")
    assert isinstance(content, bytes)
    return dict(json.loads(content))
