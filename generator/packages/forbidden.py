"""Checks of a package for everything that npm would run or link on installation; pure.

From the source of npm 11.19: arborist's rebuild.js runs `preinstall`, `install` and `postinstall`, and `prepare` for
packages from outside a registry. It runs node-gyp for a binding.gyp, and package-json's normalize.js for any *.gyp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from generator.errors import Unbuildable
from generator.files.portable_names import case_folded, find_clash, path_problem
from generator.packages.commands import check_commands

# Scripts that this or an earlier npm runs by itself when a package is installed, packed, published or removed.
LIFECYCLE_SCRIPT: Final = re.compile(
    r"(pre|post)?(install|uninstall|prepare|publish)|prepublishOnly|(pre|post)pack|(pre|post)?dependencies"
)
_FILES: Final = {
    re.compile(r"[^/]*\.gyp(/.*)?"): "npm would run node-gyp with it on the user's machine",
    re.compile(r"\.hooks(/.*)?"): "pnpm runs the scripts in it",
    re.compile(r"npm-shrinkwrap\.json"): "npm would install the packages that it names, from any source",
    re.compile(r"node_modules(/.*)?"): "npm treats its content as installed packages",
    re.compile(r"(.*/)?\.npmrc"): "it configures npm, and may hold a token",
    re.compile(r"(.*/)?\.(git|hg|svn)(/.*)?"): "its settings may name programs that version control runs",
}


def check_files(paths: Iterable[str]) -> None:
    """Raise Unbuildable for a file that is forbidden in packages, or that some system cannot store."""
    listed = tuple(paths)
    for path in listed:
        if reason := path_problem(path) or _forbidden_reason(case_folded(path)):
            raise Unbuildable(f"{path[:200]!r} may not be in a package: {reason}; rename or remove it")
    if same := find_clash(listed):
        first, second = same
        how = "there twice" if first == second else f"{first!r} on some systems"
        raise Unbuildable(f"{second!r} may not be in the package, because it is {how}: rename or remove it")


def _forbidden_reason(path: str) -> str | None:
    return next((reason for name, reason in _FILES.items() if name.fullmatch(path)), None)


def check_package_json(declared: dict[str, Any], paths: Iterable[str]) -> None:
    """Raise Unbuildable for a script of package.json that npm would run, for bundled packages and unsafe commands."""
    scripts = declared.get("scripts")
    if isinstance(scripts, dict) and (run := [*filter(LIFECYCLE_SCRIPT.fullmatch, scripts)]):
        raise Unbuildable(f"package.json has the script {run[0]}, which npm would run on the user's machine: remove it")
    if declared.get("bundleDependencies") or declared.get("bundledDependencies"):
        raise Unbuildable("package.json bundles dependencies, whose install scripts would run: list them instead")
    check_commands(declared, paths)
