"""Settings of a manifest at E2B: sizes, hosts, a gateway, variables, and the number of sandboxes."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from generator.backends.e2b import template_references
from generator.manifest.reading import load_manifest
from generator.sandboxes.e2b.template.definition import load_definition
from tests.builds.scripted import Gate, env_of, prepared, report_of, rules_for, scripted_fleet
from tests.e2b_server import E2BServer, Rules, TemplateSize
from tests.support import cratematrix, wait_until

CREATE = "/v2/sandboxes"
HEADERS = {"X-Gateway-Key": "Bearer k3y-of-the-gateway"}


def crate_of(top: Path, number: int = 0) -> dict[str, Any]:
    crate: dict[str, Any] = report_of(top)["crates"][number]
    return crate


# Holds 800 MiB until it is killed, but in the larger size, which it tells by its processors, ends well.
GROWS = (
    "node -e 'const a = []; setInterval(() => a.length < 40 ? a.push(Buffer.alloc(20 << 20, 1))"
    " : process.env.CARGO_BUILD_JOBS > 2 && process.exit(), 20)'"
)

pytestmark = pytest.mark.slow  # whole builds, most of them with time-outs that really pass


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (GROWS, "memory"),
        ("head -c 200M /dev/zero > $CARGO_TARGET_DIR.big", "disk"),
    ],
)  # fmt: skip
def test_what_is_too_small_is_tried_once_on_the_next_size(path: str, tmp_path: Path, build: str, why: str) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 1, build, size="small", retries=0), path)
    names = template_references(load_manifest(top / "crates.json"), load_definition(top))
    sizes = {names["small"]: TemplateSize(2, 500, 160), names["standard"]: TemplateSize(2, 2_000, 20_480)}
    with E2BServer(Rules(templates=sizes)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        assert [record.template for record in server.created()] == [*sizes]
    crate = crate_of(top)
    assert [(use["size"], use["failure_class"]) for use in crate["sandboxes"]] == [
        ("small", "too_small"),
        ("standard", None),
    ]
    assert why in crate["sandboxes"][0]["failure"]
    assert 0 < crate["retry_cost"] < crate["cost"]
    assert report_of(top)["retry_cost"] == crate["retry_cost"]
    assert "for attempts that failed" in ran.err


def test_a_compile_error_is_not_tried_again(path: str, tmp_path: Path) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 1, "echo 'error: no' >&2; exit 1", retries=9), path)
    with E2BServer(rules_for(top)) as server:
        assert cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path)).code == 1
        assert len(server.created()) == 1
    assert crate_of(top)["failure"]["class"] == "permanent"


def with_dependency(top: Path) -> Path:
    (top / "c0/Cargo.lock").unlink()
    manifest = top / "c0/Cargo.toml"
    manifest.write_text(manifest.read_text() + "[dependencies]\ncfg-if = '1'\n")
    return top


def test_a_host_that_is_not_allowed_is_named_in_one_sentence(path: str, tmp_path: Path) -> None:
    fleet = scripted_fleet(tmp_path / "repo", 1, fetch_hosts=["somewhere.example.com"], retries=3)
    top = prepared(with_dependency(fleet), path)
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 1
        assert len(server.created()) == 1
    failure = crate_of(top)["failure"]
    assert (failure["class"], failure["phase"]) == ("permanent", "fetch")
    assert failure["message"].startswith("fetching dependencies needs ")
    assert failure["message"].endswith(", which fetch_hosts does not allow: add it")


def test_auto_allows_what_the_tools_themselves_point_to_and_nothing_else(path: str, tmp_path: Path) -> None:
    fleet = scripted_fleet(tmp_path / "repo", 1, "ls $CARGO_HOME/registry/src/*", fetch_hosts="auto")
    top = prepared(with_dependency(fleet), path)
    with E2BServer(rules_for(top)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        changes = [seen for seen in server.requests if seen.path.endswith("/network")]
        assert len(changes) == 2
        assert not server.created()[0].network.open
    assert "cfg-if-1" in (top / "dist/logs/c0.log").read_text()


@pytest.mark.parametrize("how", ["manifest", "option", "environment"])
def test_a_gateway_in_front_of_e2b(path: str, tmp_path: Path, how: str) -> None:
    top = scripted_fleet(tmp_path / "repo", 1)
    behind = {"api_headers": HEADERS, "sandbox_headers": HEADERS}
    prepared(top, path)
    with E2BServer(rules_for(top, api_prefix="/gw/api", sandbox_prefix="/gw/sbx", **behind)) as server:
        urls = {"api_url": f"{server.url}/gw/api", "sandbox_url": f"{server.url}/gw/sbx"}
        given = env_of(server, tmp_path, GATEWAY_KEY="k3y-of-the-gateway")
        options = ["--e2b-header", "X-Gateway-Key: Bearer ${GATEWAY_KEY}"]
        if how != "environment":
            del given["E2B_API_URL"], given["E2B_SANDBOX_URL"]
        if how == "option":
            options += ["--e2b-api-url", urls["api_url"], "--e2b-sandbox-url", urls["sandbox_url"]]
        if how == "manifest":
            manifest = json.loads((top / "crates.json").read_text())
            manifest["fleet"]["e2b"] = {**urls, "headers": {"X-Gateway-Key": "Bearer ${GATEWAY_KEY}"}}
            (top / "crates.json").write_text(json.dumps(manifest))
            options = []
        ran = cratematrix("build", "--all", "--backend", "e2b", *options, cwd=top, env=given)
        assert ran.code == 0, ran.err
        assert (server.running(), server.violations) == ((), [])
        assert cratematrix("reap", "--run", "none", *options, cwd=top, env=given).code == 0
    written = [file.read_text() for file in (top / "dist").rglob("*") if file.is_file()]
    assert "k3y-of-the-gateway" not in "".join((ran.out, ran.err, *written))


def test_named_variables_are_there_while_compiling_and_not_while_fetching(path: str, tmp_path: Path) -> None:
    """And nothing else of the runner's environment, its own key least of all."""
    build = "echo len ${#OPENROUTER_API_KEY}; env | grep -c -e E2B_ -e OTHER_SECRET || true"
    top = prepared(scripted_fleet(tmp_path / "repo", 1, build, env=["OPENROUTER_API_KEY"]), path)
    with E2BServer(rules_for(top)) as server:
        given = env_of(server, tmp_path, OPENROUTER_API_KEY="or-0123456789abcdef", OTHER_SECRET="x" * 20)
        ran = cratematrix("build", "--all", "--backend", "e2b", cwd=top, env=given)
        assert ran.code == 0, ran.err
        assert all(record.env == {} for record in server.created())
    log = (top / "dist/logs/c0.log").read_text().splitlines()
    assert "len 19" in log
    assert log[log.index("len 19") + 1] == "0"


