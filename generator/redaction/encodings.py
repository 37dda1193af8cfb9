"""Encodings of a string that programs commonly write: plain, base64, escaped, quoted, and as numbers."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import Final
from urllib.parse import quote, quote_plus

from generator.text import plain

# Every 8th position of a text, an n-gram of 8 characters is looked up in the index of the secrets.
NGRAM_LENGTH: Final = 8
# A match of this length contains one of these n-grams at any offset. Shorter encodings are masked only as a whole.
MIN_MATCH_LENGTH: Final = 2 * NGRAM_LENGTH
# Characters without width that `plain` keeps, because scripts and emoji need them.
INVISIBLE: Final = re.compile(r"[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u2060-\u2065\ufe00-\ufe0f\ufeff]")


def encodings(secret: str) -> set[str]:
    """Return the encodings of a string, without the white space around it.

    The encoding of a part is a part of the whole encoding. Only lines that are too short for such a match are added.
    """
    raw = secret.strip().encode("utf-8", "surrogateescape")
    text = raw.decode("utf-8", "replace")
    lines = {line for line in map(str.strip, text.splitlines()) if NGRAM_LENGTH <= len(line) < MIN_MATCH_LENGTH}
    joined = {plain(text), " ".join(text.split()), INVISIBLE.sub("", text)}
    joined |= {each.join(parts) for parts in (text.splitlines(), text.split("\n")) for each in ("", " ", "\r\n")}
    once = {form.encode() for form in _base64(raw)} | {base64.encodebytes(data) for data in (raw, raw + b"\n")}
    twice = {form for data in once for form in _base64(data)}
    forms = {text, *lines, *joined, text[::-1], *_base64(raw), *_base64(raw + b"\n"), *twice, raw.decode("latin-1")}
    forms |= _as_numbers(raw, text) | _as_literals(raw, text) | _as_url_parts(text) | _as_html(text)
    # Files are searched as Latin-1, and some programs also write text that way.
    forms |= {form.encode("utf-8", "replace").decode("latin-1") for form in forms if not form.isascii()}
    return forms | {text.encode(f"utf-16-{order}").decode("latin-1") for order in ("le", "be")}


def _base64(data: bytes) -> set[str]:
    """Return data's base64, whole and as it appears inside longer data, in both alphabets."""
    forms = {base64.b64encode(data).decode()}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        # The first characters also carry bits of the preceding data, the last one of the following data.
        forms.add(whole[(0, 2, 3)[shift] : len(whole) - ((shift + len(data)) % 3 > 0)])
    return forms | {form.replace("+", "-").replace("/", "_") for form in forms}


def _as_numbers(raw: bytes, text: str) -> set[str]:
    """Return the encodings with a number for every character: dumps, byte arrays and escapes."""
    forms = {separator.join(map(str, raw)) for separator in (" ", ", ", ",")}
    octal = [f"{byte:03o}" for byte in raw]
    forms |= {" ".join(octal), "".join(rf"\{byte}" for byte in octal)}
    forms |= {"   ".join(text), "".join(f"&#{ord(char)};" for char in text)}
    units = text.encode("utf-16-be").hex("-", 2).split("-")
    for case in "xX":
        pairs = [f"{byte:02{case}}" for byte in raw]
        forms |= {separator.join(pairs) for separator in ("", " ", ":", "-", ", 0x")}
        forms |= {"".join(prefix + pair for pair in pairs) for prefix in (r"\x", "%")}
        forms.add("".join(rf"\u{unit if case == 'x' else unit.upper()}" for unit in units))
        forms.add("".join(f"&#x{ord(char):{case}};" for char in text))
        for first in range(2):
            words = list(zip(pairs[first::2], pairs[first + 1 :: 2], strict=False))
            forms |= {" ".join(map("".join, words)), " ".join(low + high for high, low in words)}
    return forms


def _as_literals(raw: bytes, text: str) -> set[str]:
    """Return the quoted forms of shells and of string literals, also JSON inside JSON."""
    forms = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    forms |= {re.sub(r"(?<=\\u)\w{4}", lambda found: found[0].upper(), form) for form in forms}
    forms |= {form.replace("/", r"\/") for form in forms}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    forms |= {text.replace("'", r"'\''"), shlex.quote(text)[1:-1], text.replace("'", r"\'")}
    forms |= {re.sub(r"([^\w@%+=:,./-])", r"\\\1", text), re.sub(r'([$`"\\!])', r"\\\1", text)}
    names = {**{byte: f"\\{byte:03o}" for byte in (*range(32), *range(127, 256))}, 9: r"\t", 10: r"\n", 13: r"\r"}
    ansi_c = "".join(names.get(byte, chr(byte)) for byte in raw.replace(b"\\", rb"\\"))
    return forms | {ansi_c, ansi_c.replace("'", r"\'"), repr(text)[1:-1], repr(raw)[2:-1]}


def _as_url_parts(text: str) -> set[str]:
    forms = {quote(text, safe=safe) for safe in ("", "/", "!'()*", ";,/?:@&=+$#!'()*")} | {quote_plus(text)}
    return forms | {re.sub("%..", lambda found: found[0].lower(), form) for form in forms}


def _as_html(text: str) -> set[str]:
    escaped = html.escape(text)
    return {html.escape(text, quote=False), escaped, escaped.replace("&#x27;", "&#39;"), html.escape(escaped)}
