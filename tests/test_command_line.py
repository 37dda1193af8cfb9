"""The command line of a user: streams, exit codes, messages."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from generator import cli
from generator.builds.selection import select_crates
from generator.commands import release, template
from generator.commands.lazy_group import LazyCommand
from generator.manifest.models import Manifest
from generator.planning.affected import Reason
from generator.planning.plan import make_plan
from tests.conftest import MakeRepository
from tests.repositories import git
from tests.support import COMMAND, TOP, cratematrix, entry, git_repository, library, wait_until, write_files

HEAVY = {"pydantic", "jinja2", "ruamel", "rich", "psutil", "tomlkit", "json", "e2b", "github"}


def modules_after(*words: str, cwd: Path = TOP) -> set[str]:
    """Return the modules that a command imports, and those that Python imports itself."""
    script = (
        "import sys; sys.argv = ['cratematrix', *sys.argv[1:]]\n"
        "from generator.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('modules', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True, cwd=cwd)  # noqa: TID251
    return set(done.stderr.rpartition("modules ")[2].split())


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["release", "--help"], ["template", "--help"]], ids=" ".join
)
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    modules = modules_after(*words)
    assert HEAVY & modules == set()
    commands = {f"generator.commands.{name}" for name in (*cli.COMMANDS, "options")}
    assert commands & modules == {f"generator.commands.{words[0]}"} & commands


def test_commands_on_this_machine_import_no_client_of_a_service(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    for words in (["check"], ["plan"], ["generate"], ["doctor"], ["targets"], ["build", "--all"], ["report"]):
        modules = modules_after(*words, cwd=top)
        assert "generator.cli" in modules
        assert {"e2b", "github"} & modules == set(), words


GROUPS = {"": cli.COMMANDS, "release": release.COMMANDS, "template": template.COMMANDS}
COMMANDS = [(f"{group} {name}".strip(), command) for group, table in GROUPS.items() for name, command in table.items()]


@pytest.mark.parametrize(("name", "lazy"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_has_a_help_text(name: str, lazy: LazyCommand) -> None:
    command = lazy.load()
    assert command.name == name.rpartition(" ")[2]
    assert command.get_short_help_str(100) == lazy.help
    for parameter in command.params:
        assert isinstance(parameter, click.Option), parameter.name
        assert parameter.help, parameter.name


@pytest.mark.parametrize("words", [[], ["release"], ["template"]], ids=["all", "release", "template"])
def test_a_list_of_commands_cuts_no_sentence_in_80_columns(words: list[str], tmp_path: Path) -> None:
    ran = cratematrix(*words, "--help", cwd=tmp_path, env={"COLUMNS": "80"})
    assert "..." not in ran.out.split("Commands:")[1]


def test_the_page_of_commands_lists_exactly_those_there_are() -> None:
    listed = re.findall(r"^\| `cratematrix (\w+)", (TOP / "docs/commands.md").read_text(), re.MULTILINE)
    assert listed == list(cli.COMMANDS), "update the table in docs/commands.md"


def test_every_options_variable_has_the_options_name() -> None:
    for name, lazy in cli.COMMANDS.items():
        for option in lazy.load().params:
            long = max(option.opts, key=len).lstrip("-").replace("-", "_").upper()
            variable = f"CRATEMATRIX_{name.upper()}_{long}"
            assert option.envvar == variable or (option.name or "").upper() == long, variable


def test_a_check_by_variable_writes_nothing(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert cratematrix("generate", cwd=top, env={"CRATEMATRIX_GENERATE_CHECK": "1"}).code == 3
    assert not (top / ".github").exists()


def test_ctrl_c_is_an_interruption(repository: MakeRepository, tmp_path: Path) -> None:
    """It comes while the command waits for git."""
    top = repository([entry("one")], library("one"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\n: > ../asked\nexec sleep 3600\n")
    (tmp_path / "bin/git").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    words = [COMMAND, "plan", "--changed-since", "HEAD"]
    with subprocess.Popen(words, cwd=top, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        wait_until((tmp_path / "asked").exists, "the question to git")
        ran.send_signal(signal.SIGINT)
        _, printed = ran.communicate()
    assert (ran.returncode, printed) == (130, "error: interrupted\n")


def test_a_manifest_behind_a_link_is_the_one_it_leads_to(repository: MakeRepository, tmp_path: Path) -> None:
    top = repository([entry("one")], library("one"))
    (tmp_path / "link.json").symlink_to(top / "crates.json")
    assert cratematrix("generate", "--manifest", tmp_path / "link.json", cwd=tmp_path).code == 0
    assert cratematrix("generate", "--check", cwd=top).code == 0


def test_commands_find_the_manifest_from_a_directory_below(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    assert cratematrix("check", cwd=top / "one/src").err == "../../crates.json: 1 crate, no errors\n"
    (top / "crates.json").rename(top / "crates.yaml")
    assert cratematrix("check", cwd=top / "one").err == "../crates.yaml: 1 crate, no errors\n"
    ran = cratematrix("report", cwd=top / "one")
    assert (
        ran.code,
        "error: there is no directory ../dist\n  fix: cratematrix build --all" in ran.err,
    ) == (2, True), ran.err


def test_check_prints_errors_as_json_too(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    ran = cratematrix("check", "--json", cwd=top)
    assert json.loads(ran.out) == {"manifest": "crates.json", "crates": 1, "errors": [], "notes": []}
    (top / "crates.json").write_text((top / "crates.json").read_text().replace('"lib"', '"lob"'))
    ran = cratematrix("check", "--json", cwd=top)
    found = json.loads(ran.out)
    assert (ran.code, found["crates"], [error["path"] for error in found["errors"]]) == (2, None, ["$.crates[0].kind"])
    (error,) = found["errors"]
    assert ran.err.startswith(f"crates.json:{error['line']}: {error['path']}: {error['message']}\n")


def test_doctor_speaks_of_the_manifest_and_prints_json(repository: MakeRepository) -> None:
    top = repository([entry("one")], library("one"))
    checks = {each["check"]: each for each in json.loads(cratematrix("doctor", "--json", cwd=top).out)["checks"]}
    assert checks["manifest"]["message"] == "crates.json: 1 crate, 1 lib"
    assert not any(name.startswith(("wasm32", "darwin", "win32")) for name in checks)


@pytest.mark.parametrize("words", [("--quiet", "check"), ("check", "--quiet"), ("check", "-q")])
def test_a_quiet_command_prints_only_errors(repository: MakeRepository, words: tuple[str, ...]) -> None:
    top = repository([entry("one")], library("one"))
    ran = cratematrix(*words, cwd=top)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    (top / "crates.json").write_text("{")
    assert "error: crates.json has 1 error" in cratematrix(*words, cwd=top).err


@pytest.mark.parametrize("words", [("--verbose", "init"), ("init", "-v")])
def test_a_verbose_command_prints_the_programs_that_it_runs(tmp_path: Path, words: tuple[str, ...]) -> None:
    top = git_repository(write_files(tmp_path, library("one")))
    ran = cratematrix(*words, cwd=top)
    assert re.search(r"^\d+\.\d\d s, exit code 0: git .*ls-files", ran.err, re.MULTILINE), ran.err


@pytest.mark.parametrize("words", ["build --crate t", "build --all --crate t", "targets --crate t"])
def test_a_shell_completes_names_of_crates(repository: MakeRepository, words: str) -> None:
    top = repository([entry("one"), entry("two"), entry("three")], {})
    for name in ("one", "two", "three"):
        write_files(top, library(name))
    shell = {
        "_CRATEMATRIX_COMPLETE": "bash_complete",
        "COMP_WORDS": f"cratematrix {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    ran = cratematrix(cwd=top / "one", env=shell)
    assert [line.partition(",")[2] for line in ran.out.split()] == ["two", "three"]
    (top / "crates.json").write_text("{")
    assert cratematrix(cwd=top, env=shell).out.split() == []


def test_an_option_can_be_given_as_a_variable(repository: MakeRepository) -> None:
    top = repository([entry("one"), entry("two")], {**library("one"), **library("two")})
    ran = cratematrix("plan", "--json", cwd=top, env={"CRATEMATRIX_PLAN_SLOTS": "1"})
    assert json.loads(ran.out)["slots"] == 1


def test_the_plan_of_the_110_crates_has_each_exactly_once_in_at_most_30_shards() -> None:
    ran = cratematrix("plan", "--json", cwd=TOP)
    plan = json.loads(ran.out)
    names = [name for shard in plan["shards"] for name in shard["crates"]]
    assert len(names) == len(set(names)) == 110
    assert len(plan["shards"]) <= plan["slots"] == 30
    bound, gap = plan["lower_bound_minutes"], plan["gap_minutes"]
    assert plan["makespan_minutes"] == round(bound + gap, 3)
    assert 0 <= gap <= bound / 100
    assert f"lower bound {bound:.10g} min, gap {gap:.10g} min, ratio 1.00" in ran.err


def test_the_plan_is_a_table_for_people_and_fits_a_pipe() -> None:
    ran = cratematrix("plan", cwd=TOP)
    assert ran.out.splitlines()[0].split() == ["slot", "minutes", "runner", "min", "USD", "crates"]
    assert len(ran.out.splitlines()) == 31
    assert "110 crates in 30 of 30 slots" in ran.err
    assert re.search(r"^a release: \d+ assets of 1,000; \d+ requests with uploads from 30 jobs", ran.err, re.MULTILINE)


def test_the_release_of_a_plan_is_counted_with_the_slots_of_the_manifest() -> None:
    counted = [cratematrix("plan", *options, cwd=TOP).err.splitlines()[-1] for options in ((), ("--slots", "256"))]
    assert counted[0].startswith("a release: ")
    assert counted[0] == counted[1]


def test_the_plan_has_the_costs_of_a_backend_and_fails_beyond_the_most_they_may_be(
    repository: MakeRepository,
) -> None:
    files = {path: text for name in ("one", "two") for path, text in library(name).items()}
    top = repository([entry("one"), entry("two", size="large", timeout_minutes=90)], files)
    ran = cratematrix("plan", "--backend", "e2b", "--max-cost", "0.07", cwd=top)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0].split() == ["slot", "minutes", "runner", "min", "USD", "crates"]
    assert "costs: 0.0666 (0.0333 to 0.1332) USD for sandboxes" in ran.err
    assert "limit: a timeout is 90 minutes, but a sandbox lives 60" in ran.err
    ran = cratematrix("plan", "--json", "--backend", "e2b", cwd=top, env={"CRATEMATRIX_PLAN_MAX_COST": "0.06"})
    assert ran.code == 2
    assert "error: the sandboxes likely cost 0.0666 USD, more than the 0.0600 USD of --max-cost\n" in ran.err
    plan = json.loads(ran.out)
    assert [each["sandboxes"]["likely"] for each in plan["costs"]["crates"]] == [0.0222, 0.0444]
    assert {"assets", "requests_an_hour"} < {each["name"] for each in plan["limits"]}
    ran = cratematrix("plan", "--max-cost", "0", cwd=top)
    assert ran.code == 0, "sandboxes on the runners are free"
    assert "for sandboxes" not in ran.err
    ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env={"E2B_API_KEY": "e2b_" + "0" * 40})
    assert ran.code == 2
    assert "$.crates[1].timeout_minutes: a sandbox of E2B's Hobby plan lives 60 minutes" in ran.err


@pytest.mark.parametrize("options", [("--crate", "e2b_0123456789abcdef"), ("--shard", "e2b_0123456789abcdef")])
def test_a_secret_that_is_given_by_mistake_is_masked_in_the_error(
    repository: MakeRepository, options: tuple[str, str]
) -> None:
    top = repository([{"name": "one", "version": "1.0.0", "kind": "lib", "source": {"path": "one"}}], library("one"))
    ran = cratematrix("build", *options, cwd=top, env={**os.environ, "E2B_API_KEY": options[1]})
    assert ran.code == 2
    assert "***" in ran.err
    assert options[1] not in ran.err


def test_the_plan_notes_that_github_does_not_allow_a_release(repository: MakeRepository) -> None:
    many = [
        {"name": f"c{n}", "version": "1.0.0", "kind": "bin", "source": {"registry": f"c{n}", "version": "1.0.0"}}
        for n in range(1_000)
    ]
    ran = cratematrix("plan", "--json", cwd=repository(many, {}))
    assert ran.code == 0
    assert "note: a release is not possible: 1002 assets exceed GitHub's limit of 1,000 for a release" in ran.err
    assert "split the manifest into 2" in ran.err


def committed(top: Path) -> Path:
    """Give a repository its first commit."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"]
    words = ["git", *identity, "commit", "--quiet", "--message", "all"]
    subprocess.run(words, cwd=top, check=True, capture_output=True)  # noqa: TID251
    return top


