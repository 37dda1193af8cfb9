"""The manifest, crates.json, as frozen models.

What a single value may look like is said in `values`, what values must be to each other in `checks`, and what holds
for one crate in `settings`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag

from generator.manifest.values import (
    ActionRef,
    BackendName,
    Command,
    CommitSha,
    CrateName,
    Cron,
    EnvName,
    FetchHosts,
    GitUrl,
    Glibc,
    HeaderName,
    HeaderValue,
    HostName,
    Layout,
    Minutes,
    NpmName,
    NpmScope,
    RelativePath,
    ServiceUrl,
    Size,
    TagPattern,
    TemplateName,
    Version,
)
from generator.platforms import PLATFORM_NAMES, Kind, PlatformName
from generator.strict import Strict

MAX_CRATES: Final = 10_000


class PathSource(Strict):
    """A directory of the checkout, relative to the manifest."""

    path: RelativePath = Field(description="Directory of the crate, relative to the manifest, inside the repository.")


class GitSource(Strict):
    """A directory of a git repository at one revision."""

    git: GitUrl = Field(description="https URL of the repository, without credentials.")
    rev: CommitSha = Field(description="Full commit SHA.")
    path: RelativePath = Field(default=".", description="Directory of the crate in that repository.")


class RegistrySource(Strict):
    """A version published in Rust's crate registry."""

    registry: CrateName = Field(description="Name of the crate in the registry.")
    version: Version = Field(description="Exact version.")


def _source_tag(value: Any) -> str | None:
    """Which of the three a source is; None, which pydantic refuses, for what is no object at all."""
    if not isinstance(value, dict | Strict):
        return None
    keys = value if isinstance(value, dict) else vars(value)
    return next((tag for tag in ("git", "registry") if tag in keys), "path")


Source = Annotated[
    Annotated[PathSource, Tag("path")] | Annotated[GitSource, Tag("git")] | Annotated[RegistrySource, Tag("registry")],
    Discriminator(_source_tag),
]


class Commands(Strict):
    """Shell commands that replace the recipe's own, run by bash in the crate's directory inside the sandbox."""

    build: Command | None = Field(default=None, description="Compiles the crate for the host platform.")
    test: Command | None = Field(default=None, description="Runs the crate's tests.")


class Limits(Strict):
    """What the accounts allow at the same time."""

    github_jobs: int = Field(default=20, ge=1, le=1_000, description="GitHub Actions jobs that run at once.")
    e2b_sandboxes: int = Field(default=20, ge=1, le=2_000, description="E2B sandboxes that run at once.")
    e2b_creates_per_second: float = Field(
        default=1, gt=0, le=100, description="E2B sandboxes that are started per second; the Hobby plan allows 1."
    )


class E2BService(Strict):
    """Where E2B is, when it is not at its own address: a gateway in front of it, or a service that speaks the same."""

    api_url: ServiceUrl | None = Field(
        default=None,
        description="https URL, path prefix and all, of the API that starts and ends sandboxes; http for localhost "
        "only. The variable E2B_API_URL comes before it.",
    )
    sandbox_url: ServiceUrl | None = Field(
        default=None,
        description="https URL, path prefix and all, that commands and files of every sandbox go through; without it "
        "they go to the sandboxes' own domain. The variable E2B_SANDBOX_URL comes before it.",
    )
    domain: HostName | None = Field(
        default=None,
        description="Domain of the service: the API is at api.DOMAIN, a sandbox at PORT-ID.DOMAIN. The variable "
        "E2B_DOMAIN comes before it.",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        max_length=20,
        json_schema_extra={"additionalProperties": False},
        description="Headers that every request to these addresses carries, in visible ASCII. A secret is written as "
        "${NAME} of an environment variable and never literally: this file is public to whoever reads the repository.",
    )


