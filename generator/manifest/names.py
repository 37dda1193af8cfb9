"""Names of packages and release assets; the runner, the release check and the documents all ask here."""

from __future__ import annotations

import re


def tarball_name(npm_name: str, version: str) -> str:
    """Name of a crate's tarball, as `npm pack` would call it: `@scope/name` 1.2.3 is scope-name-1.2.3.tgz."""
    return f"{npm_name.removeprefix('@').replace('/', '-')}-{version}.tgz"


def github_asset_name(name: str) -> str:
    """What GitHub makes of an asset's name: unusual characters and runs of dots become one dot, outer dots go."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", name)).strip(".")
