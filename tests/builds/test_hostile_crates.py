"""`cratematrix build` on crates that attack the builder, its terminal and the users of their packages."""

from __future__ import annotations

import json
import re
import socket
import subprocess

import pytest

from tests.builds.commands import ADDON, addon, build, report
from tests.conftest import MakeRepository
from tests.support import entry, library


@pytest.mark.attack("a package that was tampered with is built again")
def test_a_package_that_was_tampered_with_is_built_again(repository: MakeRepository) -> None:
    files = library("tool", rest='[[bin]]\nname = "tool"\npath = "src/main.rs"\n')
    top = repository([entry("tool", kind="bin")], files | {"tool/src/main.rs": "fn main() {}\n"})
    assert build(top, "--all").code == 0
    package = top / "dist" / report(top)["tool"]["package"]["file"]
    original = package.read_bytes()
    package.write_bytes(original[:-1])
    build(top, "--all")
    assert report(top)["tool"]["attempts"] == 1
    assert package.read_bytes() == original


@pytest.mark.attack("only variables that the manifest names reach a crate")
def test_only_named_variables_reach_a_crate(repository: MakeRepository) -> None:
    script = 'fn main() { for (k, v) in std::env::vars() { println!("cargo:warning={k}={}", v.to_uppercase()); } }\n'
    top = repository([entry("one", env=["ALLOWED"])], library("one") | {"one/build.rs": script})
    ran = build(top, "--all", ALLOWED="yes-this", FORBIDDEN="not-this", GITHUB_TOKEN="not-this-either")
    assert ran.code == 0
    assert "ALLOWED=YES-THIS" in ran.err
    assert "NOT-THIS" not in ran.err
    assert "NOT-THIS" not in (top / "dist/logs/one.log").read_text()


@pytest.mark.attack("nothing that a crate prints is a command of the terminal or of GitHub")
def test_what_crates_print_reaches_neither_the_terminal_nor_the_runner_as_a_command(repository: MakeRepository) -> None:
    prints = '#[test]\nfn prints() { eprintln!("\\u{1b}[31mred ##[error]x\\n::error::y\\u{7}"); panic!() }\n'
    top = repository([entry("one")], library("one", prints))
    ran = build(top, "--all")
    assert "[one] ::error::y" in ran.err  # behind a name it is no command
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
    assert "##[" not in ran.err
    assert not re.search(r"^\s*::", ran.err, re.MULTILINE)


@pytest.mark.attack("nothing of a crate runs while the network is open")
def test_nothing_of_the_crate_runs_while_the_network_is_open(repository: MakeRepository) -> None:
    files = addon("index.js", "exports.x = 1")
    package = json.loads(files["demo/package.json"])
    package["dependencies"] = {"evil": "git+file:///build/source/demo/evil.git"}
    files |= {
        "demo/package.json": json.dumps(package),
        "demo/.npmrc": "node-options=--require=/build/source/demo/pwn.js\nignore-scripts=false\nscript-shell=/build/x\n",
        "demo/pwn.js": "console.error('PWNED')",
        "demo/.cargo/config.toml": "[build]\nrustc = '/build/source/demo/rustc'\n",
        "demo/rustc": "#!/bin/sh\necho PWNED >&2\n",
    }
    for name, text in {
        "HEAD": "ref: refs/heads/main",
        "config": "[core]\nbare = true",
        "refs/x": "",
        "objects/x": "",
    }.items():
        files[f"demo/evil.git/{name}"] = text
    top = repository([entry("demo", kind="napi", commands={"build": ADDON})], files)
    assert build(top, "--all").code == 1
    assert report(top)["demo"]["failure"]["phase"] == "fetch"
    assert "PWNED" not in (top / "dist/logs/demo.log").read_text()


@pytest.mark.attack("nothing of a crate runs while the network is open")
@pytest.mark.parametrize(
    "settings",
    [
        "catalog:\n  evil: exec:./evil.js\n",
        'catalog: {evil: "\\x65xec:./evil.js"}\n',
        'packageExtensions: {"ms@*": {dependencies: {evil: "exec:./evil.js"}}}\n',
    ],
)
def test_no_setting_of_yarn_runs_code_of_the_crate_as_a_dependency(repository: MakeRepository, settings: str) -> None:
    files = addon("index.js", "exports.x = 1")
    package = json.loads(files["demo/package.json"])
    package |= {"packageManager": "yarn@4.9.4", "dependencies": {"evil": "catalog:", "ms": "2.1.3"}}
    files |= {
        "demo/package.json": json.dumps(package),
        "demo/.yarnrc.yml": settings,
        "demo/evil.js": "console.error('PWNED')",
    }
    top = repository([entry("demo", kind="napi", commands={"build": ADDON})], files)
    assert build(top, "--all").code == 1
    assert report(top)["demo"]["failure"]["phase"] == "fetch"
    assert "./evil.js" in report(top)["demo"]["failure"]["message"]
    assert "PWNED" not in (top / "dist/logs/demo.log").read_text()


@pytest.mark.attack("no variable is there to be sent away while the network is open")
def test_no_variable_is_there_to_be_sent_away_while_the_network_is_open(repository: MakeRepository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        files = addon("index.js", "exports.x = 1") | {
            "demo/.npmrc": f"registry=http://127.0.0.1:{port}/${{SECRET}}/\n@evil:registry=http://127.0.0.1:{port}/${{HOME}}/\n"
        }
        package = json.loads(files["demo/package.json"])
        files["demo/package.json"] = json.dumps(package | {"dependencies": {"@evil/x": "1"}})
        top = repository([entry("demo", kind="napi", env=["SECRET"], commands={"build": ADDON})], files)
        ran = build(top, "--all", SECRET="s3cr3t-value")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "s3cr3t-value" not in ran.err


@pytest.mark.attack("nothing that a crate prints is a command of the terminal or of GitHub")
def test_names_and_messages_of_crates_are_one_safe_line_wherever_they_are_shown(repository: MakeRepository) -> None:
    files = addon("lost\n::warning::W\x1b[31m\ud800.js", "") | library(
        "words", 'compile_error!("##[error]V1\\n::error::V2");\n'
    )
    top = repository([entry("demo", kind="napi", commands={"build": ADDON}), entry("words")], files)
    ran = build(top, "--all")
    assert ran.code == 1
    assert "##[" not in ran.err
    assert "\x1b" not in ran.err
    assert not re.search(r"^\s*::", ran.err, re.MULTILINE)
    assert "::warning::W" in report(top)["demo"]["failure"]["message"]


@pytest.mark.attack("npm runs no script when it installs a package", entry="H2")
def test_a_package_carries_no_install_script(repository: MakeRepository) -> None:
    top = repository([entry("demo", kind="napi", commands={"build": ADDON})], addon("index.js", "exports.x = 1"))
    assert build(top, "--all").code == 0
    package = top / "dist" / report(top)["demo"]["package"]["file"]
    shown = subprocess.run(["tar", "-xzOf", package, "package/package.json"], capture_output=True, check=True)  # noqa: TID251
    assert "postinstall" not in shown.stdout.decode()
