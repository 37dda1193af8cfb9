"""What a file out of a sandbox says of itself, as frozen models: facts, without a judgement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from generator.strict import Sentence, Strict

Format = Literal["ELF", "Mach-O", "PE", "wasm"]

# What is longer, or more, is in no file that a compiler wrote.
Name = Annotated[Sentence, StringConstraints(max_length=4_096)]
Names = Annotated[tuple[Name, ...], Field(max_length=200)]


class Image(Strict):
    """One program or library; a universal Mach-O file holds several, every other file one.

    `machine` is npm's word for a processor (x64, arm64, wasm32) or the parser's for one that no platform has.
    `libraries` and `interpreter` are what the system's loader is asked for, `search_paths` where it is told to look
    (RPATH, RUNPATH, LC_RPATH). `versions` are the symbol versions that ELF libraries must have. `registrations` are
    those of napi's names for an addon's registration that it exports or calls. `macos` is the oldest macOS it says it
    runs on, `signature` the code signature's state and `void` what is wrong with it. `imports` are the modules that a
    wasm module imports from, each with the first name that is not Node's, or one of Node's.
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
    signature: Literal["none", "whole", "void"] = "none"
    signature_error: Name | None = None
    subsystem: Name | None = None
    imports: Annotated[tuple[tuple[Name, Name], ...], Field(max_length=200)] = ()


class ReaderResult(Strict):
    """What the reading process answers: a file's images, or why there are none."""

    images: Annotated[tuple[Image, ...], Field(max_length=16)] = ()
    problem: Sentence | None = None


class Facts(ReaderResult):
    """What is known of a file: its name in the package, and whether it may be executed."""

    file: Sentence
    executable: bool
