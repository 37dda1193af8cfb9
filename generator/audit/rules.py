"""The audit's rules: a file must run on every machine that its package supports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from generator.audit.facts import Facts, Format, Image
from generator.audit.findings import Audit, Finding, Rule
from generator.audit.libraries import allowed_reason, may_be_missing
from generator.audit.wasm import NODE_IMPORTS
from generator.platforms import OLDEST_MACOS, PLATFORMS, Kind, Platform, PlatformName

FORMATS: Final[dict[str, Format]] = {"linux": "ELF", "darwin": "Mach-O", "win32": "PE", "wasm": "wasm"}
# Per file: more findings help nobody and make the report large.
MAX_FINDINGS: Final = 30
GLIBC_LOADERS: Final = {"x64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}
# Version names of glibc without a number, and the first glibc that has them:
# https://sourceware.org/git/?p=glibc.git;a=blob;f=NEWS;hb=glibc-2.36
NAMED_VERSIONS: Final = {"GLIBC_ABI_DT_RELR": (2, 36)}
_NUMBERED: Final = re.compile(r"GLIBC_(\d{1,5}(\.\d{1,5}){1,2})")
# Modules that the package's own glue provides: wasm-bindgen's names before and after binding, and for napi those of
# emnapi and of Node's WASI.
WASM_BINDGEN_MODULES: Final = re.compile(r"\./.+|wbg|__wbindgen_\w+")
EMNAPI_MODULES: Final = re.compile(r"env|napi|emnapi|wasi|wasi_snapshot_preview1")
# Paths relative to the file, or directories that every Mac has.
PORTABLE_SEARCH_PATHS: Final = {
    "linux": re.compile(r"\$(ORIGIN|\{ORIGIN\})(/.*)?"),
    "darwin": re.compile(r"@(loader|executable)_path(/.*)?|/usr/lib(/.*)?"),
}


@dataclass(frozen=True)
class MinimumVersions:
    """The oldest supported versions: of glibc, and of macOS on Intel and on Apple processors."""

    glibc: str = "2.17"
    macos_x64: str = OLDEST_MACOS["x64"]
    macos_arm64: str = OLDEST_MACOS["arm64"]


@dataclass(frozen=True)
class _Check:
    """The check of one image: the image, and the platform, kind and versions that it must fit."""

    file: str
    image: Image
    platform: Platform
    kind: Kind
    minimum: MinimumVersions

    def violation(self, rule: Rule, sentence: str) -> Finding:
        return Finding(rule=rule, severity="violation", message=f"{self.file} {sentence}")

    def note(self, rule: Rule, sentence: str) -> Finding:
        return Finding(rule=rule, severity="note", message=f"{self.file} {sentence}")


def audit(facts: Facts, platform: PlatformName, kind: Kind, minimum: MinimumVersions) -> Audit:
    """Audit a file by its facts."""
    target = PLATFORMS[platform]
    if facts.problem is not None or not facts.images:
        reason = facts.problem or "it is empty"
        message = f"{facts.file} is not a {platform} binary: {reason}; build it again"
        return Audit(file=facts.file, findings=(Finding(rule="readable", severity="violation", message=message),))
    image = next((each for each in facts.images if _fits(each, target)), facts.images[0])
    check = _Check(facts.file, image, target, kind, minimum)
    findings = tuple(islice(_findings(check), MAX_FINDINGS)) if _fits(image, target) else (_wrong_format(check, facts),)
    if kind == "bin" and not facts.executable:
        findings += (check.violation("executable", "is not executable: give it mode 755"),)
    return Audit(
        file=facts.file,
        format=image.format,
        machine=image.machine,
        glibc=_dotted(glibc_needed(image)),
        macos=image.macos,
        libraries=image.libraries or tuple(module for module, _ in image.imports),
        findings=findings,
    )


def glibc_needed(image: Image) -> tuple[int, ...] | None:
    """Return the oldest glibc that has every required symbol version, or None when the image requires none."""
    named = [NAMED_VERSIONS[each] for each in image.versions if each in NAMED_VERSIONS]
    numbered = [_version(found[1]) for each in image.versions if (found := _NUMBERED.fullmatch(each))]
    return max([*named, *numbered], default=None)


def _version(dotted: str) -> tuple[int, ...]:
    return tuple(map(int, dotted.split(".")))


def _dotted(version: tuple[int, ...] | None) -> str | None:
    return None if version is None else ".".join(map(str, version))


def _fits(image: Image, platform: Platform) -> bool:
    bits = 32 if platform.os == "wasm" else 64
    return (image.format, image.machine, image.bits) == (FORMATS[platform.os], platform.cpu, bits)


def _wrong_format(check: _Check, facts: Facts) -> Finding:
    found = " and ".join(f"{each.format} for {each.machine} ({each.bits} bits)" for each in facts.images)
    return check.violation(
        "format", f"is not a {check.platform.name} binary: it is {found}; build it for {check.platform.target}"
    )


def _findings(check: _Check) -> Iterator[Finding]:
    yield from _role(check)
    match check.platform.os:
        case "linux":
            yield from _linux(check)
        case "darwin":
            yield from _darwin(check)
        case "win32":
            yield from _windows(check)
        case _:
            yield from _wasm(check)
    yield from _libraries(check)
    yield from _search_paths(check)


def _role(check: _Check) -> Iterator[Finding]:
    image = check.image
    if check.kind == "bin":
        if image.role != "program" or not image.entry:
            yield check.violation("role", "is not a program: it has no entry point or is a library")
    elif check.kind == "napi":
        if image.role != "library":
            yield check.violation(
                "role", "is not a library, and Node.js loads only libraries: set crate-type to cdylib"
            )
        wanted = "napi_register_wasm_v1" if check.platform.os == "wasm" else "napi_register_module_v1"
        if not {wanted, "napi_module_register"} & set(image.registrations):
            defect = f"does not export {wanted}, so Node.js finds no addon in it"
            yield check.violation("registration", f"{defect}: use #[napi] and a cdylib, and do not strip exports")


def _linux(check: _Check) -> Iterator[Finding]:
    yield from _musl(check) if check.platform.libc == "musl" else _glibc(check)


def _glibc(check: _Check) -> Iterator[Finding]:
    needed, oldest, image = glibc_needed(check.image), check.minimum.glibc, check.image
    if needed is not None and needed > _version(oldest):
        defect = f"needs glibc {_dotted(needed)}, but must run with glibc {oldest}"
        yield check.violation("glibc", f"{defect}: build it for an older glibc, or raise the setting glibc")
    for name in image.versions:
        if name.startswith("GLIBC_") and name not in NAMED_VERSIONS and not _NUMBERED.fullmatch(name):
            yield check.violation("glibc", f"needs {name}, which some builds of glibc lack")
    if image.interpreter not in (None, GLIBC_LOADERS[check.platform.cpu]):
        defect = f"uses the loader {image.interpreter}, which other machines lack"
        yield check.violation("loader", f"{defect}: it must be {GLIBC_LOADERS[check.platform.cpu]}")


def _musl(check: _Check) -> Iterator[Finding]:
    image = check.image
    if needed := glibc_needed(image):
        yield check.violation("glibc", f"needs glibc {_dotted(needed)}, which systems with musl lack")
    if check.kind == "bin" and (image.interpreter or image.libraries):
        loads = ", ".join([*([image.interpreter] if image.interpreter else []), *image.libraries[:3]])
        yield check.violation("static", f"is not static: it needs {loads}; build it with -C target-feature=+crt-static")


def _darwin(check: _Check) -> Iterator[Finding]:
    image, apple = check.image, check.platform.cpu == "arm64"
    oldest = check.minimum.macos_arm64 if apple else check.minimum.macos_x64
    if image.macos is None:
        yield check.violation("macos", "names no oldest macOS: set MACOSX_DEPLOYMENT_TARGET")
    elif _version(image.macos) > _version(oldest):
        defect = f"needs macOS {image.macos}, but must run on macOS {oldest}"
        yield check.violation("macos", f"{defect}: set MACOSX_DEPLOYMENT_TARGET={oldest}")
    advice = "strip while linking (strip = true, -C strip), never afterwards, or sign it again"
    if image.signature == "invalid":
        yield check.violation(
            "signature",
            f"has an invalid code signature, so macOS kills it: {image.signature_error}; {advice}",
        )
    elif image.signature == "none" and apple:
        yield check.violation("signature", f"has no code signature, so Apple silicon kills it; {advice}")


def _windows(check: _Check) -> Iterator[Finding]:
    subsystem = check.image.subsystem
    if check.kind == "bin" and subsystem == "windows_gui":
        yield check.note("subsystem", "is a program without a console: its output is not visible")
    elif check.kind == "bin" and subsystem != "windows_cui":
        yield check.violation("subsystem", f"has the subsystem {subsystem}, and Windows starts no such programs")


def _wasm(check: _Check) -> Iterator[Finding]:
    known = EMNAPI_MODULES if check.kind == "napi" else WASM_BINDGEN_MODULES
    for module, name in check.image.imports:
        if not known.fullmatch(module) or (module == "env" and not NODE_IMPORTS.fullmatch(name)):
            defect = f"imports {name} from {module}, which nothing in the package provides"
            yield check.violation("imports", f"{defect}: a C function is undefined, or the target is of another kind")


def _libraries(check: _Check) -> Iterator[Finding]:
    os, libc = check.platform.os, check.platform.libc
    if libc == "musl" and check.kind == "bin":
        return
    for library in check.image.libraries:
        if check.kind == "napi" and os == "win32" and library.lower() == "node.exe":
            continue
        if may_be_missing(library, os, libc):
            if reason := allowed_reason(library, os):
                yield check.note("libraries", f"needs {library}: {reason}")
            else:
                message = f"needs the library {library}, which other machines may lack: link it statically"
                yield check.violation("libraries", message)


def _search_paths(check: _Check) -> Iterator[Finding]:
    portable = PORTABLE_SEARCH_PATHS.get(check.platform.os)
    for path in check.image.search_paths:
        if portable is None or not portable.fullmatch(path):
            where = path or "the working directory"
            defect = f"searches for libraries in {where}, a directory of the build machine"
            yield check.violation("search-path", f"{defect}: link without that rpath")
