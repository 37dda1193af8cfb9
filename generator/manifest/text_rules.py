"""The rule of a string in a manifest: one declaration for the validator, the JSON Schema and the error message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

TEXT_RULE: Final = "text_rule"
"""Type of the validation error when a string does not match its rule; its context has `noun` and `hint`."""


@dataclass(frozen=True)
class TextRule:
    """A pattern for programs, and the same in words: a value is not `noun`: `hint`.

    `pattern` is read as ECMAScript by editors and by Rust's regex crate here: use only what both have.
    """

    noun: str
    hint: str
    pattern: str
    max_length: int | None = None

    def __get_pydantic_core_schema__(self, _source: type[Any], _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of a constrained string whose pattern error carries this rule's words."""
        text = core_schema.str_schema(pattern=self.pattern, max_length=self.max_length)
        return core_schema.no_info_wrap_validator_function(self._validate, text)

    def _validate(self, value: object, inner: core_schema.ValidatorFunctionWrapHandler) -> str:
        try:
            valid: str = inner(value)
        except ValidationError as invalid:
            if invalid.errors(include_url=False)[0]["type"] != "string_pattern_mismatch":
                raise
            raise PydanticCustomError(TEXT_RULE, "not {noun}: {hint}", {"noun": self.noun, "hint": self.hint}) from None
        return valid