def test_a_plan_of_a_change_has_crates_and_reasons_for_people_and_workflows(repository: MakeRepository) -> None:
    names = ("one", "two", "three")
    files = {path: text for name in names for path, text in library(name).items()}
    top = committed(repository([entry("one"), entry("two", depends_on=["one"]), entry("three")], files))
    (top / "one/src/lib.rs").write_text("// changed")
    ran = cratematrix("plan", "--changed-since", "HEAD", "--json", cwd=top)
    since = subprocess.run(["git", "rev-parse", "HEAD"], cwd=top, capture_output=True, text=True, check=True).stdout  # noqa: TID251
    plan = json.loads(ran.out)
    assert [each["crate"] for each in plan.pop("costs")["crates"]] == ["one", "two"]
    assert [each["name"] for each in plan.pop("limits")] == ["jobs", "runner_minutes"]
    assert plan == {
        "plan_version": 1,
        "slots": 2,
        "shards": [
            {"index": 1, "crates": ["one"], "predicted_minutes": 5.0},
            {"index": 2, "crates": ["two"], "predicted_minutes": 5.0},
        ],
        "makespan_minutes": 5.0,
        "lower_bound_minutes": 5.0,
        "skipped": [],
        "reasons": [
            {"crate": "one", "built": True, "reason": "one/src/lib.rs changed"},
            {
                "crate": "three",
                "built": False,
                "reason": f"nothing that it is built from changed since HEAD ({since[:12]})",
            },
            {"crate": "two", "built": True, "reason": "it depends on one, which is built"},
        ],
        "quarantined": [],
        "slots_per_job": 1,
        "predictions": [
            {"crate": name, "minutes": 5.0, "basis": "expected_minutes", "measurements": []}
            for name in ("one", "three", "two")
        ],
        "explained": None,
        "count": 2,
        "unchanged": 0,
        "crates": "one two",
        "matrix": {"include": [{"index": 1, "shard": "1/2"}, {"index": 2, "shard": "2/2"}]},
        "gap_minutes": 0.0,
    }
    ran = cratematrix("plan", "--changed-since", "HEAD", "--slots", "1", cwd=top)
    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["slot", "minutes"], ["1", "10"], ["crate", "built"], ["one", "yes"], ["two", "yes"], ["three", "no"]
    ]  # fmt: skip
    assert "2 crates in 1 of 1 slot:" in ran.err


