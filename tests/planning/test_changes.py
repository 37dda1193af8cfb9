"""The crates that a change of a real git repository affects, from commits to reasons."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from generator.errors import InputError
from generator.manifest.reading import load_manifest
from generator.planning.affected import Reason, WholeFleet, affected
from generator.planning.changes import changes
from generator.planning.git_history import CheckedOut, checked_out
from generator.sources.collect import SourceLocations, collect, fleet_files
from tests.repositories import crate, git, package, repository
from tests.support import write_files

REGISTRY = 'source = "registry+https://example.invalid/index"\n'
LOCK = f"""version = 4

[[package]]
name = "one"
version = "1.0.0"
dependencies = ["serde", "shared"]

[[package]]
name = "two"
version = "1.0.0"
dependencies = ["log"]

[[package]]
name = "shared"
version = "1.0.0"

[[package]]
name = "log"
version = "0.4.1"
{REGISTRY}
[[package]]
name = "serde"
version = "1.0.0"
{REGISTRY}"""
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/one", "crates/two", "crates/shared", "crates/other"]\n',
    "Cargo.lock": LOCK,
    "README.md": "words",
    ".cargo/config.toml": "[build]\n",
    "crates/one/Cargo.toml": package("one", "[dependencies]\nserde = '1'\nshared = { path = '../shared' }\n"),
    "crates/one/src/lib.rs": "//! one\n",
    "crates/two/Cargo.toml": package("two", "[dependencies]\nlog = '0.4'\n"),
    "crates/two/src/lib.rs": "//! two\n",
    "crates/shared/Cargo.toml": package("shared"),
    "crates/shared/src/lib.rs": "//! shared\n",
    "crates/other/Cargo.toml": package("other"),
    "crates/other/src/lib.rs": "//! in no fleet\n",
    "apart/Cargo.toml": package("apart", "[workspace]\n"),
    "apart/Cargo.lock": 'version = 4\n\n[[package]]\nname = "apart"\nversion = "1.0.0"\n',
    "apart/src/lib.rs": "//! a workspace of its own\n",
    "e2b/template.json": "{}\n",
    "e2b/rust-napi-builder.Dockerfile": "FROM x\nRUN <<'FLEET'\nregistry far 1.0.0\nFLEET\nUSER user\n",
}
PATHS = {"one": "crates/one", "two": "crates/two", "apart": "apart"}


def digests_of(path: str, top: Path, scratch: Path) -> tuple[str, str]:
    """Return the digests of the archive of a source."""
    found = collect(crate({"path": path}), SourceLocations(top, ".", scratch), scratch / "tar")
    return found.digest, found.lock_digest


CRATES: dict[str, dict[str, Any]] = {
    **{name: {"source": {"path": path}} for name, path in PATHS.items()},
    "app": {"source": {"registry": "app", "version": "1.0.0"}, "depends_on": ["one"]},
    "far": {"source": {"registry": "far", "version": "1.0.0"}},
    "away": {"source": {"git": "https://git.example.invalid/away", "rev": "a" * 40}},
}


def manifest_text(crates: dict[str, dict[str, Any]] = CRATES, **fleet: Any) -> str:
    head = {"npm_scope": "@demo", "platforms": ["linux-x64-gnu"], "action": "you/cratematrix@v1", **fleet}
    entries = [{"name": name, "version": "1.0.0", "kind": "lib", **crate} for name, crate in crates.items()]
    return json.dumps({"schema_version": 1, "fleet": head, "crates": entries}, indent=1)


def entry_with(name: str, **more: Any) -> str:
    return manifest_text({**CRATES, name: {**CRATES[name], **more}})


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with a workspace, a crate outside of it, and crates of other sources; one commit on main."""
    top = repository(tmp_path / "repo", {**FILES, "crates.json": manifest_text()})
    git(top, "branch", "--move", "main")
    return top


