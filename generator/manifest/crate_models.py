"""The models of an entry of the key `crates`."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from generator.manifest.effects import BuildInput, Declared, NotAnInput
from generator.manifest.shared_settings import SharedSettings
from generator.manifest.source_models import Source
from generator.manifest.values import (
    BatchName,
    Command,
    CrateName,
    Date,
    IncludedPath,
    Minutes,
    NpmName,
    ProgramName,
    Reason,
    ScopedName,
    Version,
)
from generator.platforms import Kind
from generator.strict import Strict

# The state of a quarantine on a day. A crate without one has the state None.
QuarantineState = Literal["holds", "ended"]


class Commands(Strict):
    """Shell commands that replace the recipe's own.

    bash runs them in the sandbox, in the crate's directory or, for an addon, in that of package.json.
    """

    build: Command | None = Field(
        default=None, examples=["npm run build:native"], description="Compiles the crate for the host platform."
    )
    test: Command | None = Field(default=None, examples=["cargo test --release"], description="Runs the crate's tests.")


class Quarantine(Strict):
    """The declaration that a crate is broken: until a day its failure does not block the others.

    Days are those of UTC.
    """

    reason: Reason = Field(
        examples=["its author ports it to napi 3"],
        description="Sentence on what is broken; releases and reports show it.",
    )
    until: Date = Field(
        examples=["2026-12-31"], description="Last day, as in 2026-12-31 and in UTC, on which the crate may fail."
    )

    def state(self, today: date) -> QuarantineState:
        """Return whether the quarantine holds on a day, or has ended before it."""
        return "holds" if today <= date.fromisoformat(self.until) else "ended"


class _CrateKeys(Declared):
    """Keys that only crates have."""

    name: BuildInput[CrateName] = Field(examples=["words"], description="Name of the crate.")
    # It is in the package.
    npm_name: BuildInput[NpmName | None] = Field(
        default=None,
        examples=["@you/words-native"],
        description="npm name, with or without a scope, if it is not SCOPE/NAME.",
    )
    # It is in the packages of the layout split.
    platform_packages: BuildInput[ScopedName | None] = Field(
        default=None,
        examples=["@you/words-native"],
        description="Name of the packages for one platform in the layout split, @scope/name without the platform. The "
        "default is the npm name. For one without a scope it is packageName of the napi key in package.json, if that "
        "has a scope and the source is a path, or else SCOPE/NAME.",
    )
    version: BuildInput[Version] = Field(
        examples=["0.1.6"],
        description="Version of the crate and of its package. A crate with a path source needs none: then it is the "
        "version in Cargo.toml or, for an addon, in package.json.",
    )
    kind: BuildInput[Kind] = Field(
        examples=["napi"],
        description="napi: addon; wasm: wasm-bindgen; bin: command-line program; lib: compiled and tested, no package.",
    )
    source: BuildInput[Source] = Field(
        examples=[{"path": "packages/words"}, {"registry": "words", "version": "0.1.6"}],
        description="Location of the source.",
    )
    # The package has these.
    programs: BuildInput[tuple[ProgramName, ...] | None] = Field(
        default=None,
        min_length=1,
        examples=[["words"]],
        description="Programs of the package, which npm puts on PATH. The default is what cargo install would install: "
        "every program whose required features are on by default.",
    )
    # Only the plan reads it: it adds the dependents of a changed crate.
    depends_on: NotAnInput[tuple[CrateName, ...]] = Field(
        default=(), examples=[["words-core"]], description="Crates of this fleet that it depends on."
    )
    # A crate of a batch may reach the others: its package is not reused as one from a sandbox of its own.
    batch: BuildInput[BatchName | None] = Field(
        default=None,
        examples=["text"],
        description="Name of a group of crates that are built one after the other in one sandbox, with one fetch of "
        "dependencies and in one slot. Only for crates that trust each other: at E2B and without isolation, code of "
        "one crate can alter the packages of the others.",
    )
    # The plan balances slots with it.
    expected_minutes: NotAnInput[Minutes] = Field(
        default=5, examples=[3], description="Expected minutes for all its platforms together."
    )
    # These files enter the sandbox.
    include: BuildInput[tuple[IncludedPath, ...]] = Field(
        default=(),
        max_length=100,
        examples=[["proto", "schemas/**/*.json"]],
        description="More files of the source's repository that the build reads, which no Cargo.toml names: paths or "
        "patterns with *, ?, [...] and ** from the repository's top. A directory brings all files below it. Only files "
        "that git tracks.",
    )
    # They run instead of the recipe's own.
    commands: BuildInput[Commands] = Field(
        default=Commands(),
        examples=[{"build": "npm run build:native"}],
        description="Commands that replace the recipe's own. bash runs them in the sandbox, in the crate's directory "
        "or, for an addon, in that of package.json.",
    )
    # The crate is built as any other. It decides what a failure means.
    quarantine: NotAnInput[Quarantine | None] = Field(
        default=None,
        examples=[{"reason": "its author ports it to napi 3", "until": "2026-12-31"}],
        description="The crate is known to be broken: its failure neither fails a run nor keeps a release a draft, and "
        "both name it. After the last day a failure blocks again.",
    )


class Crate(SharedSettings[None], _CrateKeys):
    """One crate; a setting that is given here replaces the fleet's."""


def _unset_shared_settings() -> None:
    """Make None the default of each setting that a crate can replace, and say so to editors."""
    for name in SharedSettings.model_fields:
        field = Crate.model_fields[name]
        field.default = None
        field.description = f"Replaces the fleet's setting. {field.description}"
    Crate.model_rebuild(force=True)


_unset_shared_settings()