def test_a_plan_of_a_change_that_affects_nothing_is_empty_and_no_error(repository: MakeRepository) -> None:
    top = committed(repository([entry("one"), entry("two")], {**library("one"), **library("two")}))
    ran = cratematrix("plan", "--changed-since", "HEAD", "--json", cwd=top)
    plan = json.loads(ran.out)
    assert (ran.code, plan["shards"], plan["count"], plan["matrix"]) == (0, [], 0, {"include": []})
    assert ran.err == "none of the 2 crates is affected: there is nothing to build\n"
    ran = cratematrix("plan", cwd=top, env={"CRATEMATRIX_PLAN_CHANGED_SINCE": "HEAD"})
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["crate", "built"], ["one", "no"], ["two", "no"]]


def test_a_plan_since_a_commit_that_is_not_there_is_an_input_error(repository: MakeRepository) -> None:
    top = committed(repository([entry("one")], library("one")))
    ran = cratematrix("plan", "--changed-since", "nowhere", cwd=top)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: git knows no commit nowhere\n  fix: git fetch origin\n"


@pytest.mark.slow
def test_the_plans_crates_and_jobs_are_what_build_takes_for_ten_thousand_crates_too() -> None:
    names = [f"crate{number}" for number in range(10_000)]
    crates = [
        {"name": name, "version": "1.0.0", "kind": "lib", "source": {"registry": name, "version": "1.0.0"}}
        for name in names
    ]
    fleet = {"npm_scope": "@demo", "slots": 30}
    manifest = Manifest.model_validate_json(json.dumps({"schema_version": 1, "fleet": fleet, "crates": crates}))
    for chosen in (names, names[:9_000]):
        last = len(chosen)
        reasons = tuple(Reason(crate=name, built=place < last, reason="x") for place, name in enumerate(names))
        plan = make_plan(manifest, None, reasons)
        assert len(plan.crates) < 128 * 1024 - 100
        parts = [select_crates(manifest, job.shard, tuple(plan.crates.split())).names for job in plan.matrix.include]
        assert parts == [shard.crates for shard in plan.shards]