def commit(top: Path, files: dict[str, str]) -> str:
    write_files(top, files)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--allow-empty", "--message", "more")
    return git(top, "rev-parse", "HEAD")


def reasons(top: Path, ref: str = "main", backend: str = "local", file: str = "crates.json") -> tuple[Reason, ...]:
    manifest = load_manifest(top / file)
    return affected(manifest, changes(manifest, top / file, ref, backend))


def built(top: Path, ref: str = "main", backend: str = "local", file: str = "crates.json") -> dict[str, str]:
    return {each.crate: each.reason for each in reasons(top, ref, backend, file) if each.built}


APP = {"app": "it depends on one, which is built"}


def marking(tmp_path: Path) -> tuple[Path, Path]:
    """Make a program, and return the file that it creates when it runs."""
    ran, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho x >>'{ran}'\ncat\n")
    program.chmod(0o755)
    return ran, program


def both(reason: str) -> dict[str, str]:
    return {"one": reason, "two": reason, **APP}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"crates/one/src/lib.rs": "//! new\n"}, {"one": "crates/one/src/lib.rs changed", **APP}),
        ({"crates/one/new.txt": "new"}, {"one": "crates/one/new.txt changed", **APP}),
        (
            {"crates/two/a.rs": "", "crates/two/b.rs": "", "crates/two/c.rs": ""},
            {"two": "crates/two/a.rs and 2 more files changed"},
        ),
        ({"README.md": "other words", "crates/other/src/lib.rs": "", "docs/x.md": ""}, {}),
        (
            {"crates/shared/src/lib.rs": "//! new\n"},
            {"one": "its path dependency crates/shared changed: crates/shared/src/lib.rs", **APP},
        ),
        ({".cargo/config.toml": "[net]\n"}, both(".cargo/config.toml changed") | {"apart": ".cargo/config.toml changed"}),
        ({"crates/rust-toolchain": "nightly\n"}, both("crates/rust-toolchain changed")),
        ({"crates/other/rust-toolchain.toml": "", "docs/rust-toolchain": "nightly"}, {}),
        ({"Cargo.toml": FILES["Cargo.toml"] + "[profile.release]\nlto = true\n"}, both("Cargo.toml changed")),
        (
            {"Cargo.toml": FILES["Cargo.toml"].replace("other", "more"), "crates/more/Cargo.toml": package("more")},
            {},
        ),
        ({"Cargo.lock": LOCK.replace("0.4.1", "0.4.2")}, {"two": "Cargo.lock changed for it: log"}),
        (
            {"Cargo.lock": LOCK.replace('"serde", ', "").replace("1.0.0", "1.0.9")},
            {"one": "Cargo.lock changed for it: one, serde, shared", "two": "Cargo.lock changed for it: two", **APP},
        ),
        ({"Cargo.lock": LOCK + '\n[[package]]\nname = "unused"\nversion = "1.0.0"\n'}, {}),
        ({"Cargo.lock": LOCK.replace("version = 4", "version = 3")}, both("Cargo.lock changed")),
        ({"Cargo.lock": "version = ["}, both("Cargo.lock changed")),
        ({"apart/Cargo.lock": "version = ["}, {"apart": "apart/Cargo.lock changed"}),
        ({"crates.json": entry_with("far", kind="bin")}, {"far": "its settings in the manifest changed: kind"}),
        (
            {"crates.json": entry_with("away", source={**CRATES["away"]["source"], "rev": "b" * 40})},
            {"away": "its settings in the manifest changed: source"},
        ),
        ({"crates.json": entry_with("two", expected_minutes=99)}, {}),
        ({"crates.json": manifest_text(slots=2, limits={"github_jobs": 2})}, {}),
        ({"crates.json": manifest_text(size="small")}, dict.fromkeys(CRATES, "its settings in the manifest changed: size")),
        (
            {"crates.json": manifest_text(action="you/cratematrix@v2")},
            dict.fromkeys(CRATES, "the action changed from you/cratematrix@v1 to you/cratematrix@v2"),
        ),
        ({"generator/x.py": "", "action.yml": ""}, {}),
        ({"e2b/template.json": "{ }\n"}, {}),
    ],
)  # fmt: skip
def test_a_push_builds_changed_crates_and_their_dependents(
    top: Path, files: dict[str, str], expected: dict[str, str]
) -> None:
    git(top, "checkout", "--quiet", "-b", "work")
    commit(top, files)
    assert built(top) == expected
    left_out = {each.reason for each in reasons(top) if not each.built}
    since = git(top, "rev-parse", "main")[:12]
    assert left_out <= {f"nothing that it is built from changed since main ({since})"}
    assert len(reasons(top)) == len(CRATES)


