"""What e2b/template.json says of the image: size classes, variables of commands, and what a fresh one must answer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from generator.equipment import Equipment, Program
from generator.errors import InputError
from generator.manifest.values import SIZES, EnvName, Size
from generator.packaged import packaged
from generator.platforms import PlatformName
from generator.sandboxes.sandbox import Resources
from generator.strict import Strict

FILE = "e2b/template.json"


class SizeClass(Strict):
    """One size of the image. E2B takes an even number of processors, or one, and an even number of MiB."""

    cpus: int = Field(ge=1, le=32)
    memory_mib: int = Field(ge=128, multiple_of=2)
    disk_mib: int = Field(ge=512)


class Check(Strict):
    """A command and a text that its output must hold."""

    run: str
    expect: str


class Holds(Strict):
    """What the image builds with: Rust targets with their standard library, and programs as `Equipment` has them.

    `coverage` says whether rustup's llvm-tools are there.
    """

    targets: tuple[str, ...]
    programs: tuple[Program, ...]
    coverage: bool = False

    def equipment(self, host: PlatformName) -> Equipment:
        """Return what sandboxes build with, as recipes know it."""
        lack = None if self.coverage else f"{FILE} does not say that its image holds llvm-tools: holds.coverage"
        return Equipment(host, frozenset(self.targets), frozenset(self.programs), no_coverage=lack)


class Definition(Strict):
    """The whole of the file; `timeout_seconds` is how long a sandbox lives on from its runner's last sign of life."""

    template_version: Literal[1]
    timeout_seconds: int = Field(ge=60, le=3_600)
    env: dict[EnvName, str]
    sizes: dict[Size, SizeClass]
    holds: Holds
    checks: tuple[Check, ...]

    def resources(self) -> dict[Size, Resources]:
        """Return the size classes as sandboxes know them."""
        return {
            name: Resources(cpus=each.cpus, memory_mib=each.memory_mib, size=name) for name, each in self.sizes.items()
        }


def load_definition(directory: Path) -> Definition:
    """Read the file beside the manifest in `directory`, or the one that comes with this version where there is none.

    InputError when it cannot be used, with all that is wrong.
    """
    own = directory / FILE
    file = own if own.is_file() else packaged("e2b") / "template.json"
    try:
        found = Definition.model_validate_json(file.read_bytes())
    except ValidationError as error:
        problems = [f"{file}: $.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise InputError(f"{FILE} cannot be used", problems=tuple(problems)) from None
    if missing := set(SIZES) - set(found.sizes):
        raise InputError(f"{file} lacks the size {', '.join(sorted(missing))}")
    if "PATH" not in found.env:
        raise InputError(f"{file} lacks PATH in env: a login shell sets its own")
    return found