def test_generate_writes_checks_and_names_the_fix(repository: MakeRepository) -> None:
    top = repository([entry("one"), entry("two")], {**library("one"), **library("two")})
    assert cratematrix("generate", cwd=top).code == 0
    assert cratematrix("generate", "--check", cwd=top).code == 0
    text = (top / "crates.json").read_text()
    (top / "crates.json").write_text(text.replace('"slots": 2', '"slots": 1'))
    ran = cratematrix("generate", "--check", cwd=top)
    assert ran.code == 3
    assert '-          - { index: 2, shard: "2/2" }' in ran.out
    assert ran.err.endswith(
        "error: the generated files are not what crates.json would generate\n  fix: cratematrix generate\n"
    )


def test_a_touched_version_makes_the_workflows_stale(tmp_path: Path) -> None:
    for name in ("crates.json", ".github", "e2b", "action.yml"):
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    git_repository(tmp_path)
    assert cratematrix("generate", "--check", cwd=tmp_path).code == 0
    text = (tmp_path / "crates.json").read_text()
    (tmp_path / "crates.json").write_text(text.replace('"version": "1.0.1"', '"version": "1.0.2"', 1))
    ran = cratematrix("generate", "--check", cwd=tmp_path)
    assert ran.code == 3
    assert "+++ b/.github/workflows/release.yml" in ran.out


