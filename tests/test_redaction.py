"""Redaction: no known secret is readable in logs, reports or packages, in any encoding."""

from __future__ import annotations

import base64
import html
import io
import json
import random
import re
import shlex
import subprocess
import textwrap
import threading
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.redaction import MASK, SCAN_BYTES, Redactor, secrets_in_environment
from generator.sandboxes.contract import MAX_LINE
from generator.sandboxes.lines import LineSplitter
from generator.text import plain

# Made up with a fixed seed: what looks like a token must not look like anybody's.
LETTERS = random.Random(7)  # noqa: S311
TOKEN = "tok_" + "".join(LETTERS.choices("abcdefghijkmnopqrstuvwxyzABCDEFGH23456789", k=36))
KEY_LINES = ["".join(LETTERS.choices("ABCDEFGHIJKLMabcdefghijklm0123456789+/", k=64)) for _ in range(4)]
KEY = "\n".join(("-----BEGIN TEST KEY-----", *KEY_LINES, "x8Kf+Qz9Lw==", "-----END TEST KEY-----")) + "\n"
ODD = "pä$$'w\"ö`rd\\ /<&>漢字😀%+#\tEnd!{0}~z\\n"
SHORT = "kR9-pw/3x"
SECRETS = {"TOKEN": TOKEN, "KEY": KEY, "ODD": ODD, "SHORT": SHORT}
REDACT = Redactor(SECRETS)

Encode = Callable[[str], str]


def bytewise(form: str, separator: str = "") -> Encode:
    return lambda secret: separator.join(format(byte, form) for byte in secret.encode())


def base64_at(shift: int, tail: bytes = b"#") -> Encode:
    return lambda secret: base64.b64encode(b"/" * shift + secret.encode() + tail).decode()


def tool(*command: str) -> Encode:
    """Let the program encode that a build script would use."""
    return lambda secret: subprocess.check_output(command, input=secret.encode(), timeout=120).decode()


def bash(script: str) -> Encode:
    return lambda secret: subprocess.check_output(["bash", "-c", script, "bash", secret], timeout=120).decode()


def every_unit(secret: str) -> str:
    units = secret.encode("utf-16-be").hex("-", 2)
    return "".join(rf"\u{unit}" for unit in units.split("-"))


ENCODINGS: dict[str, Encode] = {
    "as it is": str,
    "without its last line break": lambda secret: secret.rstrip("\n"),
    "reversed": lambda secret: secret[::-1],
    "on one line": lambda secret: secret.replace("\n", " "),
    "lines joined": lambda secret: secret.replace("\n", ""),
    "with CR LF": lambda secret: secret.replace("\n", "\r\n"),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 without padding": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "base64 of a line": lambda secret: base64.b64encode(f"{secret}\n".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 for URLs, second": lambda secret: base64.urlsafe_b64encode(b"?" + secret.encode()).decode(),
    "base64 first of three": base64_at(0),
    "base64 second of three": base64_at(1),
    "base64 third of three": base64_at(2, b"#####"),
    "base64 in 60 columns": lambda secret: textwrap.fill(base64_at(1)(secret), 60),
    "base64 in 64 columns": tool("base64", "-w64"),
    "base64 in 76 columns": tool("base64"),
    "base64 of base64": lambda secret: base64.b64encode(base64.b64encode(secret.encode())).decode(),
    "base64 of base64 by the shell": lambda secret: tool("base64")(tool("base64")(secret)),
    "base64 of base64, shifted": lambda secret: base64_at(2)(base64_at(1)(secret)),
    "hexadecimal": bytewise("02x"),
    "HEXADECIMAL": bytewise("02X"),
    "hexadecimal with colons": bytewise("02x", ":"),
    "HEXADECIMAL with colons": bytewise("02X", ":"),
    "hexadecimal with spaces": bytewise("02x", " "),
    "hexadecimal for C": lambda secret: ", ".join(f"0x{byte:02x}" for byte in secret.encode()),
    "hexadecimal in pairs": lambda secret: secret.encode().hex(" ", -2),
    "hexadecimal in pairs, shifted": lambda secret: f"X{secret}".encode().hex(" ", -2),
    "od in bytes": tool("od", "-An", "-v", "-tx1"),
    "od in words": tool("od", "-An", "-v", "-tx2"),
    "od in octal bytes": tool("od", "-An", "-v", "-b"),
    "od in decimal bytes": lambda secret: " ".join(map(str, secret.encode())),
    "array of bytes": lambda secret: json.dumps(list(secret.encode())),
    "array of bytes, dense": lambda secret: json.dumps(list(secret.encode()), separators=(",", ":")),
    "URL": quote,
    "URL, strict": lambda secret: quote(secret, safe=""),
    "URL, like encodeURIComponent": lambda secret: quote(secret, safe="!'()*"),
    "URL, lower case": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "URL, every byte": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "url, every byte": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "JSON": json.dumps,
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON with escaped slashes": lambda secret: json.dumps(secret).replace("/", r"\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"a": secret})),
    "JSON in UTF-8 in JSON": lambda secret: json.dumps(json.dumps({"a": secret}, ensure_ascii=False)),
    "JSON, every character": every_unit,
    "JSON, EVERY CHARACTER": lambda secret: every_unit(secret).upper().replace("U", "u"),
    "HTML": html.escape,
    "HTML but for quotes": lambda secret: html.escape(secret, quote=False),
    "XML": lambda secret: html.escape(secret).replace("&#x27;", "&#39;"),
    "HTML, every character": lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    "HTML, every character in hexadecimal": lambda secret: "".join(f"&#x{ord(char):x};" for char in secret),
    "shell": lambda secret: "'" + secret.replace("'", r"'\''") + "'",
    "shell by Python": shlex.quote,
    "printf %q": bash('printf %q "$1"'),
    "printf %q in ASCII": bash('LC_ALL=C printf %q "$1"'),
    "@Q": bash('echo "${1@Q}"'),
    "set -x": bash('exec 2>&1; set -x; : "$1"'),
    "octal": lambda secret: "".join(rf"\{byte:03o}" for byte in secret.encode()),
    r"\x": lambda secret: "".join(rf"\x{byte:02x}" for byte in secret.encode()),
    r"\X": lambda secret: "".join(rf"\x{byte:02X}" for byte in secret.encode()),
    "string of Python": repr,
    "bytes of Python": lambda secret: repr(secret.encode()),
    "UTF-8 taken for Latin-1": lambda secret: secret.encode().decode("latin-1"),
}

