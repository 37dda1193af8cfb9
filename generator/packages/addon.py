"""The packages of a napi addon: the crate's own, with every built platform's file beside the loader or apart."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.files import packed_files
from generator.packages.forbidden import LIFECYCLE
from generator.packages.identity import Identity
from generator.packages.loader import (
    Loading,
    asks_for_packages,
    fitted,
    is_loader,
    local_browser,
    renamed,
    scoped_imports,
)
from generator.packages.platform import one_platform, with_platforms
from generator.packages.tarball import NpmPackage, PackedFile, package_json
from generator.platforms import PLATFORM_NAMES, PlatformName, addon_file

# Of no use to who installs the package; publishConfig would also redirect who publishes it.
DEVELOPERS: Final = {"devDependencies", "gypfile", "hasInstallScript", "publishConfig", "packageManager"}
# What bundlers take in a browser; it belongs to the root package.
BROWSER: Final = "browser.js"
# What runs an addon's wasm. emnapi's two are peers of napi's, which not every package manager installs, and must have
# the version of the emnapi that is linked into the module.
RUNTIME: Final = ("@emnapi/core", "@emnapi/runtime", "@napi-rs/wasm-runtime")
# A generated loader has 30 KiB.
MAX_LOADER: Final = 1024 * 1024


def binary_name(package_json: dict[str, Any]) -> str:
    """Return the name that the addon's files begin with: `binaryName` in napi's version 3, `name` in version 2."""
    napi = package_json.get("napi")
    if not isinstance(napi, dict):
        raise Unbuildable("package.json has no napi key: kind napi needs one (npx napi new shows how)")
    name = napi.get("binaryName", napi.get("name", "index"))
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Unbuildable("package.json: the napi binary name must be letters, digits, dots, - and _")
    return name


def addon_files(binary: str, platform: PlatformName) -> tuple[str, ...]:
    """Return the files of one platform as napi names them, the one that is built first; wasm32 brings its loaders."""
    if platform != "wasm32":
        return (addon_file(binary, platform),)
    loaders = (f"{binary}.wasi.cjs", f"{binary}.wasi-browser.js", "wasi-worker.mjs", "wasi-worker-browser.mjs")
    return (addon_file(binary, platform), *loaders, BROWSER)


def addon_packages(
    identity: Identity, declared: dict[str, Any], platforms: tuple[PlatformName, ...], staged: Path, layout: Layout
) -> tuple[NpmPackage, ...]:
    """Check that everything package.json promises is there, and take out what must not reach a user's machine.

    The root package has every platform's files beside the loader or, in the layout `split`, none of them.
    """
    loading = _loading(identity, declared, platforms, layout)
    left = {"package.json", "binding.gyp", f"{loading.binary}.wasm32-wasi.debug.wasm"}
    given = {file.path: file for file in packed_files(staged) if file.path not in left}
    _check_promises(declared, given, loading)
    files = {path: _fitted(file, loading, declared) for path, file in given.items()}
    apart = _apart(files, loading)
    kept = tuple(file for file in files.values() if not any(file in own for own in apart.values()))
    needs = _wasi_needs(files, declared, loading)
    root = _published(loading, identity, declared, kept, needs if layout == "single" else {})
    others = (
        one_platform(root, platform, own, kept, **_entry(loading, platform, needs)) for platform, own in apart.items()
    )
    full = with_platforms(root, platforms) if layout == "split" else root
    return (NpmPackage(identity.name, (package_json(full), *kept)), *others)


def _loading(
    identity: Identity, declared: dict[str, Any], platforms: tuple[PlatformName, ...], layout: Layout
) -> Loading:
    """Return what the loader has to know; a napi key can give its packages a name of their own, twice differently."""
    napi = declared["napi"] if isinstance(declared.get("napi"), dict) else {}
    package = napi.get("package")
    names = (declared.get("name"), napi.get("packageName"), package.get("name") if isinstance(package, dict) else None)
    asked = tuple(dict.fromkeys(each for each in names if isinstance(each, str) and each))
    return Loading(binary_name(declared), identity.name, asked, platforms, layout)


def _check_promises(declared: dict[str, Any], paths: Collection[str], loading: Loading) -> None:
    """Unbuildable names what was not built, or what no package of the fleet may have."""
    for platform in loading.platforms:
        if (addon := addon_files(loading.binary, platform)[0]) not in paths:
            raise Unbuildable(f"{addon} was not built: does the build script call napi build --platform?")
    if "wasm32" in loading.platforms and (loader := addon_files(loading.binary, "wasm32")[1]) not in paths:
        raise Unbuildable(f"{loader} was not written: list wasm32-wasip1-threads among napi.targets in package.json")
    for key in ("main", "types", "module", "browser"):
        if isinstance(promised := declared.get(key), str) and not _exists(promised, paths):
            raise Unbuildable(f"package.json names {promised} as its {key}, and nothing built it")
    if "main" not in declared and "exports" not in declared and "index.js" not in paths:
        raise Unbuildable("package.json has no main, and there is no index.js")


def _exists(promised: str, paths: Collection[str]) -> bool:
    path = posixpath.normpath(promised)
    return any(each in paths for each in (path, f"{path}.js", f"{path}.json", f"{path}/index.js"))


def _script(file: PackedFile) -> str | None:
    """Return the text of a file that may be a loader, or None."""
    if not file.path.endswith((".js", ".cjs", ".mjs")) or file.size > MAX_LOADER:
        return None
    with file.open() as stream:
        return stream.read().decode(errors="surrogateescape")


def _fitted(file: PackedFile, loading: Loading, declared: dict[str, Any]) -> PackedFile:
    """Return a file as it is, or a loader as it has to be."""
    if (text := _script(file)) is None:
        return file
    if is_loader(text, loading.binary):
        module = file.path.endswith(".mjs") or (file.path.endswith(".js") and declared.get("type") == "module")
        text = fitted(text, loading, module)
    elif file.path == BROWSER and loading.layout == "single" and "wasm32" in loading.platforms:
        text = local_browser(text, loading)
    elif file.path in addon_files(loading.binary, "wasm32"):
        text = renamed(text, loading)
    else:
        return file
    return replace(file, content=text.encode(errors="surrogateescape"))


def _apart(files: Mapping[str, PackedFile], loading: Loading) -> dict[PlatformName, tuple[PackedFile, ...]]:
    """Return the files that leave the root package for one of a platform; Unbuildable when nothing would find them."""
    if loading.layout == "single":
        return {}
    scripts = (text for file in files.values() if (text := _script(file)))
    if not any(asks_for_packages(text, loading) for text in scripts):
        raise Unbuildable("no loader of the package asks for its platform packages: use the one that napi build writes")
    names = {platform: addon_files(loading.binary, platform) for platform in loading.platforms}
    return {
        platform: tuple(files[path] for path in own if path in files and path != BROWSER)
        for platform, own in names.items()
    }


def _entry(loading: Loading, platform: PlatformName, needs: dict[str, str]) -> dict[str, Any]:
    """Return what a platform's package.json says of its entry."""
    addon, *loaders = addon_files(loading.binary, platform)
    if platform != "wasm32":
        return {"main": addon}
    return {"main": loaders[0], "browser": loaders[1], "dependencies": needs}


