"""The sample fleet, built whole by the command in real sandboxes, here and at E2B; minutes on two cores."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import subprocess
import tarfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests import installing
from tests.builds.scripted import env_of, packages, prepared, rules_for
from tests.e2b_server import E2BServer
from tests.support import Ran, cratematrix

pytestmark = pytest.mark.slow

SECRET = "canary-7f3a-of-the-host"
# What must fail once the network is closed; everything else that succeeds does so on the sandbox's own copy.
MUST_BE_REFUSED = {
    "connect-internet", "connect-internet-v6", "connect-metadata", "connect-loopback", "connect-canary",
    "connect-docker", "dns-lookup", "udp-query", "see-canary-process", "write-usr", "write-etc", "write-toolchain",
    "read-shadow", "read-root", "read-cargo-credentials", "read-npmrc",
}  # fmt: skip


@dataclass(frozen=True)
class Fleet:
    """The output of one run over the whole sample fleet."""

    top: Path
    out: Path
    ran: Ran
    crates: dict[str, dict[str, Any]]
    connections: int


@contextmanager
def listening() -> Iterator[tuple[int, list[object]]]:
    """Listen on the host's loopback and keep every connection that arrives."""
    arrived: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                arrived.append(address)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], arrived
        finally:
            stop.set()
            thread.join()


@pytest.fixture(scope="module")
def fleet(fleet_copy: Path) -> Fleet:
    """Build everything once on this machine."""
    return built(fleet_copy, fleet_copy / "dist", "--all")


