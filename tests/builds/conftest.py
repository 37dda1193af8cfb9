"""Fixtures of builds at E2B, and of builds for other platforms."""

from __future__ import annotations

import os

import pytest

from generator.toolchain.host import find_host_toolchain
from generator.toolchain.runtimes import find_runtimes
from tests.builds.foreign import MACS, equipped


@pytest.fixture(scope="session")
def path() -> str:
    """PATH inside of the test server's sandboxes."""
    return find_host_toolchain(os.environ).path


@pytest.fixture(scope="module")
def mac_path() -> str:
    """Return a PATH whose tools build for macOS."""
    return equipped("lib", MACS[0])


@pytest.fixture
def everything(mac_path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a PATH that has what runs programs of other platforms too: what CROSS_RUNTIMES names."""
    path = mac_path
    if runtimes := os.environ.get("CROSS_RUNTIMES"):
        monkeypatch.setenv("CRATEMATRIX_RUNTIMES", runtimes)
        path = f"{runtimes}/bin:{path}"
    found = {each.platform for each in find_runtimes({**os.environ, "PATH": path})}
    if "linux-arm64-gnu" not in found:
        pytest.skip("not run: neither qemu-user-static with libstdc++6-arm64-cross nor CROSS_RUNTIMES is there")
    return path
