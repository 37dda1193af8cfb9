"""The environment variables that a manifest may not name, for sandboxes or in header values."""

from __future__ import annotations

import re
from typing import Final

# Common names of credentials for GitHub and E2B. ACTIONS_* are the runner's own.
_GITHUB_KEYS: Final = re.compile(r"ACTIONS_.*|(.*_)?(GITHUB|GH|GHCR)_(.*_)?(TOKEN|PAT|KEY|SECRET|PASSWORD)(_.*)?")
_E2B_KEYS: Final = re.compile(r"(.*_)?E2B_(.*_)?(KEY|TOKEN)")
# Credentials to publish with npm and cargo. They cannot help to fetch: the network is closed before variables are set.
_PUBLISHING_KEYS: Final = re.compile(r"NODE_AUTH_TOKEN|(.*_)?NPM_(.*_)?TOKEN|CARGO_REGISTR(Y|IES_.+)_TOKEN")
# Variables that decide how programs run and what they load, and variables of the steps in action.yml. A generated
# workflow sets a variable for the whole action, so also for the step that has the token for uploads.
_CONTROL: Final = re.compile(
    r"PATH|HOME|TMPDIR|ENV|IFS|CDPATH|PS4|(SHELL|BASH)OPTS|(BASH|LD|DYLD|PIP|UV|CRATEMATRIX)_.*|PYTHON.*"
    r"|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS)|GIT_(CONFIG|SSH|DIR|EXEC_PATH).*|GCONV_PATH|GLIBC_TUNABLES"
    r"|OPENSSL_(CONF|ENGINES|MODULES)|SSL_CERT_(DIR|FILE)|(CURL|REQUESTS)_CA_BUNDLE"
    r"|CARGO|CARGO_(HOME|TARGET_DIR|BUILD_(TARGET|TARGET_DIR|BUILD_DIR))|RUSTUP_.*"
    r"|BACKEND|COMMAND|EARLIER|LINKERS|MANIFEST|RELEASE_ID|SHARD"
)


def sandbox_variable_error(name: str) -> str | None:
    """Return why a variable may not be passed into a sandbox, or None."""
    if _GITHUB_KEYS.fullmatch(name) or _E2B_KEYS.fullmatch(name):
        return "it is a credential of the build itself"
    if _PUBLISHING_KEYS.fullmatch(name):
        return "it is a credential to publish with, and packages are published outside of sandboxes"
    if _CONTROL.fullmatch(name):
        return "it controls the build itself; set it in the crate's commands"
    return None


def header_variable_error(name: str) -> str | None:
    """Return why the value of a header may not name a variable, or None."""
    if _GITHUB_KEYS.fullmatch(name):
        return "never leaves this machine: it is a credential for GitHub, not for E2B"
    return "controls the build itself; use another name for the variable" if _CONTROL.fullmatch(name) else None