@pytest.fixture(scope="module")
def rented(fleet: Fleet, path: str, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Build the same at a server that speaks E2B's protocol, but for what this machine cannot build."""
    prepared(fleet.top, path)
    names = [word for name, crate in fleet.crates.items() if crate["state"] != "skipped" for word in ("--crate", name)]
    with E2BServer(rules_for(fleet.top)) as server:
        env = env_of(server, tmp_path_factory.mktemp("rented"))
        found = built(fleet.top, fleet.top / "rented", *names, "--backend", "e2b", **env)
        assert (server.running(), server.violations) == ((), [])
    return found


def built(top: Path, out: Path, *words: str, **env: str) -> Fleet:
    """Build with a listener, a process and a secret on the host that no crate may find."""
    with listening() as (port, arrived):
        canary = top / "crates/hostile/canary-port"
        canary.write_text(str(port))
        subprocess.run(["git", "add", "--force", canary], cwd=top, check=True)  # noqa: TID251
        with subprocess.Popen(["bash", "-c", "exec -a cratematrix-canary sleep 3600"]) as process:
            ran = cratematrix("build", *words, "--jobs", "2", "--out", out, cwd=top, env={"HOST_SECRET": SECRET, **env})
            process.kill()
        report = json.loads((out / "report.json").read_text())
        return Fleet(top, out, ran, {crate["name"]: crate for crate in report["crates"]}, len(arrived))


def test_the_same_fleet_gives_the_same_packages_from_both_backends(fleet: Fleet, rented: Fleet) -> None:
    assert rented.ran.code == fleet.ran.code
    ours, theirs = packages(fleet.out), packages(rented.out)
    assert theirs == ours
    assert len(ours) >= 3
    for name, crate in rented.crates.items():
        assert crate["state"] == fleet.crates[name]["state"]
        assert crate["failure"] == fleet.crates[name]["failure"]
        assert crate["package"] == fleet.crates[name]["package"]
        assert all(use["seconds"] > 0 and use["cost"] > 0 for use in crate["sandboxes"])
        assert crate["cost"] == pytest.approx(sum(use["cost"] for use in crate["sandboxes"]))


def test_the_run_fails_because_two_crates_do_and_all_others_are_done(fleet: Fleet) -> None:
    assert fleet.ran.code == 1
    states = {name: crate["state"] for name, crate in fleet.crates.items()}
    wasm = states.pop("fleet-wasm")
    assert states == {
        "fleet-broken": "failed",
        "fleet-cli": "built",
        "fleet-failing": "failed",
        "fleet-hostile": "built",
        "fleet-search": "built",
        "fleet-tally": "built",
        "fleet-text": "built",
    }
    assert wasm in {"built", "skipped"}
    if wasm == "skipped":
        assert "rustup target add wasm32-unknown-unknown" in fleet.crates["fleet-wasm"]["units"][0]["reason"]


def test_a_compile_error_is_reported_in_rustcs_words(fleet: Fleet) -> None:
    assert fleet.crates["fleet-broken"]["failure"] == {
        "class": "permanent", "phase": "compile", "message": "mismatched types (E0308)",
        "file": "crates/broken/src/lib.rs", "line": 7, "exit_code": 101,
    }  # fmt: skip
    assert fleet.crates["fleet-broken"]["attempts"] == 1


def test_a_failing_test_is_reported_as_one(fleet: Fleet) -> None:
    failure = fleet.crates["fleet-failing"]["failure"]
    assert (failure["phase"], failure["message"]) == ("test", "1 test failed: tests::even_number_of_values")
    assert (failure["file"], failure["line"]) == ("crates/failing/src/lib.rs", 23)


def test_every_package_has_the_list_of_its_parts_inside_and_beside_it(fleet: Fleet) -> None:
    for name in ("fleet-text", "fleet-search", "fleet-cli"):
        crate = fleet.crates[name]
        document = (fleet.top / "dist" / crate["sbom"]["file"]).read_bytes()
        assert hashlib.sha256(document).hexdigest() == crate["sbom"]["sha256"]
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None
        with tarfile.open(fleet.top / "dist" / crate["package"]["file"]) as tar:
            inside = tar.extractfile("package/sbom.cdx.json")
            assert inside is not None
            assert inside.read() == document


def test_the_sbom_has_the_digests_of_cargo_lock_and_the_linked_packages(fleet: Fleet) -> None:
    document = json.loads((fleet.top / "dist/sbom/fleet-search.cdx.json").read_text())
    parts = {each["name"]: each for each in document["components"]}
    scopes = {name: parts[name]["scope"] for name in ("napi", "napi-sys", "napi-derive", "napi-build", "syn")}
    assert scopes == {
        "napi": "required",
        "napi-sys": "required",
        "napi-derive": "excluded",
        "napi-build": "excluded",
        "syn": "excluded",
    }
    locked = tomllib.loads((fleet.top / "Cargo.lock").read_text())["package"]
    sums = {f"pkg:cargo/{each['name']}@{each['version']}": each.get("checksum") for each in locked}
    assert all(each["hashes"][0]["content"] == sums[each["purl"]] for each in parts.values() if "purl" in each)


def test_every_unit_has_digests_sizes_and_times(fleet: Fleet) -> None:
    for name in ("fleet-text", "fleet-search", "fleet-cli"):
        crate = fleet.crates[name]
        (unit,) = crate["units"]
        assert unit["state"] == "built"
        assert unit["artifacts"][0]["bytes"] > 10_000
        assert len(unit["artifacts"][0]["sha256"]) == 64
        assert {phase["name"] for phase in crate["phases"]} >= {"open", "fetch", "compile", "test", "collect", "load"}
        assert crate["peak_memory"] > 2**20
        assert crate["tests"] == "passed"


def test_every_crate_has_a_log_and_its_lines_were_live(fleet: Fleet) -> None:
    for name in fleet.crates.keys() - {"fleet-wasm"}:
        log = (fleet.out / "logs" / f"{name}.log").read_text()
        assert "Compiling" in log
        assert f"[{name}]    Compiling" in fleet.ran.err


@pytest.mark.parametrize("where", ["fleet", "rented"])
def test_the_misbehaving_build_script_reached_nothing(where: str, request: pytest.FixtureRequest) -> None:
    fleet: Fleet = request.getfixturevalue(where)
    log = (fleet.out / "logs/fleet-hostile.log").read_text()
    found = dict(re.findall(r"hostile ([\w-]+): (refused|SUCCEEDED)", log))
    assert len(found) == 31
    assert {name for name in MUST_BE_REFUSED if found[name] != "refused"} == set()
    assert fleet.connections == 0
    assert SECRET not in fleet.ran.err
    assert SECRET not in log
    assert not [
        path
        for path in ("/escape-attempt", "/usr/escape-attempt", "/tmp/escape-attempt", "/etc/escape-attempt")
        if Path(path).exists()
    ]
    assert not list(fleet.top.rglob("escape-attempt"))
    assert subprocess.call(["pgrep", "-f", "sleep 4242"]) == 1


def install(fleet: Fleet, name: str, folder: Path) -> None:
    package = fleet.out / fleet.crates[name]["package"]["file"]
    installing.install(folder, "--offline", package)


def node(script: str, folder: Path, *flags: str) -> str:
    done = subprocess.run(["node", *flags, "-e", script], cwd=folder, check=True, capture_output=True, text=True)  # noqa: TID251
    return done.stdout.strip()


def test_the_addons_install_offline_and_load_in_node(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("fleet-text", "fleet-search"):
        install(fleet, name, tmp_path)
        exports = node(
            f"console.log(typeof require('@fleet/{name}'), Object.keys(require('@fleet/{name}')).length > 0)", tmp_path
        )
        assert exports == "object true"
        installed = tmp_path / "node_modules/@fleet" / name
        assert (installed / f"{name}.linux-x64-gnu.node").exists()
        declared = json.loads((installed / "package.json").read_text())
        assert (installed / declared["types"]).exists()
        assert "devDependencies" not in declared


def test_npm_runs_nothing_when_it_installs_all_packages_of_the_fleet(fleet: Fleet, tmp_path: Path) -> None:
    archives = sorted(fleet.out.glob("*.tgz"))
    assert len(archives) >= 3
    installing.install(tmp_path, "--offline", *archives)
    assert {path.name for path in (tmp_path / "node_modules/.bin").iterdir()} == {"fleet-cli"}


def test_the_program_runs_from_the_shell_and_passes_its_exit_code_on(fleet: Fleet, tmp_path: Path) -> None:
    install(fleet, "fleet-cli", tmp_path)
    program = tmp_path / "node_modules/.bin/fleet-cli"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: TID251
    assert shown.stdout == "fleet-cli 1.0.0\n"
    assert subprocess.run([program, "--no-such-option"], capture_output=True, check=False).returncode == 2  # noqa: TID251
    assert (tmp_path / "node_modules/@fleet/fleet-cli/bin/linux-x64-gnu/fleet-cli").stat().st_mode & 0o111 == 0o111


def test_the_same_source_gives_the_same_bytes(fleet: Fleet, tmp_path: Path) -> None:
    names = ["fleet-cli", "fleet-search"] + (["fleet-wasm"] if fleet.crates["fleet-wasm"]["state"] == "built" else [])
    elsewhere = tmp_path / "clone"
    shutil.copytree(fleet.top, elsewhere, ignore=shutil.ignore_patterns("dist", "rented"))
    words = [word for name in names for word in ("--crate", name)]
    assert cratematrix("build", *words, "--jobs", "2", cwd=elsewhere).code == 0
    again = {crate["name"]: crate for crate in json.loads((elsewhere / "dist/report.json").read_text())["crates"]}
    assert {name: again[name]["package"] for name in names} == {name: fleet.crates[name]["package"] for name in names}