def edited(path: str, text: str) -> Any:
    return pytest.param(lambda top: write_files(top, {path: text}), id=path)


@pytest.mark.parametrize(
    "edit",
    [
        *(edited(path, f"{text}\n# more\n") for path, text in FILES.items() if path.endswith((".toml", ".rs"))),
        edited("crates/one/Cargo.toml", package("one", "[dependencies]\nserde = '1'\n")),
        edited("crates/two/Cargo.toml", package("two", "[dependencies]\nother = { path = '../other' }\n")),
        edited("crates/one/sub/Cargo.toml", package("sub")),
        edited("crates/one/rust-toolchain.toml", "[toolchain]\n"),
        edited("rust-toolchain.toml", "[toolchain]\n"),
        edited("crates/.cargo/config.toml", "[build]\n"),
        edited("crates/Cargo.toml", "[workspace]\nmembers = ['one', 'shared']\n"),
        edited("Cargo.toml", "[workspace]\nmembers = ['crates/*']\nexclude = ['crates/two']\n"),
        pytest.param(lambda top: (top / "crates/one/src/lib.rs").chmod(0o755), id="a mode"),
        pytest.param(lambda top: (top / "crates/two/link").symlink_to("src/lib.rs"), id="a link"),
        pytest.param(lambda top: (top / "crates/shared/src/lib.rs").unlink(), id="a deletion"),
        pytest.param(
            lambda top: (top / "crates/two/src/lib.rs").rename(top / "crates/one/src/two.rs"), id="a rename"
        ),
        pytest.param(lambda top: (top / "crates/one/src/lib.rs").touch(), id="a touch"),
    ],
)  # fmt: skip
def test_files_are_a_reason_if_and_only_if_the_archive_of_the_source_changes(
    top: Path, edit: Any, tmp_path: Path
) -> None:
    def digests() -> dict[str, tuple[str, str]]:
        return {name: digests_of(path, top, tmp_path) for name, path in PATHS.items()}

    before = digests()
    edit(top)
    git(top, "add", "--all")
    after = digests()
    assert built(top).keys() - {"app"} == {name for name in PATHS if before[name] != after[name]}


@pytest.mark.parametrize("members", ["'a', 'sub'", "'a', 'sub', 'sub/deep'", "'a', 'b'", "'*'"])
def test_unchanged_files_are_a_reason_when_they_leave_the_archive(tmp_path: Path, members: str) -> None:
    def root(members: str) -> dict[str, str]:
        return {"Cargo.toml": package("root", f"[workspace]\nmembers = [{members}]\n")}

    crates = {f"{each}/Cargo.toml": package(each.replace("/", "-")) for each in ("a", "sub", "sub/deep")}
    manifest = {"crates.json": manifest_text({"root": {"source": {"path": "."}}})}
    top = repository(tmp_path / "repo", {**root("'a'"), **crates, **manifest, "src/lib.rs": "", "sub/x": ""})

    before = digests_of(".", top, tmp_path)
    write_files(top, root(members))
    assert built(top, "HEAD").keys() == ({"root"} if digests_of(".", top, tmp_path) != before else set())


