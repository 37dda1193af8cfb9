"""Keeping secrets out of what is shown and kept, however they were written.

A secret is looked for in the forms that programs write it in (`written`), whole and in pieces: every run of `RUN` or
more characters of a form is masked, so what a cut leaves is masked too. Redaction runs on text that has passed
`text.plain`, for escape sequences and controls between its characters hide a secret from a search, not from a reader.
Compressed and encrypted data is not looked into: what is packed is scanned before it is packed.
"""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import shlex
import threading
from array import array
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote, urlsplit

from generator.text import plain

# What GitHub shows in place of a secret.
MASK: Final = "***"
# What is shorter cannot be told from ordinary words: masking "main" or "admin" would only destroy the text.
MIN_SECRET: Final = 6
# So many characters of a text, taken every so many characters, are looked up among all that secrets are made of.
PIECE: Final = 8
# A run that is this long holds one of those pieces wherever it begins. Shorter forms are masked only as a whole.
RUN: Final = 2 * PIECE
SCAN_BYTES: Final = 1024 * 1024
_LAST_SLOT: Final = (1 << 20) - 1

# Variables that hold secrets wherever they are set.
ALWAYS: Final = (
    "E2B_API_KEY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "NODE_AUTH_TOKEN",
    "NPM_TOKEN",
    "CARGO_REGISTRY_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)
# Variables whose URLs may hold a password.
URLS: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "E2B_API_URL", "E2B_SANDBOX_URL")

# Characters without width that `plain` leaves, because scripts and emoji need them.
_INVISIBLE: Final = re.compile(r"[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u2060-\u2065\ufe00-\ufe0f\ufeff]")
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_JSON_ESCAPE: Final = re.compile(r'\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]')


