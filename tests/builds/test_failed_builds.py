"""`cratematrix build` on crates that fail: the phase, the message and the position in the report."""

from __future__ import annotations

import json

import pytest

from tests.builds.commands import ADDON, addon, build, report
from tests.conftest import MakeRepository
from tests.support import cratematrix, entry, library, write_files


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


def test_a_crate_in_quarantine_stops_no_run_until_its_last_day(repository: MakeRepository) -> None:
    files = library("good") | library("again") | library("held", "pub fn one() -> u8 { no }\n")
    quarantine = {"reason": "its author is away", "until": "9999-12-31"}
    crates = [entry("good"), *(entry(name, quarantine=quarantine) for name in ("again", "held"))]
    top = repository(crates, files)
    ran = build(top, "--all")
    assert ran.code == 0, ran.err
    why = "held/src/lib.rs:1: cannot find value `no` in this scope (E0425)"
    assert f"in quarantine until 9999-12-31: its author is away; {why}" in ran.err
    assert "note on again: it builds again: remove its quarantine" in ran.err
    assert "3 crates: 2 built, 1 failed in quarantine" in ran.err
    held = {**quarantine, "state": "holds"}
    assert {name: each["quarantine"] for name, each in report(top).items()} == {
        "good": None,
        "again": held,
        "held": held,
    }
    # Another day decides anew, also for a crate that is reused from the build cache.
    text = (top / "crates.json").read_text()
    (top / "crates.json").write_text(text.replace("9999-12-31", "2000-01-01"))
    late = build(top, "--all")
    assert late.code == 1
    assert "held failed, and its quarantine ended on 2000-01-01\nerror: 1 of 3 crates failed\n" in late.err
    assert report(top)["again"]["quarantine"]["state"] == "ended"


def test_a_run_of_one_crate_in_quarantine_fails_and_a_shard_of_it_does_not(repository: MakeRepository) -> None:
    quarantine = {"reason": "its author is away", "until": "9999-12-31"}
    top = repository([entry("held", quarantine=quarantine)], library("held", "pub fn one() -> u8 { no }\n"))
    alone = build(top, "--crate", "held")
    assert alone.code == 1
    assert "error: no crate was built; 1 of 1 crate failed in quarantine\n  fix: read dist/logs/held.log" in alone.err
    shard = build(top, "--shard", "1/1")
    assert (shard.code, "1 crate: 1 failed in quarantine" in shard.err) == (0, True)
    (top / "dist/report.json").unlink()
    assert cratematrix("report", cwd=top).code == 1


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
