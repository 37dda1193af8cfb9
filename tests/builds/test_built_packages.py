"""`cratematrix build` on crates whose package needs a program, documents or a package manager."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile

import pytest

from tests.builds.commands import ADDON, addon, build, report
from tests.conftest import MakeRepository
from tests.support import HANGS, entry, git_repository, library


def test_the_package_has_the_built_program_and_not_that_of_the_tests(repository: MakeRepository) -> None:
    """Features of development dependencies make Cargo replace the program with another one."""
    says = 'fn main() { print!("{}", two::word()); }\n'
    depends = (
        '[dependencies]\ntwo = { path = "two" }\n[dev-dependencies]\ntwo = { path = "two", features = ["loud"] }\n'
    )
    files = library("one", rest=depends) | {"one/src/main.rs": says, "one/tests/a.rs": "#[test]\nfn a() {}\n"}
    files["one/two/Cargo.toml"] = (
        '[package]\nname = "two"\nversion = "1.0.0"\nedition = "2021"\n[features]\nloud = []\n'
    )
    files["one/two/src/lib.rs"] = (
        'pub fn word() -> &\'static str { if cfg!(feature = "loud") { "as-tested" } else { "as-built" } }\n'
    )
    files["one/Cargo.lock"] = (
        'version = 4\n\n[[package]]\nname = "one"\nversion = "1.0.0"\ndependencies = [\n "two",\n]\n\n'
        '[[package]]\nname = "two"\nversion = "1.0.0"\n'
    )
    top = repository([entry("one", kind="bin")], files)
    ran = build(top, "--all")
    assert ran.code == 0, ran.err
    with tarfile.open(top / "dist" / report(top)["one"]["package"]["file"]) as tar:
        program = tar.extractfile("package/bin/linux-x64-gnu/one")
        assert program is not None
        assert b"as-built" in program.read()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("manager", "settings"),
    [("yarn@4.18.1", ".yarnrc.yml"), ("pnpm@10.34.8", "pnpm-workspace.yaml")],
    ids=["yarn", "pnpm"],
)
def test_an_addon_whose_crate_is_elsewhere_is_built_with_the_manager_of_its_workspace(
    repository: MakeRepository, manager: str, settings: str
) -> None:
    """The build needs a package of npm's registry."""
    package = {
        "name": "@demo/demo", "version": "1.0.0", "main": "index.js", "napi": {"binaryName": "demo"},
        "scripts": {"build": "sh build.sh", "postinstall": "touch /build/ran"}, "devDependencies": {"ms": "2.1.3"},
    }  # fmt: skip
    files = library("demo") | {
        "package.json": json.dumps({"private": True, "packageManager": manager, "workspaces": ["npm/*"]}),
        settings: "nodeLinker: node-modules\n" if "yarn" in settings else "packages:\n  - npm/*\n",
        "npm/demo/package.json": json.dumps(package),
        "npm/demo/index.js": "exports.x = 1",
        "npm/demo/build.sh": f"set -e\n[ ! -e /build/ran ]\nnode -p \"require('ms')('1s')\"\n{ADDON}\n",
    }
    source = {"path": "demo", "package": "npm/demo"}
    top = repository([entry("demo", kind="napi", source=source)], files)
    ran = build(top, "--all")
    assert ran.code == 0, ran.err
    name, version = manager.split("@")
    log = next((top / "dist").rglob("*.log")).read_text()
    assert f"note: {name} {version} installs its npm packages without a lock file" in log
    assert report(top)["demo"]["state"] == "built"


def test_documents_of_any_name_go_into_the_package(repository: MakeRepository) -> None:
    files = library("tool", rest='[[bin]]\nname = "tool"\npath = "src/main.rs"\n') | {
        "tool/src/main.rs": "fn main() {}\n", "tool/README (old).md": "old", "tool/LICENSES/MIT.txt": "MIT", "tool/LICENSE": "MIT",
    }  # fmt: skip
    top = repository([entry("tool", kind="bin")], files)
    assert build(top, "--all").code == 0
    with tarfile.open(top / "dist" / report(top)["tool"]["package"]["file"]) as tar:
        assert {"package/README (old).md", "package/LICENSE"} < set(tar.getnames())


def test_documents_are_in_the_package_however_a_crate_has_them(repository: MakeRepository) -> None:
    shared = '[workspace]\nmembers = ["tool"]\n[workspace.package]\nlicense-file = "legal/terms.txt"\n'
    named = 'license-file.workspace = true\nreadme = "../docs/intro.md"\n'
    files = {
        "Cargo.toml": shared, "Cargo.lock": 'version = 4\n\n[[package]]\nname = "tool"\nversion = "1.0.0"\n',
        "tool/Cargo.toml": f'[package]\nname = "tool"\nversion = "1.0.0"\nedition = "2021"\n{named}',
        "tool/src/main.rs": "fn main() {}\n", "tool/License.txt": "other terms", "tool/notice.md": "lower case", "tool/readme": "lower", "tool/README": "upper", "tool/README.md": "for readers of the code",
        "docs/intro.md": "for users", "legal/terms.txt": "terms", "COPYING": "linked", "secret": "of the repository",
    }  # fmt: skip
    top = repository([entry("tool", kind="bin", tests=False)], files)
    (top / "tool/COPYING").symlink_to("../COPYING")
    git_repository(top)
    ran = build(top, "--all")
    assert ran.code == 0, ran.err
    with tarfile.open(top / "dist/demo-tool-1.0.0.tgz") as tar:
        documents = {
            member.name.removeprefix("package/"): (tar.extractfile(member) or io.BytesIO()).read().decode()
            for member in tar
            if "/bin/" not in member.name and not member.name.endswith(".json")
        }
    assert documents == {
        "README.md": "for users", "LICENSE.txt": "terms", "notice.md": "lower case", "README": "upper", "COPYING": "linked",
    }  # fmt: skip


@pytest.mark.parametrize("out", ["dist", "my packages"])
def test_a_build_ends_with_a_line_that_installs_a_package(repository: MakeRepository, out: str) -> None:
    crate = entry("demo", kind="napi", commands={"build": ADDON})
    top = repository([entry("one"), crate], library("one") | addon("index.js", "exports.x = 1"))
    ran = build(top, "--all", "--out", out)
    assert ran.code == 0, ran.err
    (line,) = re.findall(r"^to install a package: (.*)$", ran.err, re.MULTILINE)
    assert ran.err.endswith(f"{line}\n")
    install = ["sh", "-c", f"{line} --no-audit --no-fund --offline"]
    subprocess.run(install, cwd=top, check=True, timeout=HANGS)  # noqa: TID251
    assert (top / "node_modules/@demo/demo/index.js").is_file()


def test_a_build_prints_no_line_without_a_package(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    ran = build(top, "--all")
    assert (ran.code, "to install" in ran.err) == (0, False)
