"""Settings of package managers that stay while the network is open.

Other settings name programs to run or modules to load, and a value with ${...} would send variables away.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from generator.npm.files import PNPM_WORKSPACE, YARNRC, compose_settings

SETTINGS_FILES: Final = (".npmrc", ".yarnrc", YARNRC, PNPM_WORKSPACE)

# Registries, and strictness of npm.
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


def safe_settings(name: str, text: str) -> str:
    """Return the settings of a manager's file, by its name, that stay while the network is open."""
    if name == ".npmrc":
        return "".join(f"{found[0]}\n" for found in _NPMRC.finditer(text.replace("\r\n", "\n")))
    if name == ".yarnrc":
        return "".join(f'"{found["key"]}" "{found["url"]}"\n' for found in _YARNRC.finditer(text.replace("\r\n", "\n")))
    return _kept_yaml(text, _KEYS[name])


def npm_registries(npmrc: str, yarnrc: str, scopes: Mapping[str, str]) -> str:
    """Return npm's lines for the registries in a project's settings, so that npm looks up no private name elsewhere.

    `scopes` are the registries in .yarnrc.yml.
    """
    later = "".join(f"@{scope}:registry={url}\n" for scope, url in scopes.items())
    classic = "".join(f"{found['key']}={found['url']}\n" for found in _YARNRC.finditer(yarnrc))
    return safe_settings(".npmrc", f"{later}{classic}{npmrc}")


def _kept_yaml(text: str, keys: frozenset[str]) -> str:
    """Return the settings of these top-level keys, written anew: escapes and unusual forms of YAML hide nothing."""
    node = compose_settings(text)
    pairs = node.value if node else []
    kept = [(key, value) for key, value in pairs if isinstance(key, ScalarNode) and key.value in keys]
    safe = _without_variables(MappingNode("tag:yaml.org,2002:map", kept, flow_style=False))
    if not safe.value:
        return ""
    yaml, written = YAML(typ="safe", pure=True), io.StringIO()
    yaml.width = sys.maxsize
    yaml.serialize(safe, written)
    return written.getvalue()


def _without_variables(node: Any) -> Any:
    """Return a node without the scalars that have ${…}, and without the keys of such values."""
    if isinstance(node, SequenceNode):
        items = [_without_variables(each) for each in node.value if not _has_variable(each)]
        return SequenceNode(node.tag, items, flow_style=node.flow_style)
    if isinstance(node, MappingNode):
        pairs = [
            (_without_variables(key), _without_variables(value))
            for key, value in node.value
            if not _has_variable(key) and not _has_variable(value)
        ]
        return MappingNode(node.tag, pairs, flow_style=node.flow_style)
    return node


def _has_variable(node: Any) -> bool:
    return isinstance(node, ScalarNode) and "${" in node.value