AT_THE_TOP = {
    "Cargo.toml": package("root", 'exclude = ["docs"]\n[workspace]\n'),
    "src/lib.rs": "",
    "README.md": "",
    "docs/a.md": "",
    "proto/x.proto": "",
    "tools/x/Cargo.toml": package("x", "[workspace]\n"),
    "tools/x/src/main.rs": "",
    ".github/workflows/ci.yml": "",
    "e2b/rust-napi-builder.Dockerfile": "",
}


@pytest.mark.parametrize(
    ("path", "is_built"),
    [
        ("src/lib.rs", True),
        ("README.md", True),
        ("new.txt", True),
        ("Cargo.toml", True),
        ("proto/x.proto", True),
        ("proto/new.proto", True),
        ("src/Cargo.toml", True),
        ("docs/a.md", False),
        ("docs/b.md", False),
        ("tools/x/src/main.rs", False),
        ("tools/x/Cargo.toml", False),
        ("tools/y/Cargo.toml", False),
        (".github/workflows/ci.yml", False),
        ("e2b/rust-napi-builder.Dockerfile", False),
    ],
)
def test_a_crate_at_the_top_is_built_for_its_own_files_alone(tmp_path: Path, path: str, is_built: bool) -> None:
    def manifest(minutes: int) -> dict[str, str]:
        one = {"source": {"path": "."}, "include": ["proto/*"], "expected_minutes": minutes}
        return {"crates.json": manifest_text({"root": one})}

    def digest() -> str:
        root = load_manifest(here / "crates.json")
        places = SourceLocations(here, ".", tmp_path, fleet_files=fleet_files(root, "crates.json"))
        return collect(root.crates[0], places, tmp_path / "tar").digest

    here = repository(tmp_path / "repo", {**AT_THE_TOP, **manifest(1)})
    before = digest()
    write_files(here, manifest(2))
    assert built(here, "HEAD") == {}
    text = AT_THE_TOP.get(path, package("y") if path.endswith("Cargo.toml") else "")
    write_files(here, {path: text + "# new\n"})
    git(here, "add", "--all")
    assert built(here, "HEAD").keys() == ({"root"} if is_built else set())
    assert (digest() != before) == is_built


SHARED = """[workspace]
members = ["crates/*"]

[workspace.package]
edition = "2021"
version = "1.0.0"

[workspace.dependencies]
serde = "1"
log = { version = "0.4" }

[workspace.dependencies.third]
version = "1"

[profile.release]
lto = true

[workspace.lints.rust]
unsafe_code = "forbid"
"""


@pytest.mark.parametrize(
    ("was", "now", "crates"),
    [
        ('serde = "1"', 'serde = "1.0.1"', {"one"}),
        ('serde = "1"', 'serde = { version = "1", features = ["derive"] }', {"one"}),
        ('version = "0.4"', 'version = "0.4.1"', {"two"}),
        ('[workspace.dependencies.third]\nversion = "1"', '[workspace.dependencies.third]\nversion = "2"', {"dev"}),
        ('log = { version = "0.4" }', 'log = { version = "0.4" }\nnew = "1"', set()),
        ('edition = "2021"', 'edition = "2018"', {"two"}),
        ('version = "1.0.0"', 'version = "1.0.1"', set()),
        ('"forbid"', '"deny"', {"dev"}),
        ("lto = true", "lto = false", {"one", "two", "dev"}),
    ],
)
def test_a_line_that_members_inherit_builds_those_that_inherit_it(
    tmp_path: Path, was: str, now: str, crates: set[str]
) -> None:
    members = {
        "one": package("one", "[dependencies]\nserde.workspace = true\n"),
        "two": package("two", "edition.workspace = true\n[target.'cfg(unix)'.build-dependencies]\nlog = { workspace = true }\n"),
        "dev": package("dev", "[lints]\nworkspace = true\n[dev-dependencies]\nthird.workspace = true\n"),
    }  # fmt: skip
    files = {f"crates/{name}/Cargo.toml": text for name, text in members.items()}
    files |= {f"crates/{name}/src/lib.rs": "" for name in members}
    fleet = manifest_text({name: {"source": {"path": f"crates/{name}"}} for name in members})
    top = repository(tmp_path / "repo", {**files, "Cargo.toml": SHARED, "crates.json": fleet})

    def digests() -> dict[str, str]:
        places = SourceLocations(top, ".", tmp_path)
        return {name: collect(crate({"path": f"crates/{name}"}), places, tmp_path / "tar").digest for name in members}

    before = digests()
    assert was in SHARED
    write_files(top, {"Cargo.toml": SHARED.replace(was, now)})
    after = digests()
    assert built(top, "HEAD").keys() == crates == {name for name in members if before[name] != after[name]}


