"""The packages of a napi addon: the root package, with the platforms' files in it or in packages of their own."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from generator.errors import Unbuildable
from generator.manifest.values import Layout
from generator.packages.entries import browser_entries, check_entries, without_targets
from generator.packages.files import list_staged
from generator.packages.forbidden import LIFECYCLE_SCRIPT
from generator.packages.identity import Identity
from generator.packages.loader import (
    LoaderSettings,
    imports_wasm,
    is_loader,
    patch_browser_entry,
    patch_loader,
    rename_packages,
    requires_platform_packages,
    scoped_imports,
)
from generator.packages.platform import add_platform_dependencies, package_for_platform
from generator.packages.tarball import NpmPackage, PackedFile, package_json
from generator.platforms import PLATFORM_NAMES, PlatformName, addon_file

# Keys of no use to users; publishConfig would also change the registry.
DEVELOPMENT_KEYS: Final = {"devDependencies", "gypfile", "hasInstallScript", "publishConfig", "packageManager"}
# The entry of bundlers for browsers; it stays in the root package.
BROWSER_ENTRY: Final = "browser.js"
# Packages that run an addon's wasm. The two of emnapi are peer dependencies of napi's, which some package managers do
# not install. Their version must be that of the emnapi in the module.
WASM_RUNTIME_PACKAGES: Final = ("@emnapi/core", "@emnapi/runtime", "@napi-rs/wasm-runtime")
# A generated loader has 30 KiB.
MAX_LOADER: Final = 1024 * 1024


def binary_name(package_json: dict[str, Any]) -> str:
    """Return the base name of the addon's files: `binaryName` in version 3 of napi, `name` in version 2."""
    napi = package_json.get("napi")
    if not isinstance(napi, dict):
        raise Unbuildable("package.json has no napi key: kind napi needs one (npx napi new shows how)")
    name = napi.get("binaryName", napi.get("name", "index"))
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Unbuildable("package.json: the napi binary name must be letters, digits, dots, - and _")
    return name


def addon_files(binary: str, platform: PlatformName) -> tuple[str, ...]:
    """Return the files of one platform as napi names them, the binary first; wasm32 has loaders too."""
    if platform != "wasm32":
        return (addon_file(binary, platform),)
    loaders = (f"{binary}.wasi.cjs", f"{binary}.wasi-browser.js", "wasi-worker.mjs", "wasi-worker-browser.mjs")
    return (addon_file(binary, platform), *loaders, BROWSER_ENTRY)


def addon_packages(
    identity: Identity, declared: dict[str, Any], platforms: tuple[PlatformName, ...], staged: Path, layout: Layout
) -> tuple[NpmPackage, ...]:
    """Return the packages of an addon, without scripts and keys that must not reach users.

    The root package has the files of all platforms or, in the layout `split`, of none. Raise Unbuildable when a file
    that package.json declares is missing.
    """
    everything = list_staged(staged)
    loader = _loader_settings(identity, declared, platforms, layout, [file.path for file in everything])
    excluded = {"package.json", "binding.gyp", loader.path(f"{loader.binary}.wasm32-wasi.debug.wasm")}
    staged_files = {file.path: file for file in everything if file.path not in excluded}
    _check_built(staged_files, loader)
    declared, unbuilt = _without_wasm(declared, staged_files, loader)
    files = {path: _patched(file, loader, declared) for path, file in staged_files.items() if path not in unbuilt}
    separate = _platform_files(files, loader)
    kept = tuple(file for path, file in files.items() if not any(path in own for own in separate.values()))
    check_entries(declared, {file.path for file in kept})
    dependencies = _wasi_dependencies(files, declared, loader)
    root = _published(loader, declared, kept, dependencies if layout == "single" else {})
    others = (
        package_for_platform(identity, root, platform, own.values(), kept, **_entry(loader, platform, dependencies))
        for platform, own in separate.items()
    )
    full = add_platform_dependencies(identity, root, platforms) if layout == "split" else root
    return (NpmPackage(identity.name, (package_json(full), *kept)), *others)


