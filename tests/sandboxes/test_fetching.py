"""Fetches of real tools in a local sandbox, through the proxy."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from generator.sandboxes.local.backend import LocalBackend
from generator.toolchain.host import HostToolchain
from tests.sandboxes.commands import run_in
from tests.sandboxes.conftest import OpenSandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")

# A package without dependencies, by whichever tool.
PROJECT = 'mkdir -p $EACH && cd $EACH && echo \'{"name": "x", "version": "1.0.0", "private": true, "dependencies": {"left-pad": "1.3.0"}}\' > package.json'


@pytest.fixture
def backend(toolchain: HostToolchain, stop: threading.Event, tmp_path: Path) -> LocalBackend:
    """Sandboxes that know this machine's own registries."""
    return LocalBackend(toolchain, stop, directory=tmp_path)


def test_auto_is_what_the_tools_point_to_and_nothing_else(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    registries = sandbox.registries()
    assert registries.complete
    hosts = sandbox.allow_only("auto")
    assert hosts is not None
    assert set(hosts) == {each.host for each in registries.endpoints}
    fetch = "cargo new -q --vcs none --lib f && cd f && cargo add -q cfg-if && cargo fetch -q && echo fetched"
    assert run_in(sandbox, fetch, 120)[1][-1] == "fetched"
    assert sandbox.refused_hosts() == ()
    finished, _ = run_in(sandbox, "npm view --registry https://elsewhere.example.com/ x", 120)
    assert finished.exit_code != 0
    assert [each.sentence for each in sandbox.refused_hosts() or ()] == [
        "elsewhere.example.com, which fetch_hosts does not allow: add it"
    ]


@pytest.mark.slow
def test_npm_yarn_and_pnpm_install_by_auto(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    sandbox.allow_only("auto")
    tools = "mkdir managers && cd managers && npm init -y > /dev/null && npm install --no-audit --no-fund yarn@1 pnpm@10 berry@npm:@yarnpkg/cli-dist@4"
    assert run_in(sandbox, tools, 300)[0].exit_code == 0
    tools = "T=$PWD/managers/node_modules"
    for each, install in {
        "npm": "npm install --no-audit --no-fund",
        "yarn": "node $T/yarn/bin/yarn.js install --ignore-scripts",
        "pnpm": "node $T/pnpm/bin/pnpm.cjs install --ignore-scripts",
        "berry": "touch yarn.lock && YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_IMMUTABLE_INSTALLS=0 node $T/berry/bin/yarn.js install",
    }.items():
        finished, lines = run_in(
            sandbox, f"{tools}; {PROJECT} && {install} && ls node_modules/left-pad", 300, EACH=each
        )
        assert finished.exit_code == 0, (each, lines[-10:])
    assert sandbox.refused_hosts() == ()
