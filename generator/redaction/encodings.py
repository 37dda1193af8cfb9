"""The forms in which programs write a string: whole, encoded, escaped, and as numbers."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import Final
from urllib.parse import quote, quote_plus

from generator.text import plain

# So many characters of a text, taken every so many characters, are looked up among all that secrets are made of.
NGRAM_LENGTH: Final = 8
# A run that is this long holds one of those pieces wherever it begins. Shorter forms are masked only as a whole.
MIN_MATCH_LENGTH: Final = 2 * NGRAM_LENGTH
# Characters without width that `plain` leaves, because scripts and emoji need them.
INVISIBLE: Final = re.compile(r"[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u2060-\u2065\ufe00-\ufe0f\ufeff]")


def encodings(secret: str) -> set[str]:
    """Return the ways in which programs write a string, without the white space around it.

    A part of the string is written as a part of the whole, so that of several lines only those need forms of their own
    that are too short to be found as a part.
    """
    raw = secret.strip().encode("utf-8", "surrogateescape")
    said = raw.decode("utf-8", "replace")
    lines = {line for line in map(str.strip, said.splitlines()) if NGRAM_LENGTH <= len(line) < MIN_MATCH_LENGTH}
    joined = {plain(said), " ".join(said.split()), "".join(said.splitlines()), INVISIBLE.sub("", said)}
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