# No piece of this length may remain, of a secret or of one of its forms.
PIECE = 16


def remaining(form: str, text: str) -> set[str]:
    """Return the pieces of a form that a text still contains; white space around the form is ignored."""
    form = form.strip()
    return {piece for at in range(max(1, len(form) - PIECE + 1)) if (piece := form[at : at + PIECE]) in text}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_no_piece_of_any_form_of_a_secret_is_left(encode: Encode, secret: str) -> None:
    form = encode(secret)
    for text in (form, f"the value is {form}, as I said", form.replace("\n", " ")):
        seen = REDACT(text)
        assert MASK in seen
        assert remaining(secret, seen) == set()
        # What the encoding wrote around the secret, such as quotes, may be in no piece that counts.
        assert {piece for piece in remaining(form, seen) if MASK not in piece and len(piece) >= PIECE} == set()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_the_lines_of_a_log_hold_no_piece_either(encode: Encode, secret: str) -> None:
    form = encode(secret)
    shown: list[str] = []
    lines = LineSplitter(lambda line: shown.append(REDACT(plain(line))))
    lines.feed(f"before\n{form}\nafter\n".encode())
    assert (shown[0], shown[-1]) == ("before", "after")
    assert MASK in " ".join(shown)
    for form_line in (secret, *form.splitlines()):
        assert {piece for line in shown for piece in remaining(form_line, line) if len(piece) == PIECE} == set()
    assert not any(line.strip() in "\n".join(shown) for line in secret.splitlines() if len(line) >= 8)


@pytest.mark.parametrize("at", range(1, len(TOKEN)))
def test_a_secret_that_the_cutter_of_lines_cuts_is_not_readable(at: int) -> None:
    shown: list[str] = []
    lines = LineSplitter(lambda line: shown.append(REDACT(plain(line))))
    lines.feed(("." * (MAX_LINE - at) + TOKEN + "...\n").encode())
    whole = "".join(shown)
    assert len(shown) == 2
    assert not any(TOKEN[start : start + 8] in whole for start in range(len(TOKEN) - 7))


def test_a_short_form_is_masked_on_one_side_of_a_cut_at_least() -> None:
    redact = Redactor({"PASSWORD": "kR9-pw/3xZ7w+Qm2"})
    assert redact("password is kR9-pw/3xZ") == "password is ***"
    assert redact("3xZ7w+Qm2 is the rest") == "*** is the rest"


@pytest.mark.parametrize(
    "hidden",
    [
        "\x1b[31m".join(TOKEN),
        "\x1b]0;title\x07".join(TOKEN),
        "\x00".join(TOKEN),
        "\x08".join(TOKEN),
        "\u202e".join(TOKEN),
        "\u200b".join(TOKEN),
        "\ufeff\u2060".join(TOKEN),
    ],
)
def test_what_nobody_sees_hides_no_secret(hidden: str) -> None:
    assert REDACT(plain(f"<{hidden}>")) == f"<{MASK}>"


