"""What a single value of a manifest may look like, so that nothing hostile reaches a shell, a path or an expression."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Discriminator, Field, StringConstraints, Tag

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
# Literal in a tag, and in GitHub's filter of tags; * stands for any characters but /.
TagPattern = Annotated[str, StringConstraints(pattern=r"^(\*|\*?([A-Za-z0-9._/-]\*?)+)$", max_length=100)]
# Given to bash inside the sandbox, and nowhere else.
Command = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$", max_length=4_000)]

Size = Literal["small", "standard", "large"]
SIZES: Final[tuple[Size, ...]] = get_args(Size)
# What is tried after a size that was too small.
NEXT_SIZE: Final[dict[Size, Size]] = dict(pairwise(SIZES))
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
