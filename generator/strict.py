"""The base of our own files' models and of those of other programs', and the one type of others' words in them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from generator.text import plain

MAX_SENTENCE: Final = 1_000


def _sentence(text: str) -> str:
    cut = plain(text).strip()
    return cut if len(cut) <= MAX_SENTENCE else cut[: MAX_SENTENCE - 1] + "…"


Sentence = Annotated[str, AfterValidator(_sentence)]
"""A model's text that somebody else may have written: plain, on one line, of bounded length."""


class Strict(BaseModel):
    """Frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_by_name=True, serialize_by_alias=True
    )


class Loose(BaseModel):
    """Frozen; other programs write far more keys than are used here."""

    model_config = ConfigDict(extra="ignore", frozen=True)