@pytest.mark.rush
def test_thirty_sandboxes_are_kept_busy_and_the_accounts_pace_is_kept(path: str, tmp_path: Path) -> None:
    """Thirty builds wait for each other, and a create never arrives before its turn: a busy machine changes neither."""
    limits, gate = {"e2b_sandboxes": 30, "e2b_creates_per_second": 8}, Gate(tmp_path / "gate")
    top = prepared(scripted_fleet(tmp_path / "repo", 45, gate.HOLD, limits=limits, slots=30, retries=0), path)
    rules, words = rules_for(top, max_sandboxes=30, creates_per_second=8), ("build", "--all", "--backend", "e2b")
    began = time.monotonic()
    with E2BServer(rules, binds=gate.binds) as server, ThreadPoolExecutor(1) as pool:
        run = pool.submit(cratematrix, *words, "--jobs", "30", cwd=top, env=env_of(server, tmp_path))
        try:
            wait_until(lambda: len(server.running()) == 30 or run.done(), "thirty sandboxes at once", 600)
        finally:
            gate.open()
        ran = run.result()
        assert ran.code == 0, ran.err
        created, left = server.created(), server.running()
        arrived = sorted(each.arrived_at for each in server.requests if each.path == CREATE and each.method == "POST")
    assert (len(created), left) == (45, ())
    assert all(moment - began >= number / 8 for number, moment in enumerate(arrived))
    assert "maximum number of concurrent" not in ran.err
    assert {(crate["state"], crate["attempts"]) for crate in report_of(top)["crates"]} == {("built", 1)}


@pytest.mark.parametrize("retry_after", [True, False])
def test_a_smaller_account_makes_crates_wait_and_none_fail(path: str, tmp_path: Path, retry_after: bool) -> None:
    top = prepared(scripted_fleet(tmp_path / "repo", 6, retries=0, slots=6), path)
    with E2BServer(rules_for(top, max_sandboxes=2, retry_after=retry_after)) as server:
        ran = cratematrix("build", "--all", "--backend", "e2b", "--jobs", "6", cwd=top, env=env_of(server, tmp_path))
        assert ran.code == 0, ran.err
        assert 429 in {seen.status for seen in server.requests}
    assert {crate["attempts"] for crate in report_of(top)["crates"]} == {1}
