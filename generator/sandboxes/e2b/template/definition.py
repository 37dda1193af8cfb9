"""What e2b/template.json says of the image: size classes, variables of commands, and what a fresh one must answer."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from generator.errors import InputError
from generator.files.package_data import package_data
from generator.manifest.values import SIZES, EnvName, Size
from generator.platforms import PlatformName
from generator.sandboxes.contract import Resources
from generator.strict import Strict
from generator.toolchain.toolchain import Program, Runtime, Toolchain

FILE = "e2b/template.json"
# What the image is: E2B's machines are all of this platform.
HOST: Final[PlatformName] = "linux-x64-gnu"


class SizeClass(Strict):
    """One size of the image. E2B takes an even number of processors, or one, and an even number of MiB."""

    cpus: int = Field(ge=1, le=32)
    memory_mib: int = Field(ge=128, multiple_of=2)
    disk_mib: int = Field(ge=512)


class Check(Strict):
    """A command and a text that its output must hold."""

    run: str
    expect: str


class HeldRuntime(Strict):
    """What runs another platform's programs in the image, as `Runtime` has it: the words of a command, and Node.js."""

    name: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)
    node: str | None = Field(default=None, pattern="^/")
    node_version: str | None = None

    @model_validator(mode="after")
    def _tells_both_of_node(self) -> Self:
        if (self.node is None) != (self.node_version is None):
            raise ValueError("node and node_version are told together, or neither")
        return self

    def runtime(self) -> Runtime:
        """Return it as recipes know it."""
        return Runtime(self.name, self.command, self.node, self.node_version)


class Holds(Strict):
    """What the image builds with: Rust targets with their standard library, and programs as `Equipment` has them.

    `coverage` says whether rustup's llvm-tools are there, `runtimes` what runs the programs of other platforms.
    """

    targets: tuple[str, ...]
    programs: tuple[Program, ...]
    coverage: bool = False
    runtimes: dict[PlatformName, HeldRuntime] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _runs_the_host_by_itself(self) -> Self:
        if HOST in self.runtimes:
            raise ValueError(f"runtimes are for other platforms than the image's own, {HOST}")
        return self

    def toolchain(self) -> Toolchain:
        """Return what sandboxes build with, as recipes know it."""
        lack = None if self.coverage else f"{FILE} does not say that its image holds llvm-tools: holds.coverage"
        runtimes = {platform: each.runtime() for platform, each in self.runtimes.items()}
        return Toolchain(HOST, frozenset(self.targets), frozenset(self.programs), no_coverage=lack, runtimes=runtimes)


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
    return _read(own) if own.is_file() else packaged_definition()


def packaged_definition() -> Definition:
    """Return the one that comes with this version: it tells of the image as the Dockerfile makes it."""
    return _read(package_data("e2b") / "template.json")


def _read(file: Path) -> Definition:
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