def test_generating_under_other_hash_seeds_gives_the_same_bytes(repository: MakeRepository) -> None:
    top = repository(
        [entry(f"crate{number}") for number in range(5)],
        {k: v for n in range(5) for k, v in library(f"crate{n}").items()},
    )
    written = []
    for seed in ("0", "1", "4242"):
        assert cratematrix("generate", cwd=top, env={"PYTHONHASHSEED": seed}).code == 0
        written.append((top / ".github/workflows/cratematrix-release.yml").read_bytes())
    assert len(set(written)) == 1


def test_init_writes_a_manifest_that_check_accepts_and_never_overwrites_it(tmp_path: Path) -> None:
    top = git_repository(write_files(tmp_path, library("one") | library("two")))
    ran = cratematrix("init", cwd=top)
    assert ran.code == 0
    assert cratematrix("check", cwd=top).code == 0
    before = (top / "crates.json").read_bytes()
    again = cratematrix("init", cwd=top)
    assert (again.code, (top / "crates.json").read_bytes()) == (2, before)
    assert "--force" in again.err
    assert cratematrix("init", "--force", cwd=top).code == 0


def test_check_names_what_a_build_cannot_take_from_the_repository(repository: MakeRepository, tmp_path: Path) -> None:
    needs = '[dependencies]\ndep = { path = "../vendor/dep" }\n'
    other = git_repository(write_files(tmp_path / "other", library("dep")))
    git(other, "commit", "--quiet", "--message", "all")
    crates = [entry("one"), entry("two", include=["nothing/*"]), entry("three")]
    top = repository(crates, library("one", rest=needs) | library("two") | library("three"))
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor")
    ran = cratematrix("check", cwd=top)
    assert ran.code == 2
    lines = ran.err.splitlines()
    assert any(
        "$.crates[0].source: vendor/dep/Cargo.toml lies in the git submodule vendor, and" in each for each in lines
    )
    assert any('$.crates[1].source: the key include has "nothing/*", which matches no file' in each for each in lines)
    assert "crates[2]" not in ran.err


