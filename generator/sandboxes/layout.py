"""Directories of a sandbox, relative to its root, that commands and backends agree on."""

from __future__ import annotations

from typing import Final

# The root itself. Local sandboxes without isolation have a real directory of the host instead.
ROOT: Final = "/build"

HOME: Final = "home"
CARGO_HOME: Final = "cargo"
CARGO_TARGET: Final = "target"
NPM_CACHE: Final = "npm"
TOOLS: Final = "tools"
