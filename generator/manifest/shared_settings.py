"""The settings that a fleet gives and a crate may replace, each declared once with default, description and effect."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import Field

from generator.manifest.effects import BuildInput, Declared, NotAnInput
from generator.manifest.values import DEFAULT_SIZE, EnvName, FetchHosts, Glibc, Minutes, SizeSetting
from generator.platforms import DEFAULT_PLATFORMS, PlatformName

Unset = TypeVar("Unset")
"""The type of a setting that is not given: Never where every setting has a value, None where a crate has none."""


class SharedSettings(Declared, Generic[Unset]):
    """Settings of a crate, as the fleet gives them, as a crate replaces them, or merged.

    The rule for effects: a setting that can change a package, a test result or the success of a build is an input.
    """

    # Each platform is compiled, tested and packed.
    platforms: BuildInput[tuple[PlatformName, ...] | Unset] = Field(
        default=DEFAULT_PLATFORMS,
        min_length=1,
        examples=[["linux-x64-gnu", "wasm32"]],
        description="Platforms to build for, where the crate's kind allows. The default is all but linux-arm64-musl "
        "and win32-arm64-msvc.",
    )
    # Memory and cores decide whether a build succeeds; a crate that failed needs a build after its size is raised.
    # The choice of auto follows from measurements and is no input: the memory is enough in each size that it chooses.
    size: BuildInput[SizeSetting | Unset] = Field(
        default=DEFAULT_SIZE,
        examples=["large", "auto"],
        description="Size class of the sandboxes. auto: the smallest one whose memory the measured peaks of the last "
        "builds fit with a margin, and standard without a measurement.",
    )
    # As with the size: a crate that was too slow needs a build after its timeout is raised.
    timeout_minutes: BuildInput[Minutes | Unset] = Field(
        default=60.0, examples=[90], description="Timeout of one attempt to build a crate, in minutes."
    )
    # Only transient failures are retried, and these say nothing about the crate.
    retries: NotAnInput[int | Unset] = Field(
        default=3, ge=0, le=10, examples=[1], description="Number of retries after transient failures."
    )
    # The report of a crate says whether its tests passed.
    tests: BuildInput[bool | Unset] = Field(default=True, examples=[False], description="Run the crate's tests.")
    # The report has the coverage, and the tests run with instrumented code.
    coverage: BuildInput[bool | Unset] = Field(
        default=False,
        examples=[True],
        description="Report the test coverage of the crate's Rust code. The tests run once, with instrumented code. "
        "On a machine without the coverage tools, they run without instrumentation and the report says why.",
    )
    # The report says for each platform whether its tests passed.
    foreign_tests: BuildInput[bool | Unset] = Field(
        default=True,
        examples=[False],
        description="Run the crate's tests for platforms other than the host too, where an emulator or runtime is "
        "installed: qemu, Wine, or Node for wasm.",
    )
    # The linker gets this version.
    glibc: BuildInput[Glibc | Unset] = Field(
        default="2.17",
        examples=["2.28"],
        description="Oldest version of the GNU C library that packages for linux-*-gnu support. This needs zig; "
        "without it, packages for the host need the host's version.",
    )
    # A platform that cannot be built is skipped, or fails the crate if it is required.
    required: BuildInput[tuple[PlatformName, ...] | Unset] = Field(
        default=(),
        examples=[["linux-x64-gnu"]],
        description="Required platforms: if one of them cannot be built, each crate that has it in its platforms "
        "fails. Other platforms are skipped with a reason, and the package is made without them.",
    )
    # Without it, a crate of which nothing can be built fails.
    may_be_skipped: BuildInput[bool | Unset] = Field(
        default=False,
        examples=[True],
        description="If the crate can be built for none of its platforms, skip it instead of failing it.",
    )
    # Build scripts and tests read these variables; the cache key has their values too.
    env: BuildInput[tuple[EnvName, ...] | Unset] = Field(
        default=(),
        examples=[["WORDS_LANGUAGE"]],
        description="Names of environment variables that are passed into the sandbox.",
    )
    # The network decides whether dependencies can be fetched; a crate that failed needs a build after a host is added.
    fetch_hosts: BuildInput[FetchHosts | Unset] = Field(
        default="auto",
        examples=[["auto", "files.example.com"]],
        description="Hosts that a sandbox may reach during the fetch step. auto: the hosts of registries in the "
        "configuration of cargo, npm, yarn and pnpm, and of git dependencies in Cargo.lock. open: every host on the "
        "Internet. Or a list of example.com, *.example.com (its subdomains) and auto. A crate with a git source needs "
        "no entry for it: the repository is fetched outside of the sandbox. A connection to any other host fails the "
        "crate, without a retry, and the error names the host. Without isolation, nothing is blocked.",
    )