def _loader_settings(
    identity: Identity,
    declared: dict[str, Any],
    platforms: tuple[PlatformName, ...],
    layout: Layout,
    paths: Iterable[str],
) -> LoaderSettings:
    """Return the loader's settings; a napi key can name the platform packages in two ways."""
    napi = declared["napi"] if isinstance(declared.get("napi"), dict) else {}
    package = napi.get("package")
    names = (declared.get("name"), napi.get("packageName"), package.get("name") if isinstance(package, dict) else None)
    requested = tuple(dict.fromkeys(each for each in names if isinstance(each, str) and each))
    binary = binary_name(declared)
    directory = _addon_directory({addon_files(binary, platform)[0] for platform in platforms}, paths)
    return LoaderSettings(binary, identity, requested, platforms, layout, directory)


def _addon_directory(addons: Collection[str], paths: Iterable[str]) -> str:
    """Return the directory that has the most of the addons, "" for the top; of equal ones the nearest to the top."""
    found = Counter(posixpath.dirname(path) for path in paths if posixpath.basename(path) in addons)
    return min(found, key=lambda each: (-found[each], len(each), each), default="")


def _check_built(paths: Collection[str], loader: LoaderSettings) -> None:
    """Raise Unbuildable when a file of a platform is missing."""
    for platform in loader.platforms:
        addon, *others = addon_files(loader.binary, platform)
        if loader.path(addon) not in paths:
            raise Unbuildable(f"{addon} was not built: does the build script call napi build --platform?")
        if others and loader.path(others[0]) not in paths:
            raise Unbuildable(
                f"{others[0]} was not written: list wasm32-wasip1-threads among napi.targets in package.json"
            )


def _without_wasm(
    declared: dict[str, Any], files: Mapping[str, PackedFile], loader: LoaderSettings
) -> tuple[dict[str, Any], Collection[str]]:
    """Return package.json without files of a wasm32 that was not built, and their paths.

    An entry for browsers, such as napi's own, imports the package for wasm32, which nobody makes then.
    """
    if "wasm32" in loader.platforms:
        return declared, ()
    unbuilt = {path for path in map(loader.path, addon_files(loader.binary, "wasm32")) if path not in files}
    for entry in {loader.path(BROWSER_ENTRY), *browser_entries(declared)} & files.keys():
        text = _script_text(files[entry]) or ""
        if imports_wasm(text, loader) and not is_loader(text, loader.binary):
            unbuilt.add(entry)
    left: dict[str, Any] = {
        key: without_targets(declared[key], unbuilt) for key in ("browser", "exports", "imports") if key in declared
    }
    return {key: left.get(key, each) for key, each in declared.items() if left.get(key, "") is not None}, unbuilt


def _script_text(file: PackedFile) -> str | None:
    """Return the text of a file that may be a loader, or None."""
    if not file.path.endswith((".js", ".cjs", ".mjs")) or file.size > MAX_LOADER:
        return None
    with file.open() as stream:
        return stream.read().decode(errors="surrogateescape")


def _patched(file: PackedFile, loader: LoaderSettings, declared: dict[str, Any]) -> PackedFile:
    """Return a file with our names of platform packages; a loader is patched, too."""
    if (text := _script_text(file)) is None:
        return file
    if is_loader(text, loader.binary):
        module = file.path.endswith(".mjs") or (file.path.endswith(".js") and declared.get("type") == "module")
        text = patch_loader(text, loader, module)
    elif file.path in map(loader.path, addon_files(loader.binary, "wasm32")[:-1]):
        text = rename_packages(text, loader)
    elif loader.layout == "single" and "wasm32" in loader.platforms:
        text = patch_browser_entry(text, loader, posixpath.dirname(file.path))
    else:
        text = rename_packages(text, loader)
    return replace(file, content=text.encode(errors="surrogateescape"))