def test_what_a_link_or_cargo_toml_names_is_a_reason_too(tmp_path: Path) -> None:
    names = {"linked": "", "named": 'readme = "../../README.md"\n', "other": ""}
    files = {f"crates/{name}/Cargo.toml": package(name, f"{rest}[workspace]\n") for name, rest in names.items()}
    files |= {f"crates/{name}/src/lib.rs": "" for name in names}
    fleet = manifest_text({name: {"source": {"path": f"crates/{name}"}} for name in names})
    top = write_files(tmp_path / "repo", {**files, "README.md": "", "docs/a.md": "", "crates.json": fleet})
    (top / "crates/linked/README.md").symlink_to("../../README.md")
    (top / "crates/linked/docs").symlink_to("../../docs")
    repository(top, {})
    write_files(top, {"README.md": "new"})
    assert built(top, "HEAD") == dict.fromkeys(("linked", "named"), "README.md changed")
    git(top, "commit", "--quiet", "--all", "--message", "next")
    write_files(top, {"docs/b.md": ""})
    git(top, "add", "--all")
    assert built(top, "HEAD") == {"linked": "docs/b.md changed"}
    git(top, "commit", "--quiet", "--message", "next")
    (top / "crates/linked/docs").unlink()
    (top / "crates/linked/docs").symlink_to("../other")
    assert built(top, "HEAD").keys() == {"linked"}


def test_deleted_and_added_files_are_reasons(top: Path) -> None:
    git(top, "mv", "crates/two/src/lib.rs", "crates/one/src/two.rs")
    assert built(top) == {"one": "crates/one/src/two.rs changed", "two": "crates/two/src/lib.rs changed", **APP}


def test_a_crate_whose_files_cannot_be_collected_is_built_to_show_the_error(top: Path) -> None:
    git(top, "rm", "--quiet", "-r", "crates/shared")
    reason = "its files cannot be compared: crates/shared/Cargo.toml is missing, or not tracked by git"
    assert built(top) == {"one": reason, **APP}


def test_uncommitted_changes_count_and_files_that_git_does_not_track_do_not(top: Path) -> None:
    write_files(top, {"crates/one/untracked.rs": ""})
    assert built(top, "HEAD") == {}
    write_files(top, {"crates/two/src/lib.rs": "// not yet committed"})
    assert built(top, "HEAD") == {"two": "crates/two/src/lib.rs changed"}
    git(top, "add", "crates/one/untracked.rs")
    assert built(top, "HEAD").keys() == {"one", "two", "app"}


def test_changes_on_the_other_branch_do_not_count(top: Path) -> None:
    git(top, "checkout", "--quiet", "-b", "work")
    commit(top, {"crates/two/src/lib.rs": "// of this branch"})
    git(top, "checkout", "--quiet", "main")
    commit(top, {"crates/one/src/lib.rs": "// of the other"})
    git(top, "checkout", "--quiet", "work")
    assert built(top, "main") == {"two": "crates/two/src/lib.rs changed"}