def test_a_secret_is_masked_once_and_what_stands_beside_it_stays() -> None:
    redact = Redactor({"A": TOKEN, "THE SAME": TOKEN})
    assert redact(f"curl -H 'Authorization: Bearer {TOKEN}' x") == "curl -H 'Authorization: Bearer ***' x"
    assert redact(f"{TOKEN}{TOKEN}") == "***"
    assert redact(f"{TOKEN} {TOKEN}") == "*** ***"
    assert redact(rf"C:\{TOKEN[1:]}\new") == r"C:\***\new"


def test_ordinary_text_is_left_alone() -> None:
    redact = Redactor({**SECRETS, "URL": f"https://user:{TOKEN}@crates.invalid", "WORDS": "password-for-builds"})
    text = (
        "Compiling serde v1.0.1\n  password for https://crates.invalid/ the key, builds\n" + "-" * 300 + "\n👩‍🔬 0000"
    )
    assert redact(text) == text


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_json_stays_json(secret: str, encoded: bool) -> None:
    before, after = 'say "\\', '\\" end'
    text = json.dumps({"count": 1, "said": f"{before}{secret}{after}"}, ensure_ascii=encoded)
    for redacted in (REDACT(text), REDACT.in_json(text)):
        value = json.loads(redacted)
        assert value["count"] == 1
        assert remaining(secret, value["said"]) == set()
        assert value["said"].startswith('say "')
        assert value["said"].endswith(" end")


def test_half_an_escape_is_masked_with_its_other_half() -> None:
    redact = Redactor({"N": "nabcdefghijklmnop", "NINE": "9-abcdefghijklmnop", "QUOTE": 'qwertzuiopasdfgh"yx'})
    for text in (
        r'"a\nabcdefghijklmnop"',
        r'"\u00e9-abcdefghijklmnop"',
        r'"qwertzuiopasdfgh\" no"',
        r'"\\nabcdefghijklmnop"',
    ):
        assert MASK in json.loads(redact(text))


def test_numbers_and_names_of_json_are_no_text() -> None:
    assert Redactor({"PIN": "123456"}).in_json('{"bytes": 1234567, "log": "pin 123456"}') == (
        '{"bytes": 1234567, "log": "pin ***"}'
    )


def test_what_is_too_short_is_named_and_left() -> None:
    redact = Redactor({"EMPTY": "", "SHORT": "main\n", "LONG": "mainly"})
    assert redact.too_short == ("EMPTY", "SHORT")
    assert redact("on main, mainly") == "on main, ***"


def test_several_secrets_may_have_one_name() -> None:
    redact = Redactor()
    redact.add("token", TOKEN)
    redact.add("token", SHORT)
    assert redact(f"{TOKEN} and {SHORT}") == "*** and ***"


def test_a_value_that_is_not_utf_8_is_masked_as_it_is_shown() -> None:
    value = b"\xff\xfe pass \x80 word".decode("utf-8", "surrogateescape")
    assert Redactor({"BYTES": value})(b"<\xff\xfe pass \x80 word>".decode("utf-8", "replace")) == "<***>"


# Secrets of a few repeated characters are pieces of ordinary text, and of each other's masks.
SECRET = st.text(st.characters(codec="utf-8"), min_size=8, max_size=200).filter(
    lambda secret: len(set(plain(secret).strip())) >= 6 and len(secret.strip()) >= 8
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PURE = [
    name for name, encode in ENCODINGS.items() if not getattr(encode, "__qualname__", "").startswith(("tool", "bash"))
]


# Its last line in 60 columns has 16 characters, of which 12 are the secret's own: fewer than are masked.
LAST_LINE = f"{'0' * 21}{chr(0x80) * 19}{chr(0x800)}{chr(0x10000) * 6}{chr(0x10001)}{chr(0x10002)}{chr(0x10003)}"


@given(SECRET, TEXT, TEXT, st.sampled_from([name for name in PURE if "by the shell" not in name]))
@example(LAST_LINE, "", "", "base64 in 60 columns")
@example("0000000\x1f\n0001234", "", "", "on one line")
def test_any_secret_in_any_text_is_masked_in_any_form(secret: str, before: str, after: str, name: str) -> None:
    form = ENCODINGS[name](secret.strip())
    seen = Redactor({"IT": secret})(f"{before}{form}{after}")
    # The first and the last characters of wrapped base64 also hold bits of what stands before and after the secret.
    own = form[4:-5] if "columns" in name else form
    pieces = {own[at : at + PIECE] for at in range(len(own) - PIECE + 1)}
    known = {piece for piece in pieces if piece in before or piece in after}
    assert not any(piece in seen for piece in pieces - known)
    assert secret.strip() not in seen


@given(
    SECRET, st.integers(0, 200), st.integers(PIECE, 200), st.sampled_from(["as it is", "hexadecimal", "base64", "JSON"])
)
def test_any_piece_of_any_secret_is_masked(secret: str, first: int, length: int, name: str) -> None:
    form = ENCODINGS[name](secret.strip())
    form = form[1:-1] if name == "JSON" else form
    piece = form[first : first + length]
    seen = Redactor({"IT": secret})(f"({piece})")
    if len(piece) >= PIECE:
        assert seen.startswith("(***")
        assert not any(piece[at : at + PIECE] in seen for at in range(len(piece) - PIECE + 1))


@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert REDACT(text) == text


@given(SECRET, st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)))
def test_any_json_stays_json(secret: str, value: object) -> None:
    redact = Redactor({"IT": secret})
    for ascii_only in (True, False):
        text = json.dumps([value, f"<{secret}>", secret], ensure_ascii=ascii_only)
        redacted = json.loads(redact.in_json(text))
        assert len(redacted) == 3
        assert secret.strip() not in redacted[1]
        assert secret.strip() not in redacted[2]


