"""Facts that a binary states about itself, as frozen models without a judgement."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from generator.strict import Sentence, Strict

CPU_SECONDS: Final = 30
"""Processor time after which the reader process ends. A file of 100 MiB takes 2 s."""

Format = Literal["ELF", "Mach-O", "PE", "wasm"]

# Compilers write no longer names and no longer lists.
Name = Annotated[Sentence, StringConstraints(max_length=4_096)]
Names = Annotated[tuple[Name, ...], Field(max_length=200)]


class Image(Strict):
    """One program or library: a universal Mach-O file holds several images, every other file one.

    `machine` is npm's name of the processor (x64, arm64, wasm32), or LIEF's name when no platform has it.
    The system's loader loads `interpreter` and `libraries`. `search_paths` are RPATH, RUNPATH and LC_RPATH.
    `versions` are the symbol versions that an ELF image requires.
    `registrations` are the registration functions of napi that the image exports or calls.
    `macos` is the oldest supported macOS. `signature_error` says why a code signature is invalid.
    `imports` are the modules that a wasm module imports from, each with one name: see `read_module`.
    """

    format: Format
    machine: Name
    bits: int
    role: Literal["program", "library", "other"]
    entry: bool = False
    interpreter: Name | None = None
    libraries: Names = ()
    search_paths: Names = ()
    versions: Names = ()
    registrations: Names = ()
    macos: Annotated[str, StringConstraints(pattern=r"^\d{1,5}\.\d{1,5}$")] | None = None
    signature: Literal["none", "valid", "invalid"] = "none"
    signature_error: Name | None = None
    subsystem: Name | None = None
    imports: Annotated[tuple[tuple[Name, Name], ...], Field(max_length=200)] = ()


class ReaderResult(Strict):
    """The output of the reader process: a file's images, or the reason why there are none."""

    images: Annotated[tuple[Image, ...], Field(max_length=16)] = ()
    problem: Sentence | None = None


class Facts(ReaderResult):
    """The facts of a file: its name in the package, its images, and its executable bit."""

    file: Sentence
    executable: bool