@pytest.mark.parametrize("name", ["with space.rs", "line\nbreak.rs", '"quotes"\t.rs', "ünïcode.rs", "-x", "::error::"])
def test_any_file_name_is_shown_in_one_line(top: Path, name: str) -> None:
    commit(top, {f"crates/two/{name}": "x"})
    (reason,) = built(top, "HEAD~1").values()
    assert reason.isprintable()
    assert "::" not in reason


def test_names_that_are_not_utf_8_are_files_too(top: Path) -> None:
    (Path(os.fsdecode(os.fsencode(top) + b"/crates/two/\xff\xfe"))).write_text("x")
    commit(top, {})
    assert built(top, "HEAD~1") == {"two": r"crates/two/\udcff\udcfe changed"}
    (Path(os.fsdecode(os.fsencode(top) + b"/crates/two/\xff\xfe"))).unlink()
    assert built(top, "HEAD") == {"two": r"crates/two/\udcff\udcfe changed"}


def test_a_manifest_in_a_subfolder_has_its_sources_and_its_template_beside_it(top: Path) -> None:
    text = manifest_text({"near": {"source": {"path": "near"}}, "far": CRATES["far"]})
    near = {"fleet/near/Cargo.toml": package("near", "[workspace]\n"), "fleet/near/src/lib.rs": ""}
    commit(top, {"fleet/crates.json": text, **near, "fleet/e2b/template.json": "{}"})
    write_files(top, {"fleet/near/src/lib.rs": "// new", "crates/one/src/lib.rs": "// new"})
    assert built(top, "HEAD", file="fleet/crates.json") == {"near": "fleet/near/src/lib.rs changed"}
    assert built(top, "HEAD", "e2b", "fleet/crates.json").keys() == {"near"}
    write_files(top, {"fleet/e2b/template.json": "{ }"})
    reason = "the sandbox template changed: fleet/e2b/template.json"
    assert built(top, "HEAD", "e2b", "fleet/crates.json") == {"near": reason, "far": reason}


def test_a_submodule_is_no_source_and_is_not_read(top: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {"file": "x"})
    sub = top / "crates/one/sub"
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "crates/one/sub")
    commit(sub, {".gitattributes": "* filter=evil\n"})
    commit(top, {})
    ran, program = marking(tmp_path)
    git(sub, "config", "filter.evil.clean", str(program))
    write_files(sub, {"file": "y"})
    assert built(top, "HEAD") == {}
    assert not ran.exists()
    git(sub, "config", "--unset", "filter.evil.clean")
    commit(sub, {})
    commit(top, {})
    assert built(top, "HEAD~1") == {}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"e2b/template.json": "{ }\n"}, "e2b/template.json"),
        ({"e2b/rust-napi-builder.Dockerfile": "FROM y\n"}, "e2b/rust-napi-builder.Dockerfile"),
        ({"crates.json": manifest_text(template="other")}, "it is other now"),
        ({"e2b/rust-napi-builder.Dockerfile": FILES["e2b/rust-napi-builder.Dockerfile"].replace("far 1", "far 2")}, None),
        ({"e2b/prices.json": "{}"}, None),
    ],
)  # fmt: skip
def test_another_template_builds_the_fleet_for_e2b_and_nothing_for_local(
    top: Path, files: dict[str, str], reason: str | None
) -> None:
    commit(top, files)
    sentence = f"the sandbox template changed: {reason}"
    assert built(top, "HEAD~1", "e2b") == (dict.fromkeys(CRATES, sentence) if reason else {})
    assert built(top, "HEAD~1", "local") == {}


def test_the_repository_of_the_action_builds_the_fleet_when_the_action_changes(top: Path) -> None:
    commit(top, {"crates.json": manifest_text(action="./"), "generator/x.py": ""})
    write_files(top, {"generator/x.py": "changed"})
    assert built(top, "HEAD") == {}, "without an action.yml this is somebody's folder"
    commit(top, {"action.yml": "name: x"})
    write_files(top, {"generator/x.py": "changed once more"})
    assert built(top, "HEAD") == dict.fromkeys(CRATES, "cratematrix itself changed: generator/x.py")