def secrets_of(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the secrets of a process: the values of these variables, of those that always are, and URLs' passwords."""
    found = {name: environment[name] for name in (*ALWAYS, *names) if environment.get(name)}
    for name in (*URLS, *(name.lower() for name in URLS)):
        if password := _password(environment.get(name, "")):
            found[f"the password in {name}"] = unquote(password)
            if "%" in password:
                found[f"the password in {name}, as it is written there"] = password
    return found


def _password(url: str) -> str | None:
    """Return the password of a URL, or the user name where a token stands alone; a proxy's scheme may be missing."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return None
    return parts.password or parts.username


@dataclass(frozen=True)
class _Index:
    """The forms of all secrets one after the other, and where in them a piece stands.

    `heads` has, by the hash of a piece, the last place where it begins, and `earlier` the one before each place: the
    hash chains of LZ77. They take 5 bytes a character where a dict takes 200. Place 0 is none.
    """

    text: str = "\0"
    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    heads: array[int] = field(default_factory=lambda: array("I", bytes(4 * _LAST_SLOT + 4)))
    earlier: array[int] = field(default_factory=lambda: array("I", [0]))
    short: tuple[int, ...] = ()  # the forms that hold no piece for certain


class _Run(NamedTuple):
    """A run of a text that is a run of a form."""

    start: int
    end: int
    form: int
    place: int  # where the run begins in the index


class Redactor:
    """Replaces secrets in text; safe to use from many threads, also while secrets are added.

    Nothing is ever taken back: a name may stand for several secrets. `too_short` has the names of those that are
    shorter than `MIN_SECRET` characters and therefore not looked for.
    """

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._known: set[tuple[str, str]] = set()
        self._index = _Index()
        self._lock = threading.Lock()
        for name, secret in (secrets or {}).items():
            self.add(name, secret)

    def add(self, name: str, secret: str) -> None:
        """Know one more secret from now on."""
        with self._lock:
            if (name, secret) not in self._known:
                self._known.add((name, secret))
                self._index = _with(self._index, name, secret)

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
        visible = _INVISIBLE.sub("", masked)
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
            for run in _runs(index, text):
                if _is_long(index, run):
                    covered[run.form].update(range(run.place, run.place + run.end - run.start))
            rest = text[-2 * RUN :]
        forms = (form for form, at in covered.items() if 2 * len(at) >= index.ends[form] - index.begins[form])
        return tuple(sorted({index.names[form] for form in forms}))


def _with(index: _Index, name: str, secret: str) -> _Index:
    """Return the index with one more secret; one that is too short adds nothing."""
    if len(secret.strip()) < MIN_SECRET:
        return index
    forms = sorted(form for form in written(secret) if len(form) >= MIN_SECRET)
    heads, earlier, first = index.heads[:], index.earlier[:], len(index.begins)
    begins, ends = list(index.begins), list(index.ends)
    for form in forms:
        begins.append(len(earlier))
        for at in range(len(form) - PIECE + 1):
            slot = hash(form[at : at + PIECE]) & _LAST_SLOT
            earlier.append(heads[slot])
            heads[slot] = len(earlier) - 1
        earlier.extend([0] * min(len(form), PIECE - 1))
        ends.append(len(earlier))
    short = (first + number for number, form in enumerate(forms) if len(form) < RUN)
    names = (*index.names, *[name] * len(forms))
    text = index.text + "".join(forms)
    return _Index(text, tuple(begins), tuple(ends), names, heads, earlier, (*index.short, *short))


def _masked(index: _Index, text: str) -> str:
    spans = {(run.start, run.end) for run in _runs(index, text) if _is_long(index, run) or _is_cut(index, run, text)}
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


def _is_long(index: _Index, run: _Run) -> bool:
    return run.end - run.start >= min(RUN, index.ends[run.form] - index.begins[run.form])


def _is_cut(index: _Index, run: _Run, text: str) -> bool:
    """Whether the text begins with the end of a form, or ends with the beginning of one, as where a line was cut."""
    last = run.place + run.end - run.start
    return (run.start == 0 and last == index.ends[run.form]) or (
        run.end == len(text) and run.place == index.begins[run.form]
    )


def _runs(index: _Index, text: str) -> Iterator[_Run]:
    """Yield every run of at least `PIECE` characters that can matter, as long as text and form agree."""
    heads, last = index.heads, len(text) - PIECE
    # What a cut leaves at an edge may be too short to hold one of the pieces that are taken at equal distances.
    edges = (range(1, min(PIECE, last + 1)), range(max(PIECE, last - PIECE), last + 1))
    places = itertools.chain(range(0, last + 1, PIECE), *edges)
    hits = [at for at in places if heads[hash(text[at : at + PIECE]) & _LAST_SLOT]]
    reached: dict[int, int] = {}
    for at in sorted(hits):
        piece = text[at : at + PIECE]
        place = heads[hash(piece) & _LAST_SLOT]
        while place:
            # A run that was followed from an earlier piece on is not followed again.
            if index.text.startswith(piece, place) and reached.get(place - at, 0) <= at:
                run = _extended(index, text, at, place)
                reached[place - at] = run.end
                yield run
            place = index.earlier[place]
    for form in index.short:
        begin, end = index.begins[form], index.ends[form]
        at = text.find(index.text[begin:end])
        while at >= 0:
            yield _Run(at, at + end - begin, form, begin)
            at = text.find(index.text[begin:end], at + 1)


def _extended(index: _Index, text: str, at: int, place: int) -> _Run:
    form = bisect(index.begins, place) - 1
    forms, begin, end = index.text, index.begins[form], index.ends[form]
    start, first = at, place
    while first > begin and start > 0 and text[start - 1] == forms[first - 1]:
        start, first = start - 1, first - 1
    stop, after = at + PIECE, place + PIECE
    while after < end and stop < len(text) and text[stop] == forms[after]:
        stop, after = stop + 1, after + 1
    return _Run(start, stop, form, first)


def written(secret: str) -> set[str]:
    """Return the ways in which programs write a string, without the white space around it.

    A part of the string is written as a part of the whole, so that of several lines only those need forms of their own
    that are too short to be found as a part.
    """
    raw = secret.strip().encode("utf-8", "surrogateescape")
    said = raw.decode("utf-8", "replace")
    lines = {line for line in map(str.strip, said.splitlines()) if PIECE <= len(line) < RUN}
    joined = {plain(said), " ".join(said.split()), "".join(said.splitlines()), _INVISIBLE.sub("", said)}
    once = {form.encode() for form in _base64(raw)} | {base64.encodebytes(data) for data in (raw, raw + b"\n")}
    twice = {form for data in once for form in _base64(data)}
    forms = {said, *lines, *joined, said[::-1], *_base64(raw), *_base64(raw + b"\n"), *twice, raw.decode("latin-1")}
    forms |= _spelled(raw, said) | _quoted(raw, said) | _in_urls(said) | _in_html(said)
    # A file is read byte by byte, and sometimes text is, too.
    forms |= {form.encode("utf-8", "replace").decode("latin-1") for form in forms if not form.isascii()}
    return forms | {said.encode(f"utf-16-{order}").decode("latin-1") for order in ("le", "be")}


def _base64(data: bytes) -> set[str]:
    """Return data's base64 as it is and without what depends on what stands around it, in both alphabets."""
    forms = {base64.b64encode(data).decode()}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        # The first characters also carry bits of what stands before, the last ones of what follows.
        forms.add(whole[(0, 2, 3)[shift] : len(whole) - ((shift + len(data)) % 3 > 0)])
    return forms | {form.replace("+", "-").replace("/", "_") for form in forms}


def _spelled(raw: bytes, said: str) -> set[str]:
    """Return the forms that write every character as a number: dumps, byte arrays and escapes."""
    forms = {separator.join(map(str, raw)) for separator in (" ", ", ", ",")}
    octal = [f"{byte:03o}" for byte in raw]
    forms |= {" ".join(octal), "".join(rf"\{byte}" for byte in octal)}
    forms |= {"   ".join(said), "".join(f"&#{ord(char)};" for char in said)}
    units = said.encode("utf-16-be").hex("-", 2).split("-")
    for case in "xX":
        pairs = [f"{byte:02{case}}" for byte in raw]
        forms |= {separator.join(pairs) for separator in ("", " ", ":", "-", ", 0x")}
        forms |= {"".join(prefix + pair for pair in pairs) for prefix in (r"\x", "%")}
        forms.add("".join(rf"\u{unit if case == 'x' else unit.upper()}" for unit in units))
        forms.add("".join(f"&#x{ord(char):{case}};" for char in said))
        for first in range(2):
            words = list(zip(pairs[first::2], pairs[first + 1 :: 2], strict=False))
            forms |= {" ".join(map("".join, words)), " ".join(low + high for high, low in words)}
    return forms


def _quoted(raw: bytes, said: str) -> set[str]:
    """Return the forms of shells' quotes and of string literals, JSON's also inside of JSON."""
    forms = {json.dumps(said, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms |= {re.sub(r"(?<=\\u)\w{4}", lambda found: found[0].upper(), form) for form in forms}
    forms |= {form.replace("/", r"\/") for form in forms}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    forms |= {said.replace("'", r"'\''"), shlex.quote(said)[1:-1], said.replace("'", r"\'")}
    forms |= {re.sub(r"([^\w@%+=:,./-])", r"\\\1", said), re.sub(r'([$`"\\!])', r"\\\1", said)}
    names = {**{byte: f"\\{byte:03o}" for byte in (*range(32), *range(127, 256))}, 9: r"\t", 10: r"\n", 13: r"\r"}
    ansi_c = "".join(names.get(byte, chr(byte)) for byte in raw.replace(b"\\", rb"\\"))
    return forms | {ansi_c, ansi_c.replace("'", r"\'"), repr(said)[1:-1], repr(raw)[2:-1]}


def _in_urls(said: str) -> set[str]:
    forms = {quote(said, safe=safe) for safe in ("", "/", "!'()*", ";,/?:@&=+$#!'()*")} | {quote_plus(said)}
    return forms | {re.sub("%..", lambda found: found[0].lower(), form) for form in forms}


def _in_html(said: str) -> set[str]:
    escaped = html.escape(said)
    return {html.escape(said, quote=False), escaped, escaped.replace("&#x27;", "&#39;"), html.escape(escaped)}