def test_secrets_are_added_while_others_redact() -> None:
    redact = Redactor({"TOKEN": TOKEN})
    secrets = [f"{number:03}-{LETTERS.getrandbits(96):024x}" for number in range(40)]
    problems: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if redact(f"<{TOKEN}>") != "<***>":
                problems.append("a known secret was shown")

    def write(mine: list[str]) -> None:
        for secret in mine:
            redact.add("token", secret)
            if redact(f"<{secret}>") != "<***>":
                problems.append("an added secret was shown")

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(secrets[part::4],)) for part in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert problems == []
    assert [secret for secret in secrets if secret in redact(" ".join(secrets))] == []


class Dribble(io.RawIOBase):
    """A stream that gives fewer bytes than it is asked for."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most = io.BytesIO(data), most

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, self._most))


@pytest.mark.parametrize("secret", ["TOKEN", "ODD", "SHORT"])
@pytest.mark.parametrize("at", [0, 5, SCAN_BYTES - 60, SCAN_BYTES - 20, SCAN_BYTES - 3, SCAN_BYTES, SCAN_BYTES + 9])
@pytest.mark.attack("a package that holds a secret, or most of one, is refused", entry="W14")
def test_a_secret_in_a_file_is_found_wherever_it_stands(secret: str, at: int) -> None:
    data = b"\xff\x00" * (at // 2) + SECRETS[secret].encode() + b"\x00\xfe" * 40
    assert REDACT.names_in(io.BytesIO(data)) == (secret,)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.attack("a package that holds a secret, or most of one, is refused", entry="W14")
def test_a_file_is_searched_for_every_form(encode: Encode, secret: str) -> None:
    data = b"\x7fELF\x80" + encode(SECRETS[secret]).encode() + b"\xff\x00"
    assert REDACT.names_in(io.BytesIO(data)) == (secret,)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_file_may_be_in_another_encoding(encoding: str) -> None:
    assert REDACT.names_in(io.BytesIO(f"a{ODD}b".encode(encoding))) == ("ODD",)


def test_a_file_may_come_in_small_pieces() -> None:
    data = b"." * 100 + TOKEN.encode() + b"." * 100
    for most in (1, 7, 64):
        assert REDACT.names_in(Dribble(data, most)) == ("TOKEN",)  # type: ignore[arg-type]


def test_a_file_that_shares_but_a_beginning_with_a_secret_holds_none() -> None:
    redact = Redactor({"KEY": KEY, "URL": f"https://packages.invalid/team/{TOKEN}"})
    data = b"-----BEGIN TEST KEY-----\x00-----END TEST KEY-----\x00https://packages.invalid/team/readme" * 20
    assert redact.names_in(io.BytesIO(data)) == ()
    assert Redactor().names_in(io.BytesIO(data)) == ()


def test_the_secrets_of_a_process_are_those_named_those_known_and_passwords() -> None:
    environment = {
        "OPENROUTER_API_KEY": "router",
        "E2B_API_KEY": "e2b",
        "GH_TOKEN": "",
        "HOME": "/home/me",
        "HTTPS_PROXY": "http://me:pr%40xy@proxy.invalid:3128",
        "all_proxy": "me:plain@proxy.invalid:1080",
        "E2B_API_URL": "https://only-a-token@gateway.invalid/e2b",
        "E2B_SANDBOX_URL": "https://gateway.invalid/sandbox",
        "HTTP_PROXY": "http://[broken",
    }
    assert secrets_in_environment(environment, ["OPENROUTER_API_KEY", "MISSING"]) == {
        "OPENROUTER_API_KEY": "router",
        "E2B_API_KEY": "e2b",
        "the password in HTTPS_PROXY": "pr@xy",
        "the password in HTTPS_PROXY, as it is written there": "pr%40xy",
        "the password in all_proxy": "plain",
        "the password in E2B_API_URL": "only-a-token",
    }