def whole(top: Path, ref: str, file: str = "crates.json") -> str:
    manifest = load_manifest(top / file)
    found = changes(manifest, top / file, ref, "local")
    assert isinstance(found, WholeFleet)
    assert len(built(top, ref, file=file)) == len(manifest.crates)
    return found.reason


def test_an_earlier_manifest_that_is_missing_or_invalid_builds_the_fleet(top: Path) -> None:
    first = commit(top, {"new.json": manifest_text(), "crates.json": "{}"})
    commit(top, {"crates.json": manifest_text()})
    assert whole(top, "main~2", "new.json").startswith("new.json is new since main~2 (")
    assert whole(top, first) == f"the fleet of {first[:12]} cannot be read: crates.json has 3 errors"


@pytest.mark.parametrize("ref", ["0" * 40, "0" * 64])
def test_a_new_branch_on_github_builds_the_fleet(top: Path, ref: str) -> None:
    assert whole(top, ref) == "the branch is new, so there is no commit to compare with"


def test_no_commit_to_compare_with_builds_the_fleet(top: Path) -> None:
    assert whole(top, "") == "there is no commit to compare with"


def test_a_repository_without_commits_builds_the_fleet(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {**FILES, "crates.json": manifest_text()}, tracked=False)
    assert whole(top, "main") == "the repository has no commit yet"


def test_a_replaced_history_builds_the_fleet(top: Path) -> None:
    assert whole(top, "b" * 40) == "bbbbbbbbbbbb is in no branch any more: the branch's history was replaced"
    git(top, "checkout", "--quiet", "--orphan", "anew")
    commit(top, {})
    assert whole(top, "main") == "the branch has no history in common with main"


@pytest.mark.parametrize("ref", ["nowhere", "-x", "--all", "main..HEAD", "HEAD:README.md", "a b", "é\n::error::"])
def test_an_unknown_commit_is_an_input_error(top: Path, ref: str) -> None:
    with pytest.raises(InputError, match=r"^git knows no commit ") as error:
        built(top, ref)
    assert error.value.message.isprintable()
    assert "::" not in error.value.message
    assert error.value.fix == "git fetch origin"


def test_without_git_there_is_no_history(tmp_path: Path) -> None:
    top = write_files(tmp_path, {**FILES, "crates.json": manifest_text()})
    with pytest.raises(InputError, match=r"is not in a git repository, so it has no history to compare with$"):
        built(top)


def test_a_shallow_clone_is_an_error_with_the_missing_commit(top: Path, tmp_path: Path) -> None:
    first = git(top, "rev-parse", "HEAD")
    git(top, "checkout", "--quiet", "-b", "work")
    commit(top, {"crates/two/src/lib.rs": "// new"})
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{top}", "shallow")
    shallow = tmp_path / "shallow"
    git(shallow, "checkout", "--quiet", "work")
    for ref, lacking in ((first[:-1] + ("0" if first[-1] != "0" else "1"), "lacks"), ("nowhere", "lacks nowhere")):
        with pytest.raises(InputError, match=lacking) as error:
            built(shallow, ref)
        assert error.value.fix is not None
        assert "fetch-depth: 0" in error.value.fix
    git(shallow, "fetch", "--quiet", "--unshallow")
    assert built(shallow, "origin/main") == {"two": "crates/two/src/lib.rs changed"}


