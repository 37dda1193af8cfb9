"""Where pieces of secrets are in a text: an index of every form of every secret, and runs of it that a text shares."""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from generator.redaction.encodings import MIN_MATCH_LENGTH, NGRAM_LENGTH, encodings

# What is shorter cannot be told from ordinary words: masking "main" or "admin" would only destroy the text.
MIN_SECRET: Final = 6
_LAST_SLOT: Final = (1 << 20) - 1


@dataclass(frozen=True)
class Index:
    """The forms of all secrets one after the other, and where in them a piece stands.

    `heads` has, by the hash of a piece, the last place where it begins, and `earlier` the one before each place: the
    hash chains of LZ77. They take 5 bytes a character where a dict takes 200. Place 0 is none.
    """

    text: str = "\0"
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    heads: array[int] = field(default_factory=lambda: array("I", bytes(4 * _LAST_SLOT + 4)))
    previous: array[int] = field(default_factory=lambda: array("I", [0]))
    short_forms: tuple[int, ...] = ()  # the forms that hold no piece for certain


class Match(NamedTuple):
    """A run of a text that is a run of a form."""

    start: int
    end: int
    form: int
    index_position: int  # where the run begins in the index


def add_secret(index: Index, name: str, secret: str) -> Index:
    """Return the index with one more secret; one that is too short adds nothing."""
    if len(secret.strip()) < MIN_SECRET:
        return index
    forms = sorted(form for form in encodings(secret) if len(form) >= MIN_SECRET)
    heads, earlier, first = index.heads[:], index.previous[:], len(index.starts)
    begins, ends = list(index.starts), list(index.ends)
    for form in forms:
        begins.append(len(earlier))
        for at in range(len(form) - NGRAM_LENGTH + 1):
            slot = hash(form[at : at + NGRAM_LENGTH]) & _LAST_SLOT
            earlier.append(heads[slot])
            heads[slot] = len(earlier) - 1
        earlier.extend([0] * min(len(form), NGRAM_LENGTH - 1))
        ends.append(len(earlier))
    short = (first + number for number, form in enumerate(forms) if len(form) < MIN_MATCH_LENGTH)
    names = (*index.names, *[name] * len(forms))
    text = index.text + "".join(forms)
    return Index(text, tuple(begins), tuple(ends), names, heads, earlier, (*index.short_forms, *short))


def is_long_enough(index: Index, run: Match) -> bool:
    """Whether a run is long enough to be masked wherever it stands."""
    return run.end - run.start >= min(MIN_MATCH_LENGTH, index.ends[run.form] - index.starts[run.form])


def is_truncated(index: Index, run: Match, text: str) -> bool:
    """Whether the text begins with the end of a form, or ends with the beginning of one, as where a line was cut."""
    last = run.index_position + run.end - run.start
    return (run.start == 0 and last == index.ends[run.form]) or (
        run.end == len(text) and run.index_position == index.starts[run.form]
    )


def find_matches(index: Index, text: str) -> Iterator[Match]:
    """Yield every run of at least `PIECE` characters that can matter, as long as text and form agree."""
    heads, last = index.heads, len(text) - NGRAM_LENGTH
    # What a cut leaves at an edge may be too short to hold one of the pieces that are taken at equal distances.
    edges = (range(1, min(NGRAM_LENGTH, last + 1)), range(max(NGRAM_LENGTH, last - NGRAM_LENGTH), last + 1))
    places = itertools.chain(range(0, last + 1, NGRAM_LENGTH), *edges)
    hits = [at for at in places if heads[hash(text[at : at + NGRAM_LENGTH]) & _LAST_SLOT]]
    reached: dict[int, int] = {}
    for at in sorted(hits):
        piece = text[at : at + NGRAM_LENGTH]
        place = heads[hash(piece) & _LAST_SLOT]
        while place:
            # A run that was followed from an earlier piece on is not followed again.
            if index.text.startswith(piece, place) and reached.get(place - at, 0) <= at:
                run = _extended(index, text, at, place)
                reached[place - at] = run.end
                yield run
            place = index.previous[place]
    for form in index.short_forms:
        begin, end = index.starts[form], index.ends[form]
        at = text.find(index.text[begin:end])
        while at >= 0:
            yield Match(at, at + end - begin, form, begin)
            at = text.find(index.text[begin:end], at + 1)


def _extended(index: Index, text: str, at: int, place: int) -> Match:
    form = bisect(index.starts, place) - 1
    forms, begin, end = index.text, index.starts[form], index.ends[form]
    start, first = at, place
    while first > begin and start > 0 and text[start - 1] == forms[first - 1]:
        start, first = start - 1, first - 1
    stop, after = at + NGRAM_LENGTH, place + NGRAM_LENGTH
    while after < end and stop < len(text) and text[stop] == forms[after]:
        stop, after = stop + 1, after + 1
    return Match(start, stop, form, first)
