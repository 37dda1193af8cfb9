"""The models of the manifest, crates.json.

Rules of single values are in `values`, checks between values in `checks`. `source_models` has the sources of crates.
`shared_settings` has the settings of fleet and crate; `settings` merges them.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Final, Literal, Never

from pydantic import Field

from generator.manifest.effects import BuildInput, Declared, EnvironmentInput, NotAnInput
from generator.manifest.shared_settings import SharedSettings
from generator.manifest.source_models import Source
from generator.manifest.values import (
    ActionRef,
    BackendName,
    BatchName,
    Command,
    CrateName,
    Cron,
    Date,
    HeaderName,
    HeaderValue,
    HostName,
    IncludedPath,
    Layout,
    Minutes,
    NpmName,
    NpmScope,
    ProgramName,
    Reason,
    ScopedName,
    ServiceUrl,
    TagPattern,
    TemplateName,
    Version,
    WorkflowName,
)
from generator.platforms import Kind
from generator.strict import Strict

MAX_CRATES: Final = 10_000

# The state of a quarantine on a day. A crate without one has the state None.
QuarantineState = Literal["holds", "ended"]


class Commands(Strict):
    """Shell commands that replace the recipe's own.

    bash runs them in the sandbox, in the crate's directory or, for an addon, in that of package.json.
    """

    build: Command | None = Field(
        default=None, examples=["npm run build:native"], description="Compiles the crate for the host platform."
    )
    test: Command | None = Field(default=None, examples=["cargo test --release"], description="Runs the crate's tests.")


class Quarantine(Strict):
    """The declaration that a crate is broken: until a day its failure does not block the others.

    Days are those of UTC.
    """

    reason: Reason = Field(
        examples=["its author ports it to napi 3"],
        description="Sentence on what is broken; releases and reports show it.",
    )
    until: Date = Field(
        examples=["2026-12-31"], description="Last day, as in 2026-12-31 and in UTC, on which the crate may fail."
    )

    def state(self, today: date) -> QuarantineState:
        """Return whether the quarantine holds on a day, or has ended before it."""
        return "holds" if today <= date.fromisoformat(self.until) else "ended"


# Sandboxes at once, creates a second and minutes of a sandbox's life of E2B's Hobby plan, and the last of all others:
# https://e2b.dev/docs/sandbox/rate-limits and https://e2b.dev/docs/billing
HOBBY_SANDBOXES: Final = 20
HOBBY_CREATES: Final = 1
HOBBY_SESSION_MINUTES: Final = 60.0
SESSION_MINUTES: Final = 1_440.0


class Limits(Strict):
    """Limits of the GitHub and E2B accounts."""

    github_jobs: int = Field(
        default=20, ge=1, le=1_000, examples=[40], description="GitHub Actions jobs that run at the same time."
    )
    e2b_sandboxes: int = Field(
        default=HOBBY_SANDBOXES, ge=1, le=2_000, examples=[100], description="E2B sandboxes that run at the same time."
    )
    e2b_creates_per_second: float = Field(
        default=HOBBY_CREATES,
        gt=0,
        le=100,
        examples=[5],
        description="E2B sandboxes that may start per second; the Hobby plan allows 1.",
    )

    @property
    def e2b_session_minutes(self) -> float:
        """Minutes that a sandbox may live: an hour for an account with the limits of the Hobby plan, else a day."""
        is_hobby = self.e2b_sandboxes <= HOBBY_SANDBOXES and self.e2b_creates_per_second <= HOBBY_CREATES
        return HOBBY_SESSION_MINUTES if is_hobby else SESSION_MINUTES


class E2BService(Strict):
    """Addresses of E2B, for a gateway in front of it or for a compatible service."""

    api_url: ServiceUrl | None = Field(
        default=None,
        examples=["https://gateway.example.com/e2b"],
        description="URL of the API that starts and stops sandboxes, with its path prefix: https, or http for "
        "localhost only. The environment variable E2B_API_URL has precedence.",
    )
    sandbox_url: ServiceUrl | None = Field(
        default=None,
        examples=["https://gateway.example.com/sandboxes"],
        description="URL for the commands and files of all sandboxes, with its path prefix: https, or http for "
        "localhost only. The default is the domain of each sandbox. The environment variable E2B_SANDBOX_URL has "
        "precedence.",
    )
    domain: HostName | None = Field(
        default=None,
        examples=["e2b.example.com"],
        description="Domain of the service: the API is at api.DOMAIN, a sandbox at PORT-ID.DOMAIN. The environment "
        "variable E2B_DOMAIN has precedence.",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        max_length=20,
        json_schema_extra={"additionalProperties": False},
        examples=[{"X-Key": "Bearer ${GATEWAY_KEY}"}],
        description="Headers of every request to these addresses, in visible ASCII. Write a secret as ${NAME} of an "
        "environment variable, never literally: every reader of the repository can read this file.",
    )


class Workflows(Strict):
    """Names of the generated workflow files."""

    build: WorkflowName = Field(
        default="cratematrix-build.yml",
        examples=["crates.yml"],
        description="Workflow that builds the crates of pushes and pull requests.",
    )
    release: WorkflowName = Field(
        default="cratematrix-release.yml",
        examples=["crates-release.yml"],
        description="Workflow that builds and publishes a release.",
    )
    regenerate: WorkflowName = Field(
        default="cratematrix-regenerate.yml",
        examples=["crates-regenerate.yml"],
        description="Workflow that checks the generated files.",
    )


class _FleetKeys(Declared):
    """Keys of the fleet that no crate can replace."""

    # It is in the npm names of packages.
    npm_scope: BuildInput[NpmScope] = Field(examples=["@you"], description="npm scope of every package.")
    # It decides how builds are shared out.
    slots: NotAnInput[int] = Field(
        default=30,
        ge=1,
        le=256,
        examples=[30],
        description="Number of slots that build at the same time, each by default in its own job.",
    )
    # It decides which jobs open the same sandboxes.
    jobs: NotAnInput[int | None] = Field(
        default=None,
        ge=1,
        le=256,
        examples=[3],
        description="e2b: number of jobs that share the slots, each with a sandbox per slot. A runner that waits costs "
        "more than the sandbox. The default is a job per slot.",
    )
    # The image holds the toolchain. The cache key has the toolchain's fingerprint.
    template: EnvironmentInput[TemplateName] = Field(
        default="rust-napi-builder",
        examples=["rust-napi-builder"],
        description="E2B template (image) of the sandboxes.",
    )
    # The action installs the version of cratematrix that builds. The cache key has that version.
    action: EnvironmentInput[ActionRef] = Field(
        default="./",
        examples=["you/cratematrix@v1"],
        description="The action that generated workflows use: ./ or OWNER/REPOSITORY@REF.",
    )
    # `build --backend` can select another one. The cache key has the one that builds.
    backend: EnvironmentInput[BackendName] = Field(
        default="local",
        examples=["e2b"],
        description="Backend of generated workflows. local: on GitHub's runner itself. e2b: in E2B sandboxes, with the "
        "repository's secret E2B_API_KEY. The command line has --backend.",
    )
    workflows: NotAnInput[Workflows] = Field(
        default=Workflows(),
        examples=[{"build": "crates.yml"}],
        description="Names of the generated files in .github/workflows.",
    )
    # It decides which platforms the action's toolchain can build. The cache key has the toolchain's fingerprint.
    accept_microsoft_licence: EnvironmentInput[bool] = Field(
        default=False,
        examples=[True],
        description="You accept Microsoft's licence for its C runtime and Windows SDK, "
        "https://go.microsoft.com/fwlink/?LinkId=2086102, so the action fetches them to build for Windows. Without it, "
        "it never does, and Windows is skipped on a runner that has no libraries of its own.",
    )
    pages: NotAnInput[bool] = Field(
        default=False,
        examples=[True],
        description="The build workflow publishes the page of the report on GitHub Pages, after each push to the "
        "default branch. The repository needs Pages with the source GitHub Actions. The page may be public, also that "
        "of a private repository.",
    )
    schedule: NotAnInput[Cron | None] = Field(
        default=None,
        examples=["0 3 * * *"],
        description="Schedule on which the release workflow makes a prerelease: the five fields of cron, in UTC.",
    )
    release_tags: NotAnInput[TagPattern] = Field(
        default="v*",
        examples=["fleet-v*"],
        description="Pattern of the tags that the release workflow runs for. Other tags are free for other uses.",
    )
    prerelease_tags: NotAnInput[TagPattern | None] = Field(
        default=None,
        examples=["*-preview"],
        description="Pattern of the tags whose releases are prereleases. Without it, these are the tags whose version "
        "has a pre-release part, as in v1.0.0-rc.1, and tags without a version that have a word such as nightly.",
    )
    # The plan reads it for a change of cratematrix itself.
    canaries: NotAnInput[tuple[CrateName, ...]] = Field(
        default=(),
        examples=[["words"]],
        description="Crates that `plan --changed-since` builds when code of cratematrix itself changed that decides no "
        "package's content. Only for the repository that holds the action; without canaries all crates are built.",
    )
    # It decides how binaries are divided into packages.
    layout: BuildInput[Layout] = Field(
        default="single",
        examples=["split"],
        description="single: one npm package per crate, with all its platforms. split: a root package, and one for "
        "each platform that npm installs by os, cpu and libc; for registries.",
    )
    # Addresses and limits decide how a run gets its sandboxes. The image that they start from is the template.
    e2b: NotAnInput[E2BService] = Field(
        default=E2BService(),
        examples=[{"domain": "e2b.example.com"}],
        description="Addresses of E2B, for a gateway or a compatible service.",
    )
    limits: NotAnInput[Limits] = Field(
        default=Limits(),
        examples=[{"github_jobs": 40}],
        description="Limits of your accounts, which plans and builds keep.",
    )


class Fleet(SharedSettings[Never], _FleetKeys):
    """Settings of the whole run, and of every crate that does not replace them."""

    @property
    def slots_per_job(self) -> int:
        """Slots of one job, rounded up, so that all slots have one."""
        return math.ceil(self.slots / self.jobs) if self.jobs else 1


class _CrateKeys(Declared):
    """Keys that only crates have."""

    name: BuildInput[CrateName] = Field(examples=["words"], description="Name of the crate.")
    # It is in the package.
    npm_name: BuildInput[NpmName | None] = Field(
        default=None,
        examples=["@you/words-native"],
        description="npm name, with or without a scope, if it is not SCOPE/NAME.",
    )
    # It is in the packages of the layout split.
    platform_packages: BuildInput[ScopedName | None] = Field(
        default=None,
        examples=["@you/words-native"],
        description="Name of the packages for one platform in the layout split, @scope/name without the platform. The "
        "default is the npm name. For one without a scope it is packageName of the napi key in package.json, if that "
        "has a scope and the source is a path, or else SCOPE/NAME.",
    )
    version: BuildInput[Version] = Field(
        examples=["0.1.6"],
        description="Version of the crate and of its package. A crate with a path source needs none: then it is the "
        "version in Cargo.toml or, for an addon, in package.json.",
    )
    kind: BuildInput[Kind] = Field(
        examples=["napi"],
        description="napi: addon; wasm: wasm-bindgen; bin: command-line program; lib: compiled and tested, no package.",
    )
    source: BuildInput[Source] = Field(
        examples=[{"path": "packages/words"}, {"registry": "words", "version": "0.1.6"}],
        description="Location of the source.",
    )
    # The package has these.
    programs: BuildInput[tuple[ProgramName, ...] | None] = Field(
        default=None,
        min_length=1,
        examples=[["words"]],
        description="Programs of the package, which npm puts on PATH. The default is what cargo install would install: "
        "every program whose required features are on by default.",
    )
    # Only the plan reads it: it adds the dependents of a changed crate.
    depends_on: NotAnInput[tuple[CrateName, ...]] = Field(
        default=(), examples=[["words-core"]], description="Crates of this fleet that it depends on."
    )
    # A crate of a batch may reach the others: its package is not reused as one from a sandbox of its own.
    batch: BuildInput[BatchName | None] = Field(
        default=None,
        examples=["text"],
        description="Name of a group of crates that are built one after the other in one sandbox, with one fetch of "
        "dependencies and in one slot. Only for crates that trust each other: at E2B and without isolation, code of "
        "one crate can alter the packages of the others.",
    )
    # The plan balances slots with it.
    expected_minutes: NotAnInput[Minutes] = Field(
        default=5, examples=[3], description="Expected minutes for all its platforms together."
    )
    # These files enter the sandbox.
    include: BuildInput[tuple[IncludedPath, ...]] = Field(
        default=(),
        max_length=100,
        examples=[["proto", "schemas/**/*.json"]],
        description="More files of the source's repository that the build reads, which no Cargo.toml names: paths or "
        "patterns with *, ?, [...] and ** from the repository's top. A directory brings all files below it. Only files "
        "that git tracks.",
    )
    # They run instead of the recipe's own.
    commands: BuildInput[Commands] = Field(
        default=Commands(),
        examples=[{"build": "npm run build:native"}],
        description="Commands that replace the recipe's own commands.",
    )
    # The crate is built as any other. It decides what a failure means.
    quarantine: NotAnInput[Quarantine | None] = Field(
        default=None,
        examples=[{"reason": "its author ports it to napi 3", "until": "2026-12-31"}],
        description="The crate is known to be broken: its failure neither fails a run nor keeps a release a draft, and "
        "both name it. After the last day a failure blocks again.",
    )


class Crate(SharedSettings[None], _CrateKeys):
    """One crate; a setting that is given here replaces the fleet's."""


def _unset_shared_settings() -> None:
    """Make None the default of each setting that a crate can replace, and say so to editors."""
    for name in SharedSettings.model_fields:
        field = Crate.model_fields[name]
        field.default = None
        field.description = f"Replaces the fleet's setting. {field.description}"
    Crate.model_rebuild(force=True)


_unset_shared_settings()


class Manifest(Strict):
    """The whole of crates.json."""

    schema_: str | None = Field(
        default=None,
        alias="$schema",
        max_length=500,
        examples=["./crates.schema.json"],
        description="JSON Schema of this file, for editors.",
    )
    schema_version: Literal[1] = Field(examples=[1], description="Version of this format.")
    fleet: Fleet = Field(
        examples=[{"npm_scope": "@you"}], description="Settings of the whole run, and of every crate without its own."
    )
    crates: tuple[Crate, ...] = Field(
        min_length=1,
        max_length=MAX_CRATES,
        examples=[[{"name": "words", "version": "0.1.6", "kind": "napi", "source": {"path": "packages/words"}}]],
        description="The crates of the fleet.",
    )