def test_a_shallow_clone_without_the_merge_base_is_an_error(top: Path, tmp_path: Path) -> None:
    commit(top, {"README.md": "the branches part here"})
    git(top, "checkout", "--quiet", "-b", "work")
    commit(top, {"crates/two/src/lib.rs": "// new"})
    git(top, "checkout", "--quiet", "main")
    commit(top, {"README.md": "later"})
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{top}", "shallow")
    git(tmp_path / "shallow", "checkout", "--quiet", "work")
    with pytest.raises(InputError, match=r"^this clone is shallow and lacks the merge base of origin/main$"):
        built(tmp_path / "shallow", "origin/main")


def test_a_clone_without_old_files_builds_the_fleet_and_fetches_nothing(top: Path, tmp_path: Path) -> None:
    git(top, "config", "uploadpack.allowFilter", "true")
    commit(top, {"crates.json": entry_with("two", kind="bin"), "Cargo.toml": FILES["Cargo.toml"] + "# new\n"})
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{top}", "partial")
    assert whole(tmp_path / "partial", "HEAD~1").startswith("the fleet of HEAD~1 (")


@pytest.mark.attack("no program that git's configuration names is run")
def test_no_program_that_the_repositorys_configuration_names_is_run(top: Path, tmp_path: Path) -> None:
    ran, program = marking(tmp_path)
    commit(top, {"crates/two/.gitattributes": "* filter=evil diff=evil\n"})
    for key in ("core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv", "core.pager",
                "filter.evil.clean", "filter.evil.process", "filter.evil.smudge", "core.sshCommand"):  # fmt: skip
        git(top, "config", key, str(program))
    git(top, "config", "filter.evil.required", "true")
    git(top, "config", "diff.relative", "true")
    write_files(top, {"crates/two/src/lib.rs": "// changed"})
    os.utime(top / "crates/two/Cargo.toml")
    assert built(top, "HEAD") == {"two": "crates/two/src/lib.rs changed"}
    assert not ran.exists()


@pytest.mark.attack("no program that git's configuration names is run")
def test_a_filter_that_cannot_be_disabled_is_refused(top: Path) -> None:
    git(top, "config", "filter.a=b.clean", "program")
    with pytest.raises(InputError, match=r"has filter\.a=b\.clean, which cannot be disabled$"):
        built(top, "HEAD")


def test_a_worktree_of_git_is_a_repository_too(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "work")
    write_files(tmp_path / "tree", {"crates/two/src/lib.rs": "// new"})
    assert built(tmp_path / "tree", "main") == {"two": "crates/two/src/lib.rs changed"}
    assert built(top, "main") == {}


def test_the_result_is_the_same_each_time(top: Path) -> None:
    commit(top, {"crates/shared/src/lib.rs": "", "crates/two/a": "", "crates/two/b": "", "Cargo.lock": "version = 4"})
    assert len({reasons(top, "HEAD~1") for _ in range(3)}) == 1


def test_line_endings_that_git_checks_out_are_no_change(top: Path) -> None:
    """The members of the workspace change, so that its Cargo.toml is compared by content."""
    git(top, "config", "core.autocrlf", "true")
    members = FILES["Cargo.toml"].replace("other", "more")
    commit(top, {"Cargo.toml": members, "crates/more/Cargo.toml": package("more")})
    for name in ("Cargo.toml", "Cargo.lock"):
        (top / name).unlink()
    git(top, "checkout", "--", "Cargo.toml", "Cargo.lock")
    assert b"\r\n" in (top / "Cargo.toml").read_bytes()
    assert built(top, "HEAD~1") == {}


def test_the_commit_of_another_repository_than_the_workflows_is_unknown(tmp_path: Path) -> None:
    top = repository(tmp_path / "repo", {"file": "one"})
    commit = git(top, "rev-parse", "HEAD").strip()
    assert checked_out(top) == checked_out(top, commit) == CheckedOut(commit)
    assert checked_out(top, "0" * 39 + "1") == CheckedOut()
    (top / "file").write_text("two")
    assert checked_out(top) == CheckedOut(commit, modified=True)
    assert checked_out(tmp_path) == CheckedOut()
