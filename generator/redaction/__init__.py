"""Keeping secrets out of what is shown and kept, however they were written.

A secret is looked for in the forms that programs write it in (`written`), whole and in pieces: every run of `RUN` or
more characters of a form is masked, so what a cut leaves is masked too. Redaction runs on text that has passed
`text.plain`, for escape sequences and controls between its characters hide a secret from a search, not from a reader.
Compressed and encrypted data is not looked into: what is packed is scanned before it is packed.
"""

from generator.redaction.matching import MIN_SECRET
from generator.redaction.redactor import MASK, SCAN_BYTES, Redactor
from generator.redaction.secrets import secrets_in_environment

__all__ = ["MASK", "MIN_SECRET", "SCAN_BYTES", "Redactor", "secrets_in_environment"]
