"""Builds for platforms other than this machine's, and their reports."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from generator.platforms import Kind, PlatformName, host_platform
from generator.toolchain.host import find_host_toolchain
from generator.toolchain.toolchain import unmet_need
from tests.support import Ran, cratematrix, cross_path

MACS: Final[tuple[PlatformName, ...]] = ("darwin-x64", "darwin-arm64")


def equipped(kind: Kind, platform: PlatformName) -> str:
    """Return a PATH whose tools build for a platform, or skip and say what is missing."""
    path = cross_path()
    toolchain = find_host_toolchain({**os.environ, "PATH": path}).toolchain(host_platform() or "linux-x64-gnu")
    if lack := unmet_need(kind, platform, toolchain):
        pytest.skip(f"not run: {lack}")
    return path


def built(top: Path, path: str | None = None) -> tuple[Ran, dict[str, Any]]:
    """Build all crates; how the command ended, and the one crate's report."""
    ran = cratematrix("build", "--all", cwd=top, env={"PATH": path} if path else {})
    return ran, json.loads((top / "dist/report.json").read_text())["crates"][0]


def units(crate: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return the state and the reason of each platform in a crate's report."""
    return {unit["platform"]: (unit["state"], unit["reason"]) for unit in crate["units"]}


def trials(crate: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    """Return the state of the tests on each platform in a crate's report, by what they ran, and the reason."""
    return {unit["platform"]: tuple(unit["tests"][key] for key in ("state", "by", "reason")) for unit in crate["units"]}