def _platform_files(
    files: Mapping[str, PackedFile], loader: LoaderSettings
) -> dict[PlatformName, dict[str, PackedFile]]:
    """Return the files of separate platform packages by their path in the root package.

    Raise Unbuildable when no loader requires these packages.
    """
    if loader.layout == "single":
        return {}
    scripts = (text for file in files.values() if (text := _script_text(file)))
    if not any(requires_platform_packages(text, loader) for text in scripts):
        raise Unbuildable("no loader of the package requires its platform packages: use the one that napi build writes")
    names = {platform: addon_files(loader.binary, platform) for platform in loader.platforms}
    return {
        platform: {
            path: replace(files[path], path=name)
            for name in own
            if (path := loader.path(name)) in files and name != BROWSER_ENTRY
        }
        for platform, own in names.items()
    }


def _entry(loader: LoaderSettings, platform: PlatformName, dependencies: dict[str, str]) -> dict[str, Any]:
    """Return the keys of a platform's package.json that name its entry."""
    addon, *loaders = addon_files(loader.binary, platform)
    if platform != "wasm32":
        return {"main": addon}
    return {"main": loaders[0], "browser": loaders[1], "dependencies": dependencies}


def _wasi_dependencies(
    files: Mapping[str, PackedFile], declared: dict[str, Any], loader: LoaderSettings
) -> dict[str, str]:
    """Return the packages that wasm32's loaders import, with the version ranges of package.json."""
    if "wasm32" not in loader.platforms:
        return {}
    texts = (
        _script_text(files[path]) or ""
        for path in map(loader.path, addon_files(loader.binary, "wasm32"))
        if path in files
    )
    own = {f"{name}-wasm32-wasi" for name in loader.requested_names} | {loader.identity.platform_package("wasm32")}
    names = {name for text in texts for name in scoped_imports(text)} - own
    ranges = _dependencies(declared, "devDependencies") | _dependencies(declared, "dependencies")
    names |= ranges.keys() & {*WASM_RUNTIME_PACKAGES}
    if missing := sorted(names - ranges.keys()):
        raise Unbuildable(f"wasm32 needs {', '.join(missing)} among the devDependencies in package.json")
    return {name: ranges[name] for name in sorted(names)}


def _dependencies(declared: dict[str, Any], key: str) -> dict[str, str]:
    table = declared.get(key)
    return {name: each for name, each in table.items() if isinstance(each, str)} if isinstance(table, dict) else {}


def _published(
    loader: LoaderSettings,
    declared: dict[str, Any],
    files: tuple[PackedFile, ...],
    wasi_dependencies: dict[str, str],
) -> dict[str, Any]:
    """Return package.json without install scripts, development dependencies and platform packages.

    Cargo.toml supplies the fields that package.json lacks. `wasi_dependencies` are optional beside other platforms, so
    that the package installs without them.
    """
    identity = loader.identity
    kept = {key: value for key, value in declared.items() if key not in DEVELOPMENT_KEYS and not key.startswith("_")}
    published = identity.fields() | kept
    published |= {"name": identity.name, "version": identity.version, "files": sorted(file.path for file in files)}
    scripts = declared["scripts"] if isinstance(declared.get("scripts"), dict) else {}
    published["scripts"] = {key: text for key, text in scripts.items() if _is_for_users(key, text)}
    own = {f"{name}-{each}" for name in loader.requested_names for each in (*PLATFORM_NAMES, "wasm32-wasi")}
    for key, more in zip(("dependencies", "optionalDependencies"), _place(wasi_dependencies, loader), strict=True):
        kept_ranges = {name: each for name, each in _dependencies(declared, key).items() if name not in own}
        published[key] = more | kept_ranges
    return {key: value for key, value in published.items() if value not in ({}, [])}


def _is_for_users(script: str, text: object) -> bool:
    """Return whether a script runs only when a user calls it by name."""
    return isinstance(text, str) and not LIFECYCLE_SCRIPT.fullmatch(script) and not script.startswith("_")


def _place(dependencies: dict[str, str], loader: LoaderSettings) -> tuple[dict[str, str], dict[str, str]]:
    """Return the wasm32 packages as dependencies and as optional dependencies."""
    return (dependencies, {}) if loader.platforms == ("wasm32",) else ({}, dependencies)
