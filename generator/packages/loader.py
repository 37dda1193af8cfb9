"""The loader that `napi build` writes, in its versions 2 and 3: made to fit the layout, and to say what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from generator.manifest.names import platform_package
from generator.manifest.values import Layout
from generator.platforms import NATIVE, PLATFORM_NAMES, PlatformName, addon_file

# Put before the loader's first statement, because afterwards each version of napi says something else, and nothing of
# what there is. It needs no module, so it is the same for CommonJS and ES modules. Only what is certain is refused: a
# platform none of whose files exist. Node's own libc decides between the two of Linux, and is asked for only then.
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

# What may come before a loader's first statement and must stay there: #!, comments, and a directive. Nothing is tried
# twice, for the text is a crate's.
_PROLOGUE: Final = re.compile(
    r"(?:#![^\n]*\n)?(?:(?:\s|//[^\n]*\n|/\*(?>.*?\*/))*+(?:'use strict'|\"use strict\");?)?", re.DOTALL
)
# What the names of platform packages begin with after the crate's; a sibling package may be called anything else.
_SYSTEM: Final = "(?:android|darwin|freebsd|linux|openharmony|wasm32|win32)"
_SCOPED: Final = re.compile(r"""(?:require\(|import\(|resolve\(|from )\s*['"](@[a-z0-9._-]+/[a-z0-9._-]+)['"]""")


@dataclass(frozen=True)
class Loading:
    """What a loader has to know: its addon's file name, the package's, the layout, and the platforms that were built.

    `asked` are the names whose platform packages the loader was written to ask for.
    """

    binary: str
    name: str
    asked: tuple[str, ...]
    platforms: tuple[PlatformName, ...]
    layout: Layout


def is_loader(text: str, binary: str) -> bool:
    """Whether a file looks beside itself for the addon of some platform."""
    return any(f"./{addon_file(binary, platform)}" in text for platform in NATIVE)


def asks_for_packages(text: str, loading: Loading) -> bool:
    """Whether a fitted loader asks for our platform packages, too."""
    return is_loader(text, loading.binary) and any(f"{loading.name}-{each}" in text for each in PLATFORM_NAMES)


def fitted(text: str, loading: Loading, module: bool) -> str:
    """Return a loader that asks for our packages and first says what is missing; `module` for ES modules."""
    found = _PROLOGUE.match(text)
    end = found.end() if found else 0
    return renamed(f"{text[:end]}{_check(text, loading, module)}{text[end:]}", loading)


def renamed(text: str, loading: Loading) -> str:
    """Return a text that names our platform packages, whatever the crate's own package.json calls them."""
    for asked in loading.asked:
        names = re.compile(rf"""(['"]){re.escape(asked)}-({_SYSTEM}-[a-z0-9-]+)(/package\.json)?\1""")
        text = names.sub(rf"\g<1>{loading.name}-\g<2>\g<3>\g<1>", text)
    return text


def local_browser(text: str, loading: Loading) -> str:
    """Return napi's browser.js for a package that holds its wasm32 files itself."""
    package = platform_package(loading.name, "wasm32")
    return renamed(text, loading).replace(package, f"./{loading.binary}.wasi-browser.js")


def scoped_imports(text: str) -> frozenset[str]:
    """Return the scoped packages that a file imports: those that napi's loaders of wasm32 need are."""
    return frozenset(_SCOPED.findall(text))


def _check(text: str, loading: Loading, module: bool) -> str:
    """Return the check, or nothing for a package that runs everywhere, as one with WASI's files does."""
    wasi = "wasm32" in loading.platforms and ".wasi.cjs" in text
    if wasi and (loading.layout == "single" or loading.platforms == ("wasm32",)):
        return ""
    package = json.dumps(platform_package(loading.name, "wasm32"))
    resolve = "import.meta.resolve" if module else "require.resolve"
    built = [each for each in loading.platforms if each != "wasm32"]
    return _CHECK % {
        "name": json.dumps(loading.name),
        "built": json.dumps(built),
        "fallback": _FALLBACK % {"resolve": resolve, "package": package} if wasi else "",
        "advice": f' + "; as WebAssembly: npm install " + {package}' if wasi else "",
    }