class Fleet(Strict):
    """What holds for every crate that does not say otherwise, and for the run as a whole."""

    npm_scope: NpmScope = Field(description="npm scope of every package.")
    slots: int = Field(default=30, ge=1, le=256, description="Jobs that build at the same time.")
    template: TemplateName = Field(default="rust-napi-builder", description="E2B image that sandboxes start from.")
    action: ActionRef = Field(
        default="./", description="The action that generated workflows use: ./ or OWNER/REPOSITORY@REF."
    )
    backend: BackendName = Field(
        default="local",
        description="Where generated workflows build: local, on GitHub's runner itself, or e2b, with the repository's "
        "secret E2B_API_KEY. The command line has --backend.",
    )
    schedule: Cron | None = Field(
        default=None,
        description="When, in cron's five fields and UTC, the release workflow makes a prerelease by itself.",
    )
    release_tags: TagPattern = Field(
        default="v*",
        description="Pattern of the tags that the release workflow runs for. Other tags are free for other uses.",
    )
    canaries: tuple[CrateName, ...] = Field(
        default=(),
        description="Crates that `plan --changed-since` builds when code of cratematrix itself changed that decides no "
        "package's content. Only for the repository that holds the action; without canaries all crates are built.",
    )
    platforms: tuple[PlatformName, ...] = Field(
        default=PLATFORM_NAMES, min_length=1, description="Platforms to build for, where the crate's kind allows."
    )
    layout: Layout = Field(
        default="single",
        description="single: one npm package per crate, with all its platforms. split: a root package, and one for "
        "each platform that npm installs by os, cpu and libc; for registries.",
    )
    size: Size = Field(default="standard", description="Size class of the sandboxes.")
    timeout_minutes: Minutes = Field(default=60, description="Longest time one attempt at a crate may take.")
    retries: int = Field(default=3, ge=0, le=10, description="Further attempts after a transient failure.")
    tests: bool = Field(default=True, description="Whether the crate's tests are run.")
    coverage: bool = Field(
        default=False,
        description="Whether the report says how much of the crate's Rust code its tests run: they are run once, with "
        "that code instrumented. Where a machine lacks what it takes, they run as ever, and the report says why.",
    )
    foreign_tests: bool = Field(
        default=True,
        description="Whether the crate's tests are also run for other platforms than the host's, where something runs "
        "their programs: qemu, Wine, or Node for wasm.",
    )
    glibc: Glibc = Field(
        default="2.17",
        description="Oldest version of the GNU C library that packages for linux-*-gnu run with. It takes zig; where "
        "there is none, packages for the host need the host's own version.",
    )
    required: tuple[PlatformName, ...] = Field(
        default=(),
        description="Platforms that a crate must be built for where its own include them: one that cannot be built "
        "fails the crate. Any other is skipped with its reason, and the package is made without it.",
    )
    env: tuple[EnvName, ...] = Field(
        default=(), description="Names of environment variables that are passed into the sandbox."
    )
    fetch_hosts: FetchHosts = Field(
        default="auto",
        description="What a sandbox may reach while dependencies are fetched: auto, the hosts of the registries that "
        "cargo's, npm's, yarn's and pnpm's configuration names, and of git dependencies that Cargo.lock names; open, "
        "anything on the Internet; or a list of example.com, *.example.com (its subdomains) and auto. Crates whose "
        "source is git need no host here, for this machine fetches them. A host that is not allowed ends the crate "
        "with its name, and is not tried again. Without isolation nothing is kept to it.",
    )
    e2b: E2BService = Field(default=E2BService(), description="Where E2B is, when it is not at its own address.")
    limits: Limits = Field(default=Limits(), description="What the accounts allow at the same time.")


class Crate(Strict):
    """One crate; a setting that is given here replaces the fleet's."""

    name: CrateName = Field(description="Name of the crate.")
    npm_name: NpmName | None = Field(default=None, description="npm name, when it is not SCOPE/NAME.")
    version: Version = Field(description="Version of the crate and of its package.")
    kind: Kind = Field(
        description="napi: addon; wasm: wasm-bindgen; bin: command-line program; lib: compiled and tested, no package."
    )
    source: Source = Field(description="Where the source lies.")
    depends_on: tuple[CrateName, ...] = Field(default=(), description="Crates of this fleet that it depends on.")
    expected_minutes: Minutes = Field(default=5, description="Expected minutes for all its platforms together.")
    platforms: tuple[PlatformName, ...] | None = Field(default=None, min_length=1, description="Replaces the fleet's.")
    size: Size | None = Field(default=None, description="Replaces the fleet's.")
    timeout_minutes: Minutes | None = Field(default=None, description="Replaces the fleet's.")
    retries: int | None = Field(default=None, ge=0, le=10, description="Replaces the fleet's.")
    tests: bool | None = Field(default=None, description="Replaces the fleet's.")
    coverage: bool | None = Field(default=None, description="Replaces the fleet's.")
    foreign_tests: bool | None = Field(default=None, description="Replaces the fleet's.")
    glibc: Glibc | None = Field(default=None, description="Replaces the fleet's.")
    required: tuple[PlatformName, ...] | None = Field(default=None, description="Replaces the fleet's.")
    env: tuple[EnvName, ...] | None = Field(default=None, description="Replaces the fleet's.")
    fetch_hosts: FetchHosts | None = Field(default=None, description="Replaces the fleet's.")
    commands: Commands = Field(default=Commands(), description="Replace the recipe's own commands.")


class Manifest(Strict):
    """The whole of crates.json."""

    schema_: str | None = Field(default=None, alias="$schema", max_length=500, description="For editors.")
    schema_version: Literal[1] = Field(description="Version of this format.")
    fleet: Fleet
    crates: tuple[Crate, ...] = Field(min_length=1, max_length=MAX_CRATES)
