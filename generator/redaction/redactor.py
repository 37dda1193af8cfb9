"""Replacing secrets in text, and finding them in files."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import BinaryIO, Final

from generator.redaction.encodings import INVISIBLE, MIN_MATCH_LENGTH
from generator.redaction.matching import MIN_SECRET, Index, add_secret, find_matches, is_long_enough, is_truncated

# What GitHub shows in place of a secret.
MASK: Final = "***"
SCAN_BYTES: Final = 1024 * 1024

_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_JSON_ESCAPE: Final = re.compile(r'\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]')


class Redactor:
    """Replaces secrets in text; safe to use from many threads, also while secrets are added.

    Nothing is ever taken back: a name may stand for several secrets. `too_short` has the names of those that are
    shorter than `MIN_SECRET` characters and therefore not looked for.
    """

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._known: set[tuple[str, str]] = set()
        self._index = Index()
        self._lock = threading.Lock()
        for name, secret in (secrets or {}).items():
            self.add(name, secret)

    def add(self, name: str, secret: str) -> None:
        """Know one more secret from now on."""
        with self._lock:
            if (name, secret) not in self._known:
                self._known.add((name, secret))
                self._index = add_secret(self._index, name, secret)

    @property
    def too_short(self) -> tuple[str, ...]:
        """The names of secrets that cannot be replaced without destroying the text."""
        with self._lock:
            return tuple(sorted({name for name, secret in self._known if len(secret.strip()) < MIN_SECRET}))

    def __call__(self, text: str) -> str:
        """Return the text with every secret in it replaced by the mask; what is no secret stays as it is."""
        index = self._index
        masked = _masked(index, text)
        if masked.isascii():
            return masked
        visible = INVISIBLE.sub("", masked)
        seen = _masked(index, visible)
        return masked if seen == visible else seen

    def in_json(self, text: str) -> str:
        """Return a JSON text with the secrets in its strings replaced; its structure and its numbers stay."""
        return _JSON_STRING.sub(lambda found: f'"{self(found[1])}"', text)

    def names_in(self, stream: BinaryIO) -> tuple[str, ...]:
        """Return the names of the secrets that are in a file, read piece by piece.

        A secret is there when at least half of one of its forms is: the first line of a PEM key is in every program
        that reads keys, and the beginnings of two URLs are often the same.
        """
        index, rest = self._index, ""
        covered = defaultdict[int, set[int]](set)
        while index.names and (block := stream.read(SCAN_BYTES)):
            # One character per byte: no text is lost in what is none.
            text = rest + block.decode("latin-1")
            for run in find_matches(index, text):
                if is_long_enough(index, run):
                    covered[run.form].update(range(run.index_position, run.index_position + run.end - run.start))
            rest = text[-2 * MIN_MATCH_LENGTH :]
        forms = (form for form, at in covered.items() if 2 * len(at) >= index.ends[form] - index.starts[form])
        return tuple(sorted({index.names[form] for form in forms}))


def _masked(index: Index, text: str) -> str:
    spans = {
        (run.start, run.end)
        for run in find_matches(index, text)
        if is_long_enough(index, run) or is_truncated(index, run, text)
    }
    if not spans:
        return text
    # Half an escape would make the rest of a JSON text something else, or nothing.
    edges = {edge for span in spans for edge in span}
    escapes = (found.span() for found in _JSON_ESCAPE.finditer(text))
    spans |= {escape for escape in escapes if not edges.isdisjoint(range(escape[0] + 1, escape[1]))}
    parts, at = list[str](), -1
    for start, end in sorted(spans):
        if start > at:
            parts += [text[max(at, 0) : start], MASK]
        at = max(at, end)
    return "".join((*parts, text[at:]))
