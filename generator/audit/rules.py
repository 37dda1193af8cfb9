"""The judgement: whether a file runs on every machine that its package is promised for."""

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
# Of one file; who has so many reads no further, and the report stays a report.
MAX_FINDINGS: Final = 30
LOADERS: Final = {"x64": "/lib64/ld-linux-x86-64.so.2", "arm64": "/lib/ld-linux-aarch64.so.1"}
# A version of glibc that is no number, and the first glibc that has it:
# https://sourceware.org/git/?p=glibc.git;a=blob;f=NEWS;hb=glibc-2.36
NAMED_VERSIONS: Final = {"GLIBC_ABI_DT_RELR": (2, 36)}
_NUMBERED: Final = re.compile(r"GLIBC_(\d{1,5}(\.\d{1,5}){1,2})")
# What the glue that belongs to the module gives it: wasm-bindgen's (its names before and after binding), and for napi
# that of emnapi and of Node's WASI.
WASM_BINDGEN_MODULES: Final = re.compile(r"\./.+|wbg|__wbindgen_\w+")
EMNAPI_MODULES: Final = re.compile(r"env|napi|emnapi|wasi|wasi_snapshot_preview1")
# Where the file itself lies, or a directory that is the same on every Mac.
PORTABLE_SEARCH_PATHS: Final = {
    "linux": re.compile(r"\$(ORIGIN|\{ORIGIN\})(/.*)?"),
    "darwin": re.compile(r"@(loader|executable)_path(/.*)?|/usr/lib(/.*)?"),
}


@dataclass(frozen=True)
class MinimumVersions:
    """The oldest systems that packages are promised for: glibc, and macOS on Intel's and on Apple's processors."""

    glibc: str = "2.17"
    macos_x64: str = OLDEST_MACOS["x64"]
    macos_arm64: str = OLDEST_MACOS["arm64"]


@dataclass(frozen=True)
class _Case:
    """One image, and what it is promised to be."""

    file: str
    image: Image
    platform: Platform
    kind: Kind
    minimum: MinimumVersions

    def violation(self, rule: Rule, words: str) -> Finding:
        return Finding(rule=rule, severity="violation", message=f"{self.file} {words}")

    def note(self, rule: Rule, words: str) -> Finding:
        return Finding(rule=rule, severity="note", message=f"{self.file} {words}")


def audit(facts: Facts, platform: PlatformName, kind: Kind, minimum: MinimumVersions) -> Audit:
    """Judge a file by its facts alone."""
    known = PLATFORMS[platform]
    if facts.problem is not None or not facts.images:
        why = facts.problem or "it is empty"
        words = f"{facts.file} is not a {platform} binary: {why}; build it again"
        return Audit(file=facts.file, findings=(Finding(rule="readable", severity="violation", message=words),))
    image = next((each for each in facts.images if _fits(each, known)), facts.images[0])
    case = _Case(facts.file, image, known, kind, minimum)
    findings = tuple(islice(_findings(case), MAX_FINDINGS)) if _fits(image, known) else (_misfit(case, facts),)
    if kind == "bin" and not facts.executable:
        findings += (case.violation("executable", "may not be executed: give it mode 755"),)
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
    """Return the oldest glibc that has every symbol version an image needs, or None where it needs none."""
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


def _misfit(case: _Case, facts: Facts) -> Finding:
    found = " and ".join(f"{each.format} for {each.machine} ({each.bits} bits)" for each in facts.images)
    return case.violation(
        "format", f"is not a {case.platform.name} binary: it is {found}; build it for {case.platform.target}"
    )


def _findings(case: _Case) -> Iterator[Finding]:
    yield from _role(case)
    match case.platform.os:
        case "linux":
            yield from _linux(case)
        case "darwin":
            yield from _darwin(case)
        case "win32":
            yield from _windows(case)
        case _:
            yield from _wasm(case)
    yield from _libraries(case)
    yield from _search_paths(case)


def _role(case: _Case) -> Iterator[Finding]:
    image = case.image
    if case.kind == "bin":
        if image.role != "program" or not image.entry:
            yield case.violation("role", "is no program that can be started: it has no entry point or is a library")
    elif case.kind == "napi":
        if image.role != "library":
            yield case.violation("role", "is no library, and Node.js loads nothing else: its crate-type must be cdylib")
        wanted = "napi_register_wasm_v1" if case.platform.os == "wasm" else "napi_register_module_v1"
        if not {wanted, "napi_module_register"} & set(image.registrations):
            words = f"does not export {wanted}, so Node.js finds no addon in it"
            yield case.violation("registration", f"{words}: use #[napi] and a cdylib, and strip no exports")


