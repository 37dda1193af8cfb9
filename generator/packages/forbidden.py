"""What no package may hold or say: whatever npm would run, link or take for somebody else's when it installs one; pure.

Read in npm 11.19: arborist's rebuild.js runs `preinstall`, `install` and `postinstall`, for what does not come from a
registry also `prepare`, and node-gyp where there is a binding.gyp; package-json's normalize.js does that for any *.gyp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from generator.errors import Unbuildable
from generator.files.portable_names import clash, folded, why_not_everywhere
from generator.packages.commands import check_commands

# What npm runs by itself, in this or an earlier version, when a package is installed, packed, published or removed.
LIFECYCLE_SCRIPT: Final = re.compile(
    r"(pre|post)?(install|uninstall|prepare|publish)|prepublishOnly|(pre|post)pack|(pre|post)?dependencies"
)
_FILES: Final = {
    re.compile(r"[^/]*\.gyp(/.*)?"): "npm would run node-gyp with it on the user's machine",
    re.compile(r"\.hooks(/.*)?"): "pnpm takes it for scripts to run",
    re.compile(r"npm-shrinkwrap\.json"): "npm would install what it names from wherever it says",
    re.compile(r"node_modules(/.*)?"): "npm takes what lies there for packages that it has installed",
    re.compile(r"(.*/)?\.npmrc"): "it steers npm, and may hold a token",
    re.compile(r"(.*/)?\.(git|hg|svn)(/.*)?"): "its settings may name programs that run when somebody looks at it",
}


def check_files(paths: Iterable[str]) -> None:
    """Unbuildable names a file that no package may hold, or that some system cannot."""
    listed = tuple(paths)
    for path in listed:
        if why := why_not_everywhere(path) or _why_not(folded(path)):
            raise Unbuildable(f"{path[:200]!r} may not be in a package: {why}; rename it, or leave it out")
    if same := clash(listed):
        first, second = same
        how = "there twice" if first == second else f"{first!r} on some systems"
        raise Unbuildable(f"{second!r} may not be in the package, for it is {how}: rename it, or leave it out")


def _why_not(path: str) -> str | None:
    return next((why for name, why in _FILES.items() if name.fullmatch(path)), None)


def check_package_json(declared: dict[str, Any], paths: Iterable[str]) -> None:
    """Unbuildable names what of a package.json would run something, or bring in what nobody has looked at."""
    scripts = declared.get("scripts")
    if isinstance(scripts, dict) and (run := [*filter(LIFECYCLE_SCRIPT.fullmatch, scripts)]):
        raise Unbuildable(f"package.json has the script {run[0]}, which npm would run on the user's machine: remove it")
    if declared.get("bundleDependencies") or declared.get("bundledDependencies"):
        raise Unbuildable("package.json bundles dependencies, whose install scripts would run: list them instead")
    check_commands(declared, paths)
