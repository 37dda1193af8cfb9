"""Patches of the loader that `napi build` writes, in versions 2 and 3: package names, and a check for the platform."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import Final

from generator.manifest.values import Layout
from generator.packages.identity import Identity
from generator.platforms import NATIVE, PLATFORM_NAMES, PlatformName, addon_file

# The check runs before the loader's first statement, because the error messages of napi differ between versions and do
# not list the built platforms. It needs no module, so it works in CommonJS and ES modules. It fails only for a platform
# without any file. Only Linux needs the libc of Node to choose between two platforms.
_CHECK: Final = """;(function (built) {
  var here = process.platform + "-" + process.arch;
  if (process.env.NAPI_RS_NATIVE_LIBRARY_PATH) return;
  var fitting = built.filter(function (each) { return (each + "-").indexOf(here + "-") === 0; });
  if (process.platform === "linux" && fitting.length < 2 && process.report) {
    process.report.excludeNetwork = true;
    here += process.report.getReport().header.glibcVersionRuntime ? "-gnu" : "-musl";
    fitting = fitting.filter(function (each) { return each === here; });
  }
  if (fitting.length) return;%(fallback)s
  throw new Error(%(name)s + " was not built for " + here + "; it was built for: " + built.join(", ")%(advice)s);
})(%(built)s);
"""
_FALLBACK: Final = """
  try { %(resolve)s(%(package)s); return; } catch (error) { /* said below */ }"""

# The part before a loader's first statement that must stay first: #!, comments, and a directive. The text is
# hostile, so the pattern reads it once: it matches any text, and each part in one way.
_PROLOGUE: Final = re.compile(
    r"(?:#![^\n]*\n)?(?:(?:\s|//[^\n]*\n|/\*(?:(?!\*/).)*\*/)*(?:'use strict'|\"use strict\");?)?", re.DOTALL
)
# Platform packages continue the crate's name with one of these systems; sibling packages may have any other name.
_SYSTEM: Final = "(?:android|darwin|freebsd|linux|openharmony|wasm32|win32)"
_SCOPED: Final = re.compile(r"""(?:require\(|import\(|resolve\(|from )\s*['"](@[a-z0-9._-]+/[a-z0-9._-]+)['"]""")

# The version that a loader expects of the platform packages: napi writes that of package.json. A formatter may change
# quotes and spaces.
_VERSION: Final = re.compile(
    r"""(bindingPackageVersion\s{0,9}!==?\s{0,99}['"]|version mismatch, expected )"""
    r"""[0-9A-Za-z.+-]{1,100}(['"]| but got )"""
)


@dataclass(frozen=True)
class LoaderSettings:
    """The settings of a loader: the base name of its files, the package's identity, the layout, the built platforms.

    `requested_names` are the names whose platform packages the unpatched loader requires. `directory` has the files, ""
    for the top.
    """

    binary: str
    identity: Identity
    requested_names: tuple[str, ...]
    platforms: tuple[PlatformName, ...]
    layout: Layout
    directory: str = ""

    def path(self, name: str) -> str:
        """Return the path of one of the files."""
        return posixpath.join(self.directory, name)


def is_loader(text: str, binary: str) -> bool:
    """Return whether a script loads the addon of some platform from its own directory."""
    return any(f"./{addon_file(binary, platform)}" in text for platform in NATIVE)


def requires_platform_packages(text: str, loader: LoaderSettings) -> bool:
    """Return whether a patched loader also requires our platform packages."""
    return is_loader(text, loader.binary) and any(
        loader.identity.platform_package(each) in text for each in PLATFORM_NAMES
    )


def patch_loader(text: str, loader: LoaderSettings, module: bool) -> str:
    """Return a loader that requires our packages and checks the platform first; `module` is for ES modules."""
    found = _PROLOGUE.match(text)
    end = found.end() if found else 0
    versioned = _VERSION.sub(lambda each: f"{each[1]}{loader.identity.version}{each[2]}", text[end:])
    return rename_packages(f"{text[:end]}{_check(text, loader, module)}{versioned}", loader)


def rename_packages(text: str, loader: LoaderSettings) -> str:
    """Return a text in which the crate's names of platform packages are replaced by ours.

    A script may also compose such a name, from a part in quotes or in a template.
    """
    ours = loader.identity.platform_packages or loader.identity.name
    for name in loader.requested_names:
        whole = rf"{_SYSTEM}-[a-z0-9-]+(?:/package\.json)?\1"
        names = re.compile(rf"""(['"`]){re.escape(name)}-(?={whole}|\1|\$\{{|{_SYSTEM}-\$\{{)""")
        text = names.sub(rf"\g<1>{ours}-", text)
    return text


def patch_browser_entry(text: str, loader: LoaderSettings, directory: str) -> str:
    """Return a script of a directory, such as napi's browser.js, for a package that contains its wasm32 files."""
    package = loader.identity.platform_package("wasm32")
    place = posixpath.relpath(loader.path(f"{loader.binary}.wasi-browser.js"), directory or ".")
    beside = place if place.startswith(".") else f"./{place}"
    imported = re.compile(rf"""\b((?:from|import)\s*\(?\s*['"]){re.escape(package)}(?=['"])""")
    return imported.sub(lambda found: f"{found[1]}{beside}", rename_packages(text, loader))


def imports_wasm(text: str, loader: LoaderSettings) -> bool:
    """Return whether a script imports the package for wasm32, by the name that it has before it is renamed."""
    return any(f"{name}-wasm32-wasi" in text for name in loader.requested_names)


def scoped_imports(text: str) -> frozenset[str]:
    """Return the scoped packages that a file imports; napi's loaders of wasm32 import only scoped ones."""
    return frozenset(_SCOPED.findall(text))


def _check(text: str, loader: LoaderSettings, module: bool) -> str:
    """Return the platform check, or an empty text for a package that runs everywhere through WASI."""
    wasi = "wasm32" in loader.platforms and ".wasi.cjs" in text
    if wasi and (loader.layout == "single" or loader.platforms == ("wasm32",)):
        return ""
    package = json.dumps(loader.identity.platform_package("wasm32"))
    resolve = "import.meta.resolve" if module else "require.resolve"
    built = [each for each in loader.platforms if each != "wasm32"]
    return _CHECK % {
        "name": json.dumps(loader.identity.name),
        "built": json.dumps(built),
        "fallback": _FALLBACK % {"resolve": resolve, "package": package} if wasi else "",
        "advice": f' + "; as WebAssembly: npm install " + {package}' if wasi else "",
    }
