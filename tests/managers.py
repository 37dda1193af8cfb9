"""Versions of npm, pnpm, yarn and bun, as npm packages, and an addon that they can install."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.packages.install_lines import Installer
from tests.support import HANGS

# An addon with an answer, in C and without the headers of Node.
ADDON_SOURCE = """typedef struct env* Env; typedef struct value* Value;
int napi_create_int32(Env, int, Value*); int napi_set_named_property(Env, Value, const char*, Value);
Value napi_register_module_v1(Env env, Value exports) {
  Value answer;
  napi_create_int32(env, 42, &answer);
  napi_set_named_property(env, exports, "answer", answer);
  return exports;
}
"""


@dataclass(frozen=True)
class ManagerVersion:
    """A version of a manager: the npm packages that hold it, and its settings in a project."""

    installer: Installer
    packages: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def named(self) -> str:
        """NAME@VERSION, as the field packageManager has it."""
        return f"{self.installer}@{self.packages[0].rpartition('@')[2]}"

    def install(self, top: Path) -> list[Path]:
        """Install it from npm's registry, and return the directories for PATH."""
        words = ["--prefix", str(top), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(  # noqa: TID251
            ["npm", "install", *words, *self.packages],
            cwd=top,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )
        assert ran.returncode == 0, ran.stderr
        return [top / "node_modules/.bin", *sorted(top.glob("node_modules/@oven/*/bin"))]


def version(installer: Installer, *packages: str, **files: str) -> ManagerVersion:
    """Return a manager; each of the files is a `.NAME.yml`."""
    return ManagerVersion(installer, packages, {f".{name}.yml": text for name, text in files.items()})


PROCESSOR = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x64"
# Some versions need a newer Node than the one that tests ask for.
NODE = f"node-{sys.platform}-{PROCESSOR}@24.21.0"
BUN = f"@oven/bun-{sys.platform}-{PROCESSOR.replace('arm64', 'aarch64')}@1.4.5"
YARN = "@yarnpkg/cli-dist@4.18.1"
VERSIONS = {
    "npm 10": version("npm", "npm@10.9.9"),
    "npm 11": version("npm", "npm@11.21.2"),
    "npm 12": version("npm", "npm@12.2.2", NODE),
    "pnpm 9": version("pnpm", "pnpm@9.15.9"),
    "pnpm 10": version("pnpm", "pnpm@10.34.8"),
    "pnpm 11": version("pnpm", "pnpm@11.28.10", NODE),
    "pnpm 12": version("pnpm", "pnpm@12.20.0"),
    "yarn 1": version("yarn", "yarn@1.22.22"),
    "yarn 4": version("yarn", YARN, yarnrc="nodeLinker: node-modules\n"),
    "yarn 4, Plug'n'Play": version("yarn", YARN),
    "bun 1": version("bun", BUN),
}
