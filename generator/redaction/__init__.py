"""Redaction of secrets in logs, reports and packages, in every encoding that programs commonly write.

The search covers the encodings of a secret (`encodings`) and parts of them: `MIN_MATCH_LENGTH` or more characters of
an encoding are masked. Text passes `text.plain` first, because control characters inside a secret hide it from a
search. Compressed and encrypted data is not searched: files are scanned before they are packed.
"""

from generator.redaction.matching import MIN_SECRET
from generator.redaction.redactor import MASK, SCAN_BYTES, Redactor
from generator.redaction.secrets import secrets_in_environment

__all__ = ["MASK", "MIN_SECRET", "SCAN_BYTES", "Redactor", "secrets_in_environment"]
