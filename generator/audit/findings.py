"""The findings of an audit."""

from __future__ import annotations

from typing import Literal

from generator.strict import Sentence, Strict

Rule = Literal[
    "readable", "format", "role", "registration", "loader", "glibc", "static", "libraries", "search-path", "macos",
    "signature", "subsystem", "imports", "executable",
]  # fmt: skip


class Finding(Strict):
    """The finding of one rule: a sentence with the defect and its fix. A violation blocks packing, a note does not."""

    rule: Rule
    severity: Literal["violation", "note"]
    message: Sentence


class Audit(Strict):
    """The requirements of one file, and the findings.

    `glibc` is the oldest version that has every required symbol, or None when the file needs no glibc.
    `macos` is the oldest supported macOS. `libraries` are the dynamic libraries, or the modules that wasm imports.
    """

    file: Sentence
    format: Sentence | None = None
    machine: Sentence | None = None
    glibc: Sentence | None = None
    macos: Sentence | None = None
    libraries: tuple[Sentence, ...] = ()
    findings: tuple[Finding, ...] = ()
