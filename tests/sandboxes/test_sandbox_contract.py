"""Contract tests for the sandboxes of every backend."""

from __future__ import annotations

import io
import os
import resource
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from generator.sandboxes.contract import MAX_LINE, Command, CommandResult, Resources, Sandbox, SandboxError
from generator.sandboxes.lines import MAX_OUTPUT_BYTES, TAIL_BYTES
from generator.sandboxes.local.backend import LocalBackend
from tests.sandboxes.commands import gone, run_in
from tests.sandboxes.conftest import PLENTY, OpenSandbox, Run
from tests.support import with_enough_time


def tar_of(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_both_streams_come_in_the_order_they_were_written(run: Run) -> None:
    finished, lines = run("for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    assert lines == ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3"]
    assert (finished.exit_code, finished.killed) == (0, None)


def test_lines_arrive_while_the_command_runs(sandbox: Sandbox, stop: threading.Event, nap: str) -> None:
    """The first line is what ends it."""
    seen: list[str] = []

    def hear(line: str) -> None:
        seen.append(line)
        stop.set()

    finished = sandbox.run(Command("echo first; sleep $NAP; echo second", sandbox.root, 3_600, {"NAP": nap}), hear)
    assert (finished.killed, seen) == ("stopped", ["first"])


@pytest.mark.parametrize(("script", "code"), [("true", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)])
def test_the_exit_code_is_the_commands_or_128_and_the_signal(run: Run, script: str, code: int) -> None:
    finished, _ = run(script)
    assert (finished.exit_code, finished.killed) == (code, None)


def test_a_command_in_a_missing_directory_is_the_sandboxs_error(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="nowhere is not a directory of the sandbox") as caught:
        run_in(sandbox, "echo never", cwd=f"{sandbox.root}/nowhere")
    assert caught.value.failure_class == "permanent"


@pytest.mark.attack("a command that prints the launcher's words is not mistaken for it")
def test_a_command_that_prints_what_the_launcher_prints_is_not_mistaken(run: Run) -> None:
    assert run("echo no such directory; echo ready")[1] == ["no such directory", "ready"]


def test_variables_of_the_sandbox_and_of_the_command(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(FROM_SANDBOX="a b", BOTH="sandbox")
    _, lines = run_in(sandbox, 'echo "$FROM_SANDBOX|$BOTH|$ONE|$HOME|$CI"', ONE='"$(x)"\\n', BOTH="command")
    assert lines == [f'a b|command|"$(x)"\\n|{sandbox.root}/home|true']


@pytest.mark.attack("no variable smuggles options in, or says which programs run")
def test_what_programs_run_is_not_for_variables_to_decide(open_sandbox: OpenSandbox) -> None:
    hostile = {"PATH": "/build", "HOME": "/etc", "LD_PRELOAD": "/build/x.so", "BASH_ENV": "/build/x"}
    sandbox = open_sandbox(**hostile)
    _, lines = run_in(sandbox, 'echo "$LD_PRELOAD$BASH_ENV|$HOME"; node --version; cargo --version', 60, "", **hostile)
    assert lines[0] == f"|{sandbox.root}/home"
    assert lines[1].startswith("v")
    assert lines[2].startswith("cargo ")


@pytest.mark.attack("no variable smuggles options in, or says which programs run")
def test_a_variable_cannot_smuggle_options_in(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be started"):
        run_in(sandbox, "ls /host", X=f"1\0--bind\0{tmp_path}\0/host")


def test_the_runners_own_variables_stay_with_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "not-for-crates")
    assert not [line for line in run("env")[1] if "not-for-crates" in line]


def test_files_outlive_commands(run: Run) -> None:
    run("mkdir -p a/b && echo kept > a/b/c && echo kept too > ${TMPDIR:-/tmp}/d")
    assert run("cat a/b/c ${TMPDIR:-/tmp}/d")[1] == ["kept", "kept too"]


def test_a_timeout_ends_the_whole_tree(run: Run, nap: str) -> None:
    def begun_in(seconds: float) -> CommandResult | None:
        finished, lines = run("(setsid sleep $NAP &) ; echo begun; sleep $NAP", timeout=seconds, NAP=nap)
        assert (finished.killed, finished.exit_code) == ("timeout", 137)
        return finished if lines == ["begun"] else None

    assert with_enough_time(begun_in)
    assert gone(nap)


def test_a_stop_ends_the_whole_tree(sandbox: Sandbox, stop: threading.Event, nap: str) -> None:
    script = "(setsid sleep $NAP &) ; trap '' TERM INT; echo begun; sleep $NAP"
    finished = sandbox.run(Command(script, sandbox.root, 3_600, {"NAP": nap}), lambda _: stop.set())
    assert finished.killed == "stopped"
    assert gone(nap)


@pytest.mark.attack("processes that a command leaves behind are ended")
def test_processes_that_a_command_leaves_behind_do_not_hold_it_up_and_are_ended(run: Run, nap: str) -> None:
    finished, lines = run(
        "sleep $NAP & (setsid sleep $NAP > /dev/null 2>&1 &) ; (yes > /dev/null &) ; echo done", NAP=nap
    )
    assert (finished.killed, lines) == (None, ["done"])
    assert gone(nap)


def test_a_command_that_closes_its_output_still_has_its_time(run: Run) -> None:
    finished, _ = run("exec > /dev/null 2>&1; sleep 0.5; exit 3")
    assert finished.exit_code == 3
    assert finished.seconds >= 0.5


def test_an_error_of_the_listener_ends_the_command(sandbox: Sandbox, nap: str) -> None:
    def refuse(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="first"):
        sandbox.run(Command("echo first; sleep $NAP", sandbox.root, 60, {"NAP": nap}), refuse)
    assert gone(nap)
    assert run_in(sandbox, "echo next")[1] == ["next"]


def test_a_kill_from_elsewhere_ends_the_command_and_the_sandbox(sandbox: Sandbox, tmp_path: Path, nap: str) -> None:
    killer = threading.Thread(target=sandbox.kill)
    command = Command("echo begun; sleep $NAP", sandbox.root, 3_600, {"NAP": nap})
    assert sandbox.run(command, lambda _: killer.start()).killed == "stopped"
    killer.join()
    sandbox.kill()
    assert [path.name for path in (tmp_path / "sandboxes").iterdir()] == [".lock"]
    with pytest.raises(SandboxError, match="has been killed"):
        run_in(sandbox, "true")


def test_kill_removes_what_its_owner_may_not_enter_and_what_no_path_can_name(sandbox: Sandbox, tmp_path: Path) -> None:
    run_in(sandbox, "mkdir -p shut/in && touch shut/in/file && chmod 000 shut/in shut")
    run_in(sandbox, 'perl -e \'for (1..1100) { mkdir "deeper"; chdir "deeper" or die }\'')
    sandbox.kill()
    sandbox.kill()
    assert [path.name for path in (tmp_path / "sandboxes").iterdir()] == [".lock"]


@pytest.mark.attack("a hundred megabytes in one line do no harm")
def test_of_a_hundred_megabytes_in_one_line_the_first_and_the_end_pass_through_in_pieces(sandbox: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes: list[int] = []
    sandbox.run(Command("head -c 100M /dev/zero | tr '\\0' x", sandbox.root, 60), lambda line: sizes.append(len(line)))
    assert max(sizes) == MAX_LINE
    assert MAX_OUTPUT_BYTES <= sum(sizes) < MAX_OUTPUT_BYTES + 3 * TAIL_BYTES  # all that is delivered, and the end
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_bytes_that_are_no_text_are_replaced(run: Run) -> None:
    finished, lines = run("printf 'a\\xff\\xfeb\\n\\0c\\n'; head -c 1M /dev/urandom; exit 4")
    assert lines[:2] == ["a\ufffd\ufffdb", "\0c"]
    assert finished.exit_code == 4


def test_carriage_returns_end_lines_and_the_last_line_needs_no_end(run: Run) -> None:
    assert run("printf '10%%\\r20%%\\r\\n\\nlast'")[1] == ["10%", "20%", "", "last"]


def test_put_unpacks_below_the_root(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.put(tar_of(tmp_path / "source.tar", {"src/lib.rs": b"fn main() {}\n"}), f"{sandbox.root}/source")
    assert run_in(sandbox, "cat src/lib.rs", cwd=f"{sandbox.root}/source")[1] == ["fn main() {}"]


@pytest.mark.parametrize("directory", ["/etc/x", "relative", "{root}/../x", "{root}x"])
@pytest.mark.attack("an archive cannot write beside its directory")
def test_put_goes_nowhere_else(sandbox: Sandbox, tmp_path: Path, directory: str) -> None:
    with pytest.raises(SandboxError, match="is not below"):
        sandbox.put(tar_of(tmp_path / "source.tar", {}), directory.format(root=sandbox.root))


def test_put_refuses_what_is_no_tar(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "source.tar").write_bytes(b"no tar " * 200)
    with pytest.raises(SandboxError, match=r"source\.tar cannot be unpacked") as caught:
        sandbox.put(tmp_path / "source.tar", f"{sandbox.root}/source")
    assert caught.value.failure_class == "permanent"


@pytest.mark.attack("an archive cannot write beside its directory")
def test_an_archive_cannot_write_beside_its_directory(sandbox: Sandbox, tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "source.tar", {"../../../escaped": b"x", str(tmp_path / "absolute"): b"x"})
    with pytest.raises(SandboxError):
        sandbox.put(archive, f"{sandbox.root}/source")
    assert not (tmp_path / "absolute").exists()
    assert not list(tmp_path.rglob("escaped"))


def test_get_copies_one_file(sandbox: Sandbox, tmp_path: Path) -> None:
    run_in(sandbox, "mkdir -p a && head -c 3000000 /dev/urandom > a/b && sha256sum < a/b > a/sum")
    sandbox.get(f"{sandbox.root}/a/b", tmp_path / "copy", 3_000_000)
    assert (tmp_path / "copy").stat().st_size == 3_000_000
    with pytest.raises(SandboxError, match="larger than 2999999 bytes"):
        sandbox.get(f"{sandbox.root}/a/b", tmp_path / "large", 2_999_999)
    assert not (tmp_path / "large").exists()


@pytest.mark.attack("what leaves a sandbox is a regular file, reached by no link")
def test_get_follows_no_link_and_takes_only_regular_files(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    run_in(sandbox, f"ln -s {tmp_path}/secret link; ln -s {tmp_path} dir; mkfifo pipe; truncate -s 5G sparse")
    for name in ("link", "dir/secret", "pipe", "sparse", ".", "missing", "home", "dir/../secret", "../owner"):
        with pytest.raises(SandboxError):
            sandbox.get(f"{sandbox.root}/{name}", tmp_path / "copy", 1_000_000)
        assert not (tmp_path / "copy").exists()


def test_memory_that_grows_beyond_the_limit_ends_the_command(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=400))
    hog = "const held = []; setInterval(() => held.length < 40 && held.push(Buffer.alloc(20 << 20, 1)), 25)"
    finished, _ = run_in(sandbox, f"node -e '{hog}'")
    assert finished.killed == "memory"
    assert 400 << 20 <= finished.peak_memory < 1200 << 20


@pytest.mark.attack("memory that is taken in one leap is refused")
def test_memory_that_is_taken_in_one_leap_is_refused(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(Resources(cpus=1, memory_mib=256))
    finished, _ = run_in(sandbox, "node -e 'Buffer.alloc(2 ** 30, 1)'")
    assert finished.exit_code != 0
    assert finished.peak_memory < 512 << 20


def test_node_cargo_and_webassembly_run_in_the_smallest_size(run: Run) -> None:
    wasm = "new WebAssembly.Memory({initial: 1000, maximum: 65536}); console.log(process.version[0])"
    _, lines = run(f'node -e "{wasm}"; cargo new -q --vcs none made && cd made && cargo run -q', timeout=120)
    assert lines == ["v", "Hello, world!"]


@pytest.mark.attack("no file grows without end")
def test_no_file_grows_without_end_and_no_core_is_left(run: Run) -> None:
    finished, lines = run("ulimit -c; truncate -s 9G large && echo too large; ls large 2> /dev/null | wc -c")
    assert lines[0] == "0"
    assert "too large" not in lines
    assert finished.killed is None


def test_a_sandbox_gets_its_number_of_processors(open_sandbox: OpenSandbox) -> None:
    _, lines = run_in(open_sandbox(Resources(cpus=1, memory_mib=1024)), "nproc; echo $CARGO_BUILD_JOBS")
    assert lines == ["1", "1"]
    many = str(min(64, len(psutil.Process().cpu_affinity() or ())))
    assert run_in(open_sandbox(Resources(cpus=64, memory_mib=1024)), "nproc; echo $CARGO_BUILD_JOBS")[1] == [many] * 2


def test_thirty_sandboxes_at_once(backend: LocalBackend, tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "source.tar", {"name": b"given\n"})

    def live(number: int) -> str:
        sandbox = backend.open(f"crate-{number}", PLENTY, {"NUMBER": str(number)})
        try:
            sandbox.put(archive, f"{sandbox.root}/source")
            run_in(sandbox, "cat source/name > out; echo $NUMBER >> out; sleep 0.5")
            sandbox.get(f"{sandbox.root}/out", tmp_path / f"out-{number}", 100)
        finally:
            sandbox.kill()
        return (tmp_path / f"out-{number}").read_text()

    with ThreadPoolExecutor(30) as threads:
        assert list(threads.map(live, range(30))) == [f"given\n{number}\n" for number in range(30)]
    assert os.listdir(tmp_path / "sandboxes") == [".lock"]  # noqa: PTH208
