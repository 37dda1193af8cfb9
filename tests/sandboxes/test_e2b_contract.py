"""Contract tests for sandboxes at E2B: on the test server, or with --real-e2b on the service itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from generator.backends.e2b import template_references
from generator.manifest.fleet_models import E2BService
from generator.manifest.reading import load_manifest
from generator.manifest.values import Size
from generator.sandboxes.contract import SIZES, Command, Resources, Sandbox
from generator.sandboxes.e2b.backend import Account, E2BBackend, RunIdentity
from generator.sandboxes.e2b.connection import Gateway, resolve_connection
from generator.sandboxes.e2b.sandbox import Lifetime
from generator.sandboxes.e2b.template.definition import load_definition
from generator.toolchain.host import HostToolchain
from tests.e2b_server import E2BServer, Rules, TemplateSize
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox
from tests.sandboxes.test_sandbox_contract import (  # noqa: F401  collected here, with this module's fixtures
    test_a_command_in_a_missing_directory_is_the_sandboxs_error,
    test_a_command_that_closes_its_output_still_has_its_time,
    test_a_command_that_prints_what_the_launcher_prints_is_not_mistaken,
    test_a_stop_ends_the_whole_tree,
    test_a_timeout_ends_the_whole_tree,
    test_a_variable_cannot_smuggle_options_in,
    test_an_archive_cannot_write_beside_its_directory,
    test_an_error_of_the_listener_ends_the_command,
    test_both_streams_come_in_the_order_they_were_written,
    test_bytes_that_are_no_text_are_replaced,
    test_carriage_returns_end_lines_and_the_last_line_needs_no_end,
    test_files_outlive_commands,
    test_get_copies_one_file,
    test_get_follows_no_link_and_takes_only_regular_files,
    test_lines_arrive_while_the_command_runs,
    test_processes_that_a_command_leaves_behind_do_not_hold_it_up_and_are_ended,
    test_put_goes_nowhere_else,
    test_put_refuses_what_is_no_tar,
    test_put_unpacks_below_the_root,
    test_the_exit_code_is_the_commands_or_128_and_the_signal,
    test_the_runners_own_variables_stay_with_it,
    test_variables_of_the_sandbox_and_of_the_command,
    test_what_programs_run_is_not_for_variables_to_decide,
)
from tests.support import TOP


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, toolchain: HostToolchain
) -> Iterator[tuple[Mapping[str, str], dict[Size, str], str]]:
    """Environment variables of the connection, templates, and PATH in the sandboxes."""
    if request.config.getoption("--real-e2b"):
        manifest, definition = load_manifest(TOP / "crates.json"), load_definition(TOP)
        yield os.environ, template_references(manifest, definition), definition.env["PATH"]
        return
    small = {"small": TemplateSize(1, 400), "standard": TemplateSize(2, 2_048)}
    with E2BServer(Rules(templates=small), toolchain) as server:
        yield server.environment, {"small": "small", "standard": "standard"}, server.path
        assert server.running() == ()
        assert server.violations == []


@pytest.fixture
def open_sandbox(
    service: tuple[Mapping[str, str], dict[Size, str], str], stop: threading.Event
) -> Iterator[OpenSandbox]:
    environment, templates, path = service
    connection = resolve_connection(E2BService(), Gateway(), environment)
    backend = E2BBackend(
        Account(connection, 50), RunIdentity("contract"), templates, Lifetime({"PATH": path}, 300), stop, print
    )
    opened: list[Sandbox] = []

    def open_one(resources: Resources = SIZES["standard"], **env: str) -> Sandbox:
        opened.append(backend.open("crate", resources, env))
        return opened[-1]

    yield open_one
    for sandbox in opened:
        sandbox.kill()


def test_memory_that_grows_beyond_the_limit_ends_the_command(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(SIZES["small"])
    hog = "const held = []; setInterval(() => held.push(Buffer.alloc(20 << 20, 1)), 25)"
    finished, _ = run_in(sandbox, f"node -e '{hog}'")
    assert (finished.exit_code, finished.killed) == (137, "memory")


def test_a_kill_from_elsewhere_ends_the_command(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    killer = threading.Thread(target=sandbox.kill)
    command = Command("echo begun; sleep 3600", sandbox.root, 3_600, {})
    assert sandbox.run(command, lambda _: killer.start()).killed == "stopped"
    killer.join()


@pytest.mark.attack("a sandbox at E2B has no network once it is closed")
def test_the_network_is_closed_for_good(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    sandbox.close_network()
    script = 'for each in 1.1.1.1 8.8.8.8; do timeout 5 bash -c "echo > /dev/tcp/$each/53" && echo reached; done 2> /dev/null; echo end'
    assert run_in(sandbox, script)[1] == ["end"]


def test_only_allowed_hosts_are_reached_while_dependencies_are_fetched(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = open_sandbox()
    hosts = sandbox.allow_only("auto")
    assert hosts
    fetch = "cargo new -q --vcs none --lib f && cd f && cargo add -q cfg-if && cargo fetch -q && echo fetched; getent hosts example.com || echo refused"
    assert run_in(sandbox, fetch)[1][-2:] == ["fetched", "refused"]
