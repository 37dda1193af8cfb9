"""Models of e2b/template.json: size classes, environment variables, contents, checks and volumes of the image.

{{{ NAME }}} in the file is a version of e2b/versions.json.
"""

from __future__ import annotations

import posixpath
import shlex
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from generator.errors import InputError
from generator.manifest.values import SIZES, EnvName, Size
from generator.package_data import package_data
from generator.platforms import PlatformName
from generator.sandboxes.contract import Resources
from generator.sandboxes.layout import CARGO_HOME, NPM_CACHE, ROOT, USER_CACHE
from generator.strict import Strict
from generator.text import plain
from generator.toolchain.toolchain import Program, Runtime, Toolchain
from generator.versions import Versions, versions

FILE = "e2b/template.json"
# All machines of E2B are of this platform.
IMAGE_PLATFORM: Final[PlatformName] = "linux-x64-gnu"


# Directories of a sandbox that a volume may replace or be in. Everything else is the image's or the tool's own.
MOUNT_PLACES: Final = ("/mnt", "/cache", *(f"{ROOT}/{name}" for name in (CARGO_HOME, NPM_CACHE, USER_CACHE)))


def _mount_path(path: str) -> str:
    if path != posixpath.normpath(path) or not any(PurePosixPath(path).is_relative_to(each) for each in MOUNT_PLACES):
        raise ValueError(f"a volume is mounted at or below {', '.join(MOUNT_PLACES)}, and not at {path}")
    return path


class SizeClass(Strict):
    """Resources of one size class. E2B accepts one CPU or an even number, and an even number of MiB."""

    cpus: int = Field(ge=1, le=32)
    memory_mib: int = Field(ge=128, multiple_of=2)
    disk_mib: int = Field(ge=512)


class Check(Strict):
    """Command and the text that its output must contain."""

    run: str
    expect: str

    def failure(self, output: str) -> str:
        """Return the sentence about output without the expected text."""
        return f"{self.run}: expected {self.expect!r}, got {plain(output)[:200]!r}"


class Mount(Strict):
    """Volume of the account, by its name, and the directory of every sandbox that it is."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=128)
    path: Annotated[str, AfterValidator(_mount_path)]


class TemplateRuntime(Strict):
    """Emulator for another platform's programs in the image: its command line, and that platform's Node.js."""

    name: str = Field(min_length=1)
    command: tuple[str, ...] = Field(min_length=1)
    node: str | None = Field(default=None, pattern="^/")
    node_version: str | None = None

    @model_validator(mode="after")
    def _check_node_fields(self) -> Self:
        if (self.node is None) != (self.node_version is None):
            raise ValueError("node and node_version must be set together")
        return self

    def runtime(self) -> Runtime:
        """Return the runtime for recipes."""
        return Runtime(self.name, self.command, self.node, self.node_version)


class TemplateContents(Strict):
    """Build tools in the image: Rust targets, programs, llvm-tools for coverage, and emulators of other platforms.

    `windows` are the processors that cargo-xwin has Microsoft's libraries for.
    """

    targets: tuple[str, ...]
    programs: tuple[Program, ...]
    windows: tuple[Literal["x64", "arm64"], ...] = ("x64",)
    coverage: bool = False
    runtimes: dict[PlatformName, TemplateRuntime] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_runtime_platforms(self) -> Self:
        if IMAGE_PLATFORM in self.runtimes:
            raise ValueError(f"runtimes are for other platforms than the image's own, {IMAGE_PLATFORM}")
        return self

    def toolchain(self) -> Toolchain:
        """Return the toolchain of sandboxes for recipes."""
        no_coverage = None if self.coverage else f"{FILE} does not say that its image holds llvm-tools: holds.coverage"
        runtimes = {platform: each.runtime() for platform, each in self.runtimes.items()}
        return Toolchain(
            IMAGE_PLATFORM,
            frozenset(self.targets),
            frozenset(self.programs),
            frozenset(self.windows),
            no_coverage=no_coverage,
            runtimes=runtimes,
        )


class Definition(Strict):
    """Contents of the file; `timeout_seconds` is the time that a sandbox survives without a heartbeat of its runner.

    `health_check` is a command that succeeds in a sandbox that works. E2B runs it before it finishes an image.
    """

    template_version: Literal[1]
    timeout_seconds: int = Field(ge=60, le=3_600)
    env: dict[EnvName, str]
    sizes: dict[Size, SizeClass]
    holds: TemplateContents
    checks: tuple[Check, ...]
    health_check: str = Field(default="true", min_length=1)
    mounts: tuple[Mount, ...] = ()

    @model_validator(mode="after")
    def _check_mounts(self) -> Self:
        paths = [each.path for each in self.mounts]
        for path in paths:
            if sum(PurePosixPath(path).is_relative_to(each) for each in paths) > 1:
                raise ValueError(f"mounts: {path} is in more than one volume")
        return self

    def script(self, command: str) -> str:
        """Return a script that runs a command with the file's variables. A login shell sets a PATH of its own."""
        return "\n".join((*(f"export {name}={shlex.quote(value)}" for name, value in self.env.items()), command))

    def volumes(self) -> dict[str, str]:
        """Return the name of the volume at each path."""
        return {each.path: each.name for each in self.mounts}

    def resources(self) -> dict[Size, Resources]:
        """Return the resource limits of each size class."""
        return {
            name: Resources(cpus=each.cpus, memory_mib=each.memory_mib, size=name) for name, each in self.sizes.items()
        }


def load_definition(directory: Path) -> Definition:
    """Read the file beside the manifest in `directory`, or the packaged one when it is missing.

    InputError with all problems when the file is invalid.
    """
    own = directory / FILE
    return _read(own) if own.is_file() else packaged_definition()


def packaged_definition(used: Versions | None = None) -> Definition:
    """Return the packaged definition, which describes the image of the packaged Dockerfile.

    `used` are other versions than the packaged.
    """
    return _read(package_data("e2b") / "template.json", used)


def _read(file: Path, used: Versions | None = None) -> Definition:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file} is not text in UTF-8") from None
    try:
        found = Definition.model_validate_json((used or versions()).insert(text))
    except ValidationError as error:
        problems = [f"{file}: $.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise InputError(f"{FILE} cannot be used", problems=tuple(problems)) from None
    if missing := set(SIZES) - set(found.sizes):
        raise InputError(f"{file} lacks the size {', '.join(sorted(missing))}")
    if "PATH" not in found.env:
        raise InputError(f"{file} lacks PATH in env: a login shell sets its own")
    return found
