"""The search for parts of secrets in a text, with an index of all encodings of all secrets."""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from generator.redaction.encodings import MIN_MATCH_LENGTH, NGRAM_LENGTH, encodings

# Shorter secrets look like ordinary words: masking "main" or "admin" would destroy the text.
MIN_SECRET: Final = 6
_LAST_SLOT: Final = (1 << 20) - 1


@dataclass(frozen=True)
class Index:
    """The concatenated encodings of all secrets, with the positions of their n-grams as the hash chains of LZ77.

    `heads` maps the hash of an n-gram to its last position, `previous` each position to the one before it. Position 0
    ends a chain. The chains take 5 bytes a character, and a dict takes 200.
    """

    text: str = "\0"
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    heads: array[int] = field(default_factory=lambda: array("I", bytes(4 * _LAST_SLOT + 4)))
    previous: array[int] = field(default_factory=lambda: array("I", [0]))
    short_forms: tuple[int, ...] = ()  # encodings that may contain none of the sampled n-grams


class Match(NamedTuple):
    """A part of a text that is equal to a part of an encoding."""

    start: int
    end: int
    form: int
    index_position: int  # start of the match in the index


def add_secret(index: Index, name: str, secret: str) -> Index:
    """Return the index with one more secret; a secret that is too short adds nothing."""
    if len(secret.strip()) < MIN_SECRET:
        return index
    forms = sorted(form for form in encodings(secret) if len(form) >= MIN_SECRET)
    heads, previous, first = index.heads[:], index.previous[:], len(index.starts)
    starts, ends = list(index.starts), list(index.ends)
    for form in forms:
        starts.append(len(previous))
        for at in range(len(form) - NGRAM_LENGTH + 1):
            slot = hash(form[at : at + NGRAM_LENGTH]) & _LAST_SLOT
            previous.append(heads[slot])
            heads[slot] = len(previous) - 1
        previous.extend([0] * min(len(form), NGRAM_LENGTH - 1))
        ends.append(len(previous))
    short = (first + number for number, form in enumerate(forms) if len(form) < MIN_MATCH_LENGTH)
    names = (*index.names, *[name] * len(forms))
    text = index.text + "".join(forms)
    return Index(text, tuple(starts), tuple(ends), names, heads, previous, (*index.short_forms, *short))


def is_long_enough(index: Index, match: Match) -> bool:
    """Return whether a match is long enough to be masked at any position."""
    return match.end - match.start >= min(MIN_MATCH_LENGTH, index.ends[match.form] - index.starts[match.form])


def is_truncated(index: Index, match: Match, text: str) -> bool:
    """Return whether a match is the end of an encoding at the text's start, or its start at the text's end.

    This happens when a long line is split inside a secret.
    """
    last = match.index_position + match.end - match.start
    return (match.start == 0 and last == index.ends[match.form]) or (
        match.end == len(text) and match.index_position == index.starts[match.form]
    )


def find_matches(index: Index, text: str) -> Iterator[Match]:
    """Yield the longest matches of at least `NGRAM_LENGTH` characters, each extended in both directions."""
    heads, last = index.heads, len(text) - NGRAM_LENGTH
    # A truncated secret at an edge may be too short to contain one of the sampled n-grams.
    edges = (range(1, min(NGRAM_LENGTH, last + 1)), range(max(NGRAM_LENGTH, last - NGRAM_LENGTH), last + 1))
    positions = itertools.chain(range(0, last + 1, NGRAM_LENGTH), *edges)
    hits = [at for at in positions if heads[hash(text[at : at + NGRAM_LENGTH]) & _LAST_SLOT]]
    reached: dict[int, int] = {}
    for at in sorted(hits):
        ngram = text[at : at + NGRAM_LENGTH]
        position = heads[hash(ngram) & _LAST_SLOT]
        while position:
            # A match that was extended from an earlier n-gram is not extended again.
            if index.text.startswith(ngram, position) and reached.get(position - at, 0) <= at:
                match = _extend_match(index, text, at, position)
                reached[position - at] = match.end
                yield match
            position = index.previous[position]
    for form in index.short_forms:
        begin, end = index.starts[form], index.ends[form]
        at = text.find(index.text[begin:end])
        while at >= 0:
            yield Match(at, at + end - begin, form, begin)
            at = text.find(index.text[begin:end], at + 1)


def _extend_match(index: Index, text: str, at: int, position: int) -> Match:
    form = bisect(index.starts, position) - 1
    forms, begin, end = index.text, index.starts[form], index.ends[form]
    start, first = at, position
    while first > begin and start > 0 and text[start - 1] == forms[first - 1]:
        start, first = start - 1, first - 1
    stop, after = at + NGRAM_LENGTH, position + NGRAM_LENGTH
    while after < end and stop < len(text) and text[stop] == forms[after]:
        stop, after = stop + 1, after + 1
    return Match(start, stop, form, first)
