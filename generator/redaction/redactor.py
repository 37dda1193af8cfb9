"""The redactor: replaces secrets in text, and finds them in files."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import BinaryIO, Final

from generator.redaction.encodings import INVISIBLE, MIN_MATCH_LENGTH
from generator.redaction.matching import MIN_SECRET, Index, add_secret, find_matches, is_long_enough, is_truncated

# GitHub shows the same text in place of a secret.
MASK: Final = "***"
SCAN_BYTES: Final = 1024 * 1024

_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_JSON_ESCAPE: Final = re.compile(r'\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]')


class Redactor:
    """Replaces secrets in text; safe to use from many threads, also while secrets are added.

    Secrets are never removed, and several may share a name.
    """

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._secrets: set[tuple[str, str]] = set()
        self._index = Index()
        self._lock = threading.Lock()
        for name, secret in (secrets or {}).items():
            self.add(name, secret)

    def add(self, name: str, secret: str) -> None:
        """Add a secret."""
        with self._lock:
            if (name, secret) not in self._secrets:
                self._secrets.add((name, secret))
                self._index = add_secret(self._index, name, secret)

    @property
    def too_short(self) -> tuple[str, ...]:
        """The names of secrets that are shorter than `MIN_SECRET` and are therefore not replaced."""
        with self._lock:
            return tuple(sorted({name for name, secret in self._secrets if len(secret.strip()) < MIN_SECRET}))

    def __call__(self, text: str) -> str:
        """Return the text with every secret replaced by the mask; all other text stays."""
        index = self._index
        masked = _mask(index, text)
        if masked.isascii():
            return masked
        visible = INVISIBLE.sub("", masked)
        masked_visible = _mask(index, visible)
        return masked if masked_visible == visible else masked_visible

    def in_json(self, text: str) -> str:
        """Return a JSON text with the secrets in its strings replaced; structure and numbers stay."""
        return _JSON_STRING.sub(lambda found: f'"{self(found[1])}"', text)

    def names_in(self, stream: BinaryIO) -> tuple[str, ...]:
        """Return the names of the secrets that are in a file, read block by block.

        A secret counts as found when at least half of one encoding is there. Less is often harmless: the first line of
        a PEM key is in every program that reads keys, and URLs share their beginnings.
        """
        index, rest = self._index, ""
        covered = defaultdict[int, set[int]](set)
        while index.names and (block := stream.read(SCAN_BYTES)):
            # Latin-1 gives one character per byte, so binary data is searched too.
            text = rest + block.decode("latin-1")
            for match in find_matches(index, text):
                if is_long_enough(index, match):
                    covered[match.form].update(
                        range(match.index_position, match.index_position + match.end - match.start)
                    )
            rest = text[-2 * MIN_MATCH_LENGTH :]
        forms = (form for form, at in covered.items() if 2 * len(at) >= index.ends[form] - index.starts[form])
        return tuple(sorted({index.names[form] for form in forms}))


def _mask(index: Index, text: str) -> str:
    spans = {
        (match.start, match.end)
        for match in find_matches(index, text)
        if is_long_enough(index, match) or is_truncated(index, match, text)
    }
    if not spans:
        return text
    # Half of an escape sequence would break a JSON text, so the whole sequence is masked.
    edges = {edge for span in spans for edge in span}
    escapes = (found.span() for found in _JSON_ESCAPE.finditer(text))
    spans |= {escape for escape in escapes if not edges.isdisjoint(range(escape[0] + 1, escape[1]))}
    parts, at = list[str](), -1
    for start, end in sorted(spans):
        if start > at:
            parts += [text[max(at, 0) : start], MASK]
        at = max(at, end)
    return "".join((*parts, text[at:]))
