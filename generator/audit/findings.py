"""What the audit of a file found."""

from __future__ import annotations

from typing import Literal

from generator.strict import Sentence, Strict

Rule = Literal[
    "readable", "format", "role", "registration", "loader", "glibc", "static", "libraries", "search-path", "macos",
    "signature", "subsystem", "imports", "executable",
]  # fmt: skip


class Finding(Strict):
    """What one rule found: a sentence on what is there and what to do. A violation keeps the file from being packed."""

    rule: Rule
    severity: Literal["violation", "note"]
    message: Sentence


class Audit(Strict):
    """A file as it was found, and the findings.

    `glibc` is the oldest that has all it needs (None: it needs none), `macos` the oldest macOS it says it runs on,
    `libraries` what the system's loader is asked for, or the modules that a wasm module imports from.
    """

    file: Sentence
    format: Sentence | None = None
    machine: Sentence | None = None
    glibc: Sentence | None = None
    macos: Sentence | None = None
    libraries: tuple[Sentence, ...] = ()
    findings: tuple[Finding, ...] = ()
