"""Fixtures of builds at E2B."""

from __future__ import annotations

import os

import pytest

from generator.toolchain.host import find_host_toolchain


@pytest.fixture(scope="session")
def path() -> str:
    """PATH inside of the test server's sandboxes."""
    return find_host_toolchain(os.environ).path