def _wasi_needs(files: Mapping[str, PackedFile], declared: dict[str, Any], loading: Loading) -> dict[str, str]:
    """Return the packages that wasm32's loaders import, in the versions that package.json asks for."""
    if "wasm32" not in loading.platforms:
        return {}
    texts = (_script(files[path]) or "" for path in addon_files(loading.binary, "wasm32") if path in files)
    own = {f"{name}-wasm32-wasi" for name in (loading.name, *loading.asked)}
    names = {name for text in texts for name in scoped_imports(text)} - own
    asked = _dependencies(declared, "devDependencies") | _dependencies(declared, "dependencies")
    names |= asked.keys() & {*RUNTIME}
    if missing := sorted(names - asked.keys()):
        raise Unbuildable(f"wasm32 needs {', '.join(missing)} among the devDependencies in package.json")
    return {name: asked[name] for name in sorted(names)}


def _dependencies(declared: dict[str, Any], key: str) -> dict[str, str]:
    named = declared.get(key)
    return {name: wish for name, wish in named.items() if isinstance(wish, str)} if isinstance(named, dict) else {}


def _published(
    loading: Loading,
    identity: Identity,
    declared: dict[str, Any],
    files: tuple[PackedFile, ...],
    needs: dict[str, str],
) -> dict[str, Any]:
    """Return package.json without install scripts, development dependencies and platform packages.

    What Cargo.toml says of the crate stands where package.json says nothing. `needs` are dependencies of the files for
    wasm32: nobody who has another platform's file is to miss the package for lack of them.
    """
    said = {key: value for key, value in declared.items() if key not in DEVELOPERS and not key.startswith("_")}
    published = identity.fields() | said
    published |= {"name": identity.name, "version": identity.version, "files": sorted(file.path for file in files)}
    scripts = declared["scripts"] if isinstance(declared.get("scripts"), dict) else {}
    published["scripts"] = {key: text for key, text in scripts.items() if _is_for_users(key, text)}
    own = {f"{asked}-{each}" for asked in loading.asked for each in (*PLATFORM_NAMES, "wasm32-wasi")}
    for key, more in zip(("dependencies", "optionalDependencies"), _spread(needs, loading), strict=True):
        named = {name: wish for name, wish in _dependencies(declared, key).items() if name not in own}
        published[key] = more | named
    return {key: value for key, value in published.items() if value not in ({}, [])}


def _is_for_users(script: str, text: object) -> bool:
    """Whether a script is one that runs only when somebody asks for it by name."""
    return isinstance(text, str) and not LIFECYCLE.fullmatch(script) and not script.startswith("_")


def _spread(needs: dict[str, str], loading: Loading) -> tuple[dict[str, str], dict[str, str]]:
    """Return which of wasm32's needs are dependencies and which are optional ones."""
    return (needs, {}) if loading.platforms == ("wasm32",) else ({}, needs)