def _linux(case: _Case) -> Iterator[Finding]:
    yield from _musl(case) if case.platform.libc == "musl" else _glibc(case)


def _glibc(case: _Case) -> Iterator[Finding]:
    needed, promised, image = glibc_needed(case.image), case.minimum.glibc, case.image
    if needed is not None and needed > _version(promised):
        words = f"needs glibc {_dotted(needed)}, and {promised} is what it is promised for"
        yield case.violation("glibc", f"{words}: build it for an older one, or raise the setting glibc")
    for name in image.versions:
        if name.startswith("GLIBC_") and name not in NAMED_VERSIONS and not _NUMBERED.fullmatch(name):
            yield case.violation("glibc", f"needs {name}, which some builds of glibc have and others have not")
    if image.interpreter not in (None, LOADERS[case.platform.cpu]):
        words = f"is started by {image.interpreter}, which other machines do not have"
        yield case.violation("loader", f"{words}: it must be {LOADERS[case.platform.cpu]}")


def _musl(case: _Case) -> Iterator[Finding]:
    image = case.image
    if needed := glibc_needed(image):
        yield case.violation("glibc", f"needs glibc {_dotted(needed)}, which a system with musl does not have")
    if case.kind == "bin" and (image.interpreter or image.libraries):
        loads = ", ".join([*([image.interpreter] if image.interpreter else []), *image.libraries[:3]])
        yield case.violation("static", f"is not static: it needs {loads}; build it with -C target-feature=+crt-static")


def _darwin(case: _Case) -> Iterator[Finding]:
    image, apple = case.image, case.platform.cpu == "arm64"
    promised = case.minimum.macos_arm64 if apple else case.minimum.macos_x64
    if image.macos is None:
        yield case.violation("macos", "does not say which macOS it is for: set MACOSX_DEPLOYMENT_TARGET")
    elif _version(image.macos) > _version(promised):
        words = f"needs macOS {image.macos}, and {promised} is what it is promised for"
        yield case.violation("macos", f"{words}: set MACOSX_DEPLOYMENT_TARGET={promised}")
    advice = "strip while linking (strip = true, -C strip), never afterwards, or sign it again"
    if image.signature == "void":
        yield case.violation(
            "signature",
            f"has a code signature that does not hold, so macOS kills it: {image.signature_error}; {advice}",
        )
    elif image.signature == "none" and apple:
        yield case.violation("signature", f"has no code signature, so Apple silicon kills it; {advice}")


def _windows(case: _Case) -> Iterator[Finding]:
    subsystem = case.image.subsystem
    if case.kind == "bin" and subsystem == "windows_gui":
        yield case.note("subsystem", "is a program without a console: nobody sees what it prints")
    elif case.kind == "bin" and subsystem != "windows_cui":
        yield case.violation("subsystem", f"is for the subsystem {subsystem}, which Windows does not start programs of")


def _wasm(case: _Case) -> Iterator[Finding]:
    known = EMNAPI_MODULES if case.kind == "napi" else WASM_BINDGEN_MODULES
    for module, name in case.image.imports:
        if not known.fullmatch(module) or (module == "env" and not NODE_IMPORTS.fullmatch(name)):
            words = f"imports {name} from {module}, which nothing in the package provides"
            yield case.violation(
                "imports", f"{words}: a C function that no library defines, or a target of another kind"
            )


def _libraries(case: _Case) -> Iterator[Finding]:
    os, libc = case.platform.os, case.platform.libc
    if libc == "musl" and case.kind == "bin":
        return
    for library in case.image.libraries:
        if case.kind == "napi" and os == "win32" and library.lower() == "node.exe":
            continue
        if may_be_missing(library, os, libc):
            if why := allowed_reason(library, os):
                yield case.note("libraries", f"needs {library}: {why}")
            else:
                words = f"needs the library {library}, which other machines may not have: link it statically"
                yield case.violation("libraries", words)


def _search_paths(case: _Case) -> Iterator[Finding]:
    portable = PORTABLE_SEARCH_PATHS.get(case.platform.os)
    for path in case.image.search_paths:
        if portable is None or not portable.fullmatch(path):
            words = f"looks for libraries in {path or 'the working directory'}, a place of the machine that built it"
            yield case.violation("search-path", f"{words}: link without that rpath")
