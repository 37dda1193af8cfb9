"""Kinds of specifiers in package.json, as npm, yarn and pnpm read them."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import unquote

SpecifierKind = Literal["registry", "path", "url", "git"]

# https://docs.npmjs.com/cli/configuring-npm/package-json#dependencies, and the protocols of yarn and pnpm. Backslashes
# and drives make a path on Windows alone, and count as one everywhere.
_PATH: Final = re.compile(r"(file|link|portal):|\.{1,2}([/\\]|$)|[/\\]|~[/\\]|[A-Za-z]:([/\\]|$)", re.IGNORECASE)
_REGISTRY: Final = re.compile(r"(workspace|catalog|patch):", re.IGNORECASE)
_ALIAS: Final = re.compile(r"npm:(?:@?[^@]*)(?:@(?P<inner>.*))?", re.IGNORECASE | re.DOTALL)
_GIT: Final = re.compile(
    r"(git(\+[a-z]+)?|ssh|github|gitlab|bitbucket|gist):|[^/@:]+@[^/:]+:|[^/@:\s]+/[^/\s]+$|[^?#]*\.git([?#]|$)",
    re.IGNORECASE,
)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# The origin of a package inside a specifier with a protocol of yarn or pnpm, such as patch:NAME@ORIGIN#PATCH.
_INNER: Final = re.compile(r"(?:^|@)([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_INNER_REGISTRY: Final = frozenset(("npm", "workspace", "catalog", "patch"))
_ARCHIVE: Final = re.compile(r"\.(tgz|tar|tar\.gz)$", re.IGNORECASE)


def specifier_kind(specifier: str) -> SpecifierKind:
    """Return the kind of a specifier. An unknown protocol counts as a URL."""
    text = specifier.strip()
    if _PATH.match(text):
        return "path"
    if alias := _ALIAS.fullmatch(text):
        return "registry" if not alias["inner"] or specifier_kind(alias["inner"]) == "registry" else "url"
    if _REGISTRY.match(text):
        return "registry" if _INNER_REGISTRY.issuperset(_inner_protocols(text)) else "url"
    if re.match(r"https?:", text, re.IGNORECASE) and not re.search(r"\.git([?#]|$)", text, re.IGNORECASE):
        return "url"
    if _GIT.match(text):
        return "git"
    if _SCHEME.match(text):
        return "url"
    return "path" if "/" in text or _ARCHIVE.search(text) else "registry"


def _inner_protocols(text: str) -> frozenset[str]:
    """Return the protocols of all origins in a specifier; a patch of a patched package is encoded twice."""
    origin = text.partition(":")[2].partition("#")[0]
    while (decoded := unquote(origin)) != origin:
        origin = decoded
    return frozenset(found.lower() for found in _INNER.findall(origin))


def specifier_path(specifier: str) -> str:
    """Return the path in a specifier of the kind "path", as npm decodes it."""
    text = re.sub(r"^(file|link|portal):", "", specifier.strip(), flags=re.IGNORECASE)
    if re.match(r"//[^/]*/", text):  # file://host/path
        text = re.sub(r"^//[^/]*", "", text)
    elif text.startswith("//"):
        text = text.lstrip("/")
    return unquote(text.partition("#")[0]) or "."