def test_what_a_sparse_checkout_lacks_is_a_note_and_stops_no_other_command(repository: MakeRepository) -> None:
    """The version of a crate and the package.json of an addon are known without them."""
    far = {"name": "far", "kind": "lib", "source": {"path": "far"}}
    addon = entry("addon", kind="napi", source={"path": "far", "package": "addon"})
    files = library("near") | library("far")
    files["addon/package.json"] = json.dumps({"name": "@demo/addon", "version": "1.0.0"})
    top = repository([entry("near"), far, addon], files)
    git(top, "commit", "--quiet", "--message", "all")
    git(top, "sparse-checkout", "set", "near")
    assert not (top / "far").exists()
    ran = cratematrix("check", cwd=top)
    notes = [
        "far: far/Cargo.toml is not checked out: git sparse-checkout add far",
        "addon: addon/package.json is not checked out: git sparse-checkout add addon",
    ]
    said = "".join(f"note: {each}\n" for each in notes)
    assert (ran.code, ran.err) == (0, f"{said}crates.json: 3 crates, no errors\n")
    assert json.loads(cratematrix("check", "--json", cwd=top).out)["notes"] == notes
    assert cratematrix("plan", cwd=top).code == 0
    assert cratematrix("plan", "--changed-since", "HEAD", cwd=top).code == 0
    shutil.rmtree(top / "near")
    lost = cratematrix("check", cwd=top)
    assert (lost.code, 'there is no directory "near" beside the manifest' in lost.err) == (2, True)


def test_the_schema_that_is_printed_is_the_one_that_is_checked_in() -> None:
    assert cratematrix("schema", cwd=TOP).out == (TOP / "crates.schema.json").read_text()


HOSTILE = {
    "shell": ("name", "x; rm -rf ~"),
    "expression": ("version", "${{ github.token }}"),
    "substitution": ("name", "$(touch pwned)"),
    "type": ("kind", 7),
    "path": ("source", {"path": "../../etc"}),
    "url": ("source", {"git": "ext::sh -c touch% pwned", "rev": "0" * 40}),
    "escape": ("name", "\x1b[2J\n::error::owned"),
}


@pytest.mark.parametrize("command", ["check", "plan", "generate", "build"])
@pytest.mark.parametrize(("key", "value"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_manifest_is_refused_with_its_line_and_nothing_is_written(
    repository: MakeRepository, command: str, key: str, value: object
) -> None:
    top = repository([entry("one") | {key: value}], library("one"))
    before = sorted(path for path in top.rglob("*") if ".git/" not in str(path))
    ran = cratematrix(command, *(["--all"] if command == "build" else []), cwd=top)
    assert ran.code == 2
    assert re.match(rf"crates\.json:\d+: \$\.crates\[0\]\.{key}", ran.err)
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err
    assert not re.search(r"^::", ran.err, re.MULTILINE)
    assert sorted(path for path in top.rglob("*") if ".git/" not in str(path)) == before


def test_a_closed_stdout_prints_no_traceback() -> None:
    with subprocess.Popen([COMMAND, "plan", "--json"], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        printed = ran.stderr.read().decode()
    assert "Traceback" not in printed
    assert "Exception" not in printed


def test_a_missing_manifest_names_the_command_that_writes_one(tmp_path: Path) -> None:
    ran = cratematrix("plan", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "fix: cratematrix init" in ran.err
