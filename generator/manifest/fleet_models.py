"""The models of the key `fleet`: settings of the whole run, and the accounts and services that it uses."""

from __future__ import annotations

import math
from typing import Final, Never

from pydantic import Field

from generator.manifest.effects import BuildInput, Declared, EnvironmentInput, NotAnInput
from generator.manifest.shared_settings import SharedSettings
from generator.manifest.values import (
    ActionRef,
    BackendName,
    CrateName,
    Cron,
    HeaderName,
    HeaderValue,
    HostName,
    Layout,
    NpmScope,
    ServiceUrl,
    TagPattern,
    TemplateName,
    WorkflowName,
)
from generator.strict import Strict

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
