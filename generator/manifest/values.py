"""Types of single values in a manifest. Their rules keep hostile text out of shells, paths and expressions."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from generator.manifest.text_rules import TEXT_RULE, TextRule

# The limits of Rust's registry.
CrateName = Annotated[
    str,
    TextRule(
        "a crate name",
        "a letter or _, then letters, digits, - or _, at most 64 characters",
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$",
    ),
]
BatchName = Annotated[
    str,
    TextRule(
        "the name of a batch",
        "a letter or _, then letters, digits, - or _, at most 64 characters",
        pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$",
    ),
]
NpmScope = Annotated[
    str,
    TextRule(
        "an npm scope",
        "@, then lower-case letters, digits, ., _ or -, as in @example",
        pattern=r"^@[a-z0-9][a-z0-9._-]*$",
        max_length=100,
    ),
]
# npm allows 214 characters; 16 are reserved for the name of a platform.
NpmName = Annotated[
    str,
    TextRule(
        "an npm name",
        "@scope/name, or name alone, in lower-case letters, digits, ., _ or -",
        pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$",
        max_length=198,
    ),
]
# The scope is required because npm blocks unscoped platform packages as spam.
ScopedName = Annotated[
    str,
    TextRule(
        "a name of platform packages",
        "@scope/name in lower-case letters, digits, ., _ or -, without the platform",
        pattern=r"^@[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$",
        max_length=198,
    ),
]
# The packages have stricter rules: generator/packages/commands.py.
ProgramName = Annotated[
    str,
    TextRule(
        "the name of a program",
        "letters, digits, ., _, + or -, as [[bin]] has it",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}$",
    ),
]
# A semantic version without build metadata: npm drops it.
Version = Annotated[
    str,
    TextRule(
        "a version",
        "three numbers and an optional pre-release, as in 1.2.3 or 1.2.3-beta.1",
        pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$",
        max_length=64,
    ),
]
# git receives this URL: no credentials, no query, no dot segments, no transport other than https.
GitUrl = Annotated[
    str,
    TextRule(
        "a git URL",
        "https://host/path without user, password, query or spaces",
        pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?$",
        max_length=500,
    ),
]
CommitSha = Annotated[
    str,
    TextRule(
        "a commit",
        "the full SHA of 40 lower-case hexadecimal digits, no branch and no tag",
        pattern=r"^[0-9a-f]{40}$",
    ),
]
RelativePath = Annotated[
    str,
    TextRule(
        "a path",
        "relative, with / between its parts, without .. and special characters",
        pattern=r"^(\.|\.?[A-Za-z0-9_@+-]([A-Za-z0-9._@+ -]*[A-Za-z0-9._@+-])?"
        r"(/\.?[A-Za-z0-9_@+-]([A-Za-z0-9._@+ -]*[A-Za-z0-9._@+-])?)*)$",
        max_length=500,
    ),
]
# Compared with the paths that git tracks, and never given to a shell or to the file system.
IncludedPath = Annotated[
    str,
    TextRule(
        "a path or pattern",
        "relative to the repository's top, with / between its parts, without .. and \\",
        pattern=r"^\.?[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]*(/\.?[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]*)*/?$",
        max_length=500,
    ),
]
TemplateName = Annotated[
    str,
    TextRule(
        "a template name",
        "lower-case letters, digits, - or _, at most 63 characters",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
    ),
]
EnvName = Annotated[
    str,
    TextRule(
        "the name of an environment variable",
        "capital letters, digits or _, no digit first, at most 100 characters",
        pattern=r"^[A-Z_][A-Z0-9_]{0,99}$",
    ),
]
ActionRef = Annotated[
    str,
    TextRule(
        "an action",
        "./ or OWNER/REPOSITORY@REF",
        pattern=r"^(\./|[A-Za-z0-9-]+/[A-Za-z0-9._-]+@[A-Za-z0-9._/-]+)$",
        max_length=200,
    ),
]
# A file in .github/workflows; GitHub reads no directories there.
WorkflowName = Annotated[
    str,
    TextRule(
        "a name of a workflow file",
        "letters, digits, ., _ or -, ending in .yml or .yaml, as in crates.yml",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}\.ya?ml$",
    ),
]
_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PORT: Final = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# At least two labels: names of the sandbox itself, such as localhost, have one.
HostName = Annotated[
    str,
    TextRule(
        "a host name",
        "as in gw.example.com, in lower case",
        pattern=rf"^{_LABEL}(\.{_LABEL})+$",
        max_length=253,
    ),
]
FetchHost = Annotated[
    str,
    TextRule(
        "a host to fetch from",
        "example.com, *.example.com for its subdomains, or auto",
        pattern=rf"^(auto|(\*\.)?{_LABEL}(\.{_LABEL})+)$",
        max_length=255,
    ),
]
# http sends the API key in the clear, so it is allowed for localhost only.
ServiceUrl = Annotated[
    str,
    TextRule(
        "the URL of a service",
        "https://host/path (http for localhost only) without user, password, query or spaces, host in lower case",
        pattern=rf"^(https://{_LABEL}(\.{_LABEL})*|https?://(localhost|127\.0\.0\.1|\[::1\]))(:{_PORT})?"
        r"(/\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$",
        max_length=500,
    ),
]
# RFC 9110, section 5.6.2: a token.
HeaderName = Annotated[
    str,
    TextRule(
        "the name of a header",
        "letters, digits and -, as in X-Gateway-Key",
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
        max_length=100,
    ),
]
# A $ is allowed only in ${NAME}, so that a misspelt reference is an error and not sent as text.
HeaderValue = Annotated[
    str,
    TextRule(
        "the value of a header",
        "visible ASCII without a space at either end, and $ only as in ${NAME} of an environment variable",
        pattern=r"^([!-#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\})(([ -#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\})*"
        r"([!-#%-~]|\$\{[A-Z_][A-Z0-9_]{0,99}\}))?$",
        max_length=2_000,
    ),
]
# Of the GNU C library. zig has every version from 2.17, the version of CentOS 7 and of Rust's own targets.
Glibc = Annotated[
    str,
    TextRule("a version of the GNU C library", "2.17 to 2.42", pattern=r"^2\.(1[7-9]|[2-3][0-9]|4[0-2])$"),
]
# GitHub's cron also has names of months and days; they are left out here.
Cron = Annotated[
    str,
    TextRule(
        "a schedule",
        "cron's five fields of digits and * , - / with single spaces",
        pattern=r"^[0-9*,/-]+( [0-9*,/-]+){4}$",
        max_length=100,
    ),
]
# Runs in bash inside the sandbox, and nowhere else.
Command = Annotated[
    str,
    TextRule(
        "a command",
        "at least one character, no control character except tab and newline",
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$",
        max_length=4_000,
    ),
]
# Literal in a tag, and in GitHub's filter of tags; * stands for any characters but /, and ** for any at all.
TagPattern = Annotated[
    str,
    TextRule(
        "a pattern of tags",
        "letters, digits and . _ @ - /, with * for any characters but / and ** for any, as in v*",
        pattern=r"^(\*{1,2}|(\*{1,2})?([A-Za-z0-9._@/-](\*{1,2})?)+)$",
        max_length=100,
    ),
]
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# Without what `text.plain` removes, so that the reason is the same in the manifest and wherever it is shown.
Reason = Annotated[
    str,
    TextRule(
        "a reason",
        "one line of 1 to 300 characters, without control characters and spaces at its ends",
        pattern=rf"^[^\s{_CONTROLS}]([^{_CONTROLS}]*[^\s{_CONTROLS}])?$",
        max_length=300,
    ),
]


def _real_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        words = {"noun": "a date", "hint": "the calendar does not have that day"}
        raise PydanticCustomError(TEXT_RULE, "not {noun}: {hint}", words) from None
    return text


# Of ISO 8601.
Date = Annotated[
    str,
    TextRule("a date", "year, month and day, as in 2026-12-31", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_real_date),
]

Size = Literal["small", "standard", "large"]
SIZES: Final[tuple[Size, ...]] = get_args(Size)
DEFAULT_SIZE: Final[Size] = "standard"
# auto: the smallest size that the measured memory fits.
SizeSetting = Literal[Size, "auto"]
# The next attempt after a size that was too small.
NEXT_SIZE: Final[dict[Size, Size]] = dict(pairwise(SIZES))
BackendName = Literal["local", "e2b"]
# One package for each crate, or one for each of its platforms and one that picks the right one.
Layout = Literal["single", "split"]
# The minimum is above the precision of plans, 0.001 minutes.
Minutes = Annotated[float, Field(ge=0.01, le=1_440)]

ALTERNATIVES: Final = "alternatives"
"""Type of the validation error when a value has none of the allowed shapes; its message names these."""


def alternatives(tag_of: Any, allowed: str) -> Discriminator:
    """Return the discriminator of a union by tag; `allowed` names the alternatives in an error message."""
    return Discriminator(tag_of, custom_error_type=ALTERNATIVES, custom_error_message=allowed)


def _fetch_hosts_tag(value: Any) -> str | None:
    """Return the tag of a word or of a list, or None, which pydantic refuses."""
    if isinstance(value, str):
        return "word"
    return "list" if isinstance(value, list | tuple) else None


# The hosts that a sandbox may reach during the fetch step.
FetchHosts = Annotated[
    Annotated[Literal["open", "auto"], Tag("word")]
    | Annotated[tuple[FetchHost, ...], Field(min_length=1, max_length=100), Tag("list")],
    alternatives(_fetch_hosts_tag, "must be open, auto or a list of hosts"),
]
