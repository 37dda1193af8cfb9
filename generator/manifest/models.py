"""The manifest, crates.json, as frozen models.

What a single value may look like is said here, so that nothing hostile can reach a shell, a path or a workflow
expression; what values must be to each other is said in `checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from generator.platforms import PLATFORM_NAMES, VALID_FOR, Kind, PlatformName
from generator.strict import Strict

MAX_CRATES: Final = 10_000

# Rust's registry: a letter first, at most 64 characters.
CrateName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
# npm: lower case, URL-safe, at most 214 characters, 16 of which are left for a platform's name. Always scoped: npm
# blocks unscoped platform packages as spam.
NpmScope = Annotated[str, StringConstraints(pattern=r"^@[a-z0-9][a-z0-9._-]*$", max_length=100)]
NpmName = Annotated[str, StringConstraints(pattern=r"^@[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$", max_length=198)]
# Semantic version without build metadata, which npm drops.
Version = Annotated[
    str,
    StringConstraints(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$",
        max_length=64,
    ),
]
# No credentials, no query, no dot segments, no transport but https: the URL is given to git.
GitUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?$",
        max_length=500,
    ),
]
CommitSha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
RelativePath = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\.|\.?[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*(/\.?[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)*)$", max_length=500
    ),
]
TemplateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]{0,99}$")]
ActionRef = Annotated[
    str, StringConstraints(pattern=r"^(\./|[A-Za-z0-9-]+/[A-Za-z0-9._-]+@[A-Za-z0-9._/-]+)$", max_length=200)
]
_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PORT: Final = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# At least two labels, so that no name of the sandbox itself is one.
HostName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})+$", max_length=253)]
FetchHost = Annotated[str, StringConstraints(pattern=rf"^(auto|(\*\.)?{_LABEL}(\.{_LABEL})+)$", max_length=255)]
# Plain http would show the key to the network, so it stays on this machine.
ServiceUrl = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(https://{_LABEL}(\.{_LABEL})*|https?://(localhost|127\.0\.0\.1|\[::1\]))(:{_PORT})?"
        r"(/\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$",
        max_length=500,
    ),
]
# RFC 9110, section 5.6.2: a token.
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100)]
# Of the GNU C library; zig has every version from 2.17, which is that of CentOS 7 and of Rust's own targets.
Glibc = Annotated[str, StringConstraints(pattern=r"^2\.(1[7-9]|[2-3][0-9]|4[0-2])$")]
# Visible ASCII; a $ only as the start of ${NAME}, so that a misspelt reference is not sent as it stands.
HeaderValue = Annotated[
    str,
    StringConstraints(
        pattern=r"^([!-#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\})(([ -#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\})*"
        r"([!-#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\}))?$",
        max_length=2_000,
    ),
]
# Five fields of digits and * , - /: what GitHub takes, without names of months and days.
Cron = Annotated[str, StringConstraints(pattern=r"^[0-9*,/-]+( [0-9*,/-]+){4}$", max_length=100)]
# Given to bash inside the sandbox, and nowhere else.
Command = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$", max_length=4_000)]

Size = Literal["small", "standard", "large"]
BackendName = Literal["local", "e2b"]
# One package for each crate, or one for each of its platforms and one that picks the right one.
Layout = Literal["single", "split"]
# Not less than plans are rounded to.
Minutes = Annotated[float, Field(ge=0.01, le=1_440)]


def _fetch_hosts_tag(value: Any) -> str | None:
    """Whether the hosts are one word or a list; None, which pydantic refuses, for anything else."""
    if isinstance(value, str):
        return "word"
    return "list" if isinstance(value, list | tuple) else None


# What a sandbox may reach while dependencies are fetched.
FetchHosts = Annotated[
    Annotated[Literal["open", "auto"], Tag("word")]
    | Annotated[tuple[FetchHost, ...], Field(min_length=1, max_length=100), Tag("list")],
    Discriminator(
        _fetch_hosts_tag, custom_error_type="fetch_hosts_type", custom_error_message="neither a word nor a list"
    ),
]


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
        default="open",
        description="What a sandbox may reach while dependencies are fetched: open, anything; auto, the hosts that "
        "cargo's and npm's own configuration in the sandbox point to; or a list of example.com, *.example.com (its "
        "subdomains) and auto. Git dependencies in a Cargo.toml are fetched in the sandbox and need their host here; "
        "crates whose source is git need none, for this machine fetches them. A host that is not allowed ends the "
        "crate with its name, and is not tried again.",
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


class Settings(Strict):
    """What holds for one crate after its own settings have replaced the fleet's."""

    npm_name: NpmName
    platforms: tuple[PlatformName, ...]
    not_for_kind: tuple[PlatformName, ...]
    layout: Layout
    size: Size
    timeout_minutes: Minutes
    retries: int
    tests: bool
    glibc: Glibc
    required: tuple[PlatformName, ...]
    env: tuple[EnvName, ...]
    fetch_hosts: FetchHosts


def with_layout(manifest: Manifest, layout: Layout | None) -> Manifest:
    """Return the manifest with another layout of packages; None leaves its own."""
    if layout is None:
        return manifest
    return manifest.model_copy(update={"fleet": manifest.fleet.model_copy(update={"layout": layout})})


def npm_name(fleet: Fleet, crate: Crate) -> str:
    """The crate's npm name; not yet checked to be a valid one when it is derived."""
    return crate.npm_name or f"{fleet.npm_scope}/{crate.name}"


def settings(fleet: Fleet, crate: Crate) -> Settings:
    """Merge the fleet's settings with the crate's; platforms come in the order of `PLATFORM_NAMES`."""
    wanted = crate.platforms or fleet.platforms
    valid = VALID_FOR[crate.kind]
    required = fleet.required if crate.required is None else crate.required
    return Settings(
        npm_name=npm_name(fleet, crate),
        platforms=tuple(name for name in PLATFORM_NAMES if name in wanted and name in valid),
        not_for_kind=tuple(name for name in PLATFORM_NAMES if name in wanted and name not in valid),
        layout=fleet.layout,
        size=crate.size or fleet.size,
        timeout_minutes=fleet.timeout_minutes if crate.timeout_minutes is None else crate.timeout_minutes,
        retries=fleet.retries if crate.retries is None else crate.retries,
        tests=fleet.tests if crate.tests is None else crate.tests,
        glibc=fleet.glibc if crate.glibc is None else crate.glibc,
        required=tuple(name for name in PLATFORM_NAMES if name in required and name in wanted and name in valid),
        env=fleet.env if crate.env is None else crate.env,
        fetch_hosts=fleet.fetch_hosts if crate.fetch_hosts is None else crate.fetch_hosts,
    )


def passed_names(manifest: Manifest) -> frozenset[str]:
    """Return every variable that some crate of the fleet may see."""
    return frozenset(manifest.fleet.env).union(*(crate.env or () for crate in manifest.crates))
