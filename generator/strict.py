"""Base classes of models: strict for this tool's own files, loose for those of other programs.

Validators are built at first use, because a command uses few of the models that it imports.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from generator.text import plain

MAX_SENTENCE: Final = 1_000


def _sentence(text: str) -> str:
    cut = plain(text).strip()
    return cut if len(cut) <= MAX_SENTENCE else cut[: MAX_SENTENCE - 1] + "…"


Sentence = Annotated[str, AfterValidator(_sentence)]
"""Untrusted text in a model: plain, on one line, of limited length."""


def is_absent(value: object) -> bool:
    """Return True for None: `exclude_if` of keys that are written only where they say something."""
    return value is None


class Strict(BaseModel):
    """A frozen model without unknown keys and type conversions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        validate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,
    )


class Loose(BaseModel):
    """A frozen model that ignores unknown keys, because other programs write many more than are used here."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
