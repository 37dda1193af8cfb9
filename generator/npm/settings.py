"""Settings of package managers that stay while the network is open.

Other settings name programs to run or modules to load, and a value with ${...} would send variables away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from generator.npm.files import PNPM_WORKSPACE, YARNRC

SETTINGS_FILES: Final = (".npmrc", ".yarnrc", YARNRC, PNPM_WORKSPACE)

# How strict npm is, and registries.
_NPMRC: Final = re.compile(
    r"^(@[a-z0-9._-]+:)?registry *= *https://[A-Za-z0-9./:_-]+(?=[ \t]*$)"
    r"|^(legacy-peer-deps|strict-peer-deps|engine-strict|prefer-dedupe) *= *(true|false)(?=[ \t]*$)",
    re.MULTILINE,
)
# yarn 1's file: a key, in quotes where it has an @, and a value.
_YARNRC: Final = re.compile(
    r"^[\"']?(?P<key>(?:@[a-z0-9._-]+:)?registry)[\"']? +[\"']?(?P<url>https://[A-Za-z0-9./:_-]+)[\"']?[ \t]*$",
    re.MULTILINE,
)
# Keys that decide what a lock file means, where packages come from, and how they lie in node_modules.
_YARN_KEYS: Final = frozenset(
    (
        "catalog", "catalogs", "checksumBehavior", "compressionLevel", "defaultSemverRangePrefix",
        "enableTransparentWorkspaces", "nmHoistingLimits", "nmMode", "nmSelfReferences", "nodeLinker",
        "npmRegistryServer", "npmScopes", "packageExtensions", "supportedArchitectures",
    )
)  # fmt: skip
_PNPM_KEYS: Final = frozenset(
    (
        "autoInstallPeers", "catalog", "catalogs", "dedupeDirectDeps", "dedupeInjectedDeps", "dedupePeerDependents",
        "excludeLinksFromLockfile", "hoist", "hoistPattern", "hoistWorkspacePackages", "ignoredOptionalDependencies",
        "injectWorkspacePackages", "linkWorkspacePackages", "nodeLinker", "overrides", "packageExtensions",
        "packages", "patchedDependencies", "peerDependencyRules", "peersSuffixMaxLength", "preferWorkspacePackages",
        "publicHoistPattern", "registries", "registry", "resolvePeersFromWorkspaceRoot", "shamefullyHoist",
        "sharedWorkspaceLockfile", "strictPeerDependencies", "supportedArchitectures",
    )
)  # fmt: skip
_KEYS: Final = {YARNRC: _YARN_KEYS, PNPM_WORKSPACE: _PNPM_KEYS}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TOP_KEY: Final = re.compile(r"[\"']?(?P<key>[A-Za-z]+)[\"']? *:(?: |$)")


def safe_settings(name: str, text: str) -> str:
    """Return the settings of a manager's file, by its name, that stay while the network is open."""
    if name == ".npmrc":
        return "".join(f"{found[0]}\n" for found in _NPMRC.finditer(text.replace("\r\n", "\n")))
    if name == ".yarnrc":
        return "".join(f'"{found["key"]}" "{found["url"]}"\n' for found in _YARNRC.finditer(text.replace("\r\n", "\n")))
    return "".join(f"{line}\n" for line in _kept_lines(text, _KEYS[name]))


def npm_registries(npmrc: str, yarnrc: str, scopes: Mapping[str, str]) -> str:
    """Return npm's lines for the registries in a project's settings, so that npm looks up no private name elsewhere.

    `scopes` are the registries in .yarnrc.yml.
    """
    later = "".join(f"@{scope}:registry={url}\n" for scope, url in scopes.items())
    classic = "".join(f"{found['key']}={found['url']}\n" for found in _YARNRC.finditer(yarnrc))
    return safe_settings(".npmrc", f"{later}{classic}{npmrc}")


def _kept_lines(text: str, keys: frozenset[str]) -> Iterator[str]:
    """Yield the lines of these top-level keys, each with the indented lines below it."""
    kept = False
    for line in _LINE_END.split(text):
        if line[:1] not in (" ", "\t", "#", "") and not line.startswith("- "):
            found = _TOP_KEY.match(line)
            kept = found is not None and found["key"] in keys
        if kept and line and "${" not in line:
            yield line
