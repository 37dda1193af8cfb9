"""A build that prints its secrets in every way, whole and in pieces, into its log, its failure and its package."""

from __future__ import annotations

import base64
import html
import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.builds.scripted import env_of, prepared, report_of, rules_for
from tests.e2b_server import E2BServer
from tests.support import cratematrix, write_files

TOKEN = "s3cr3t/Value+with=specials\"and'quotes&more"
KEY = "-----BEGIN TEST KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ\n-----END TEST KEY-----"
# The longest piece of a form that may be shown: shorter ones are in ordinary text, too.
PIECE = 16

# Prints what it is given in each form: at once, then in pieces of 7 bytes, each written by itself, then to stderr.
SAY = r"""
const b64 = (text) => Buffer.from(text).toString('base64');
const hex = (text) => Buffer.from(text).toString('hex');
const units = (text) => [...text].map((c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')).join('');
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };
const forms = (text) => [
  text, b64(text), b64('x' + text), b64('xx' + text), b64(text).replaceAll('+', '-').replaceAll('/', '_'),
  hex(text), hex(text).toUpperCase(), encodeURIComponent(text), JSON.stringify(text), JSON.stringify(JSON.stringify(text)),
  [...text].reverse().join(''), b64(b64(text)), units(text), text.replace(/[&<>"']/g, (c) => entities[c]),
];
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
const fs = require('fs');
for (const name of ['TOKEN', 'KEY']) {
  for (const form of forms(process.env[name])) {
    fs.writeSync(1, form + '\n');
    fs.writeSync(2, 'error: ' + form + '\n');
    for (let at = 0; at < form.length; at += 7) { fs.writeSync(1, form.slice(at, at + 7)); pause(); }
    fs.writeSync(1, '\n');
  }
}
"""


def forms(secret: str) -> dict[str, str]:
    """The same forms, written by another hand."""
    raw = secret.encode()
    once = base64.b64encode(raw).decode()
    quoted = json.dumps(secret)[1:-1]
    return {
        "plain": secret,
        "base64": once,
        # Without the characters that also carry bits of what stands before.
        "base64 after one byte": base64.b64encode(b"x" + raw).decode()[2:],
        "base64 after two bytes": base64.b64encode(b"xx" + raw).decode()[4:],
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "hexadecimal": raw.hex(),
        "HEXADECIMAL": raw.hex().upper(),
        "URL": quote(secret, safe="!'()*"),
        "JSON": quoted,
        "JSON in JSON": json.dumps(quoted)[1:-1],
        "backwards": secret[::-1],
        "base64 twice": base64.b64encode(once.encode()).decode(),
        "code units": "".join(f"\\u{ord(char):04x}" for char in secret),
        "HTML": html.escape(secret),
    }


def program(name: str, build: str) -> dict[str, str]:
    """The files of a program that says what lies in its file `said`."""
    return {
        f"{name}/Cargo.toml": f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n\n[workspace]\n',
        f"{name}/Cargo.lock": f'version = 4\n\n[[package]]\nname = "{name}"\nversion = "1.0.0"\n',
        f"{name}/src/main.rs": 'fn main() { println!("{}", include_str!("../said")); }\n',
        f"{name}/said": "nothing\n",
        f"{name}/say.js": SAY,
        f"{name}/build.sh": build,
    }


def repository(top: Path, builds: dict[str, str]) -> Path:
    files: dict[str, str] = {}
    crates: list[dict[str, Any]] = []
    for name, build in builds.items():
        files |= program(name, f"set -e\n{build}\ncargo build --release\n")
        commands = {"build": "bash build.sh", "test": "true"}
        crates.append({"name": name, "version": "1.0.0", "kind": "bin", "source": {"path": name}, "commands": commands})
    head = {"npm_scope": "@f", "platforms": ["linux-x64-gnu"], "env": ["TOKEN", "KEY"]}
    limits = {"e2b_creates_per_second": 50}
    manifest = {"schema_version": 1, "fleet": {**head, "limits": limits}, "crates": crates}
    return write_files(top, {**files, "crates.json": json.dumps(manifest)})


def shown_pieces(text: str) -> list[str]:
    """Return the forms of which a piece is in the text."""
    return [
        name
        for secret in (TOKEN, KEY)
        for name, form in forms(secret).items()
        if any(form[at : at + PIECE] in text for at in range(len(form) - PIECE + 1) if "TEST KEY" not in form[at : at + PIECE])
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ran(path: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Build programs that talk, and programs that would publish; where, and all that was written and said."""
    tmp_path = tmp_path_factory.mktemp("secrets")
    builds = {
        "talks": "node say.js",
        "fails": "node say.js; exit 1",
        "publishes": 'printf "%s" "$TOKEN" > said',
        "encodes": 'printf "%s" "$KEY" | base64 -w 0 > said',
        "dumps": 'printf "%s" "$TOKEN" | od -An -v -tx1 | tr -d " \\n" > said',
    }
    top = prepared(repository(tmp_path / "repo", builds), path)
    with E2BServer(rules_for(top)) as server:
        env = env_of(server, tmp_path, TOKEN=TOKEN, KEY=KEY)
        done = cratematrix("build", "--all", "--backend", "e2b", "--jobs", "2", cwd=top, env=env)
    assert done.code == 1, done.err
    texts = [file.read_text() for file in sorted((top / "dist").rglob("*")) if file.suffix in (".log", ".json")]
    assert len(texts) == len(builds) + 2  # the logs, the report, and what the one package is made of
    return top, "\n".join((done.out, done.err, *texts))


def test_the_check_would_find_each_form() -> None:
    for secret in (TOKEN, KEY):
        for name, form in forms(secret).items():
            assert name in shown_pieces(f"x{form}y")


@pytest.mark.attack("no secret, encoded or in pieces, is in an output, log or report")
def test_no_form_of_a_secret_is_in_any_output_log_or_report(ran: tuple[Path, str]) -> None:
    top, shown = ran
    assert shown_pieces(shown) == []
    log = (top / "dist/logs/talks.log").read_text()
    assert log.count("***") >= 2 * 3 * len(forms(TOKEN))
    assert report_of(top)["crates"][2]["failure"]["message"].startswith("***")


@pytest.mark.attack("a package that holds a secret, or most of one, is refused", entry="W14")
def test_a_package_is_made_without_a_secret_and_refused_with_one(ran: tuple[Path, str]) -> None:
    top, _ = ran
    assert [file.name for file in (top / "dist").glob("*.tgz")] == ["f-talks-1.0.0.tgz"]
    with tarfile.open(top / "dist/f-talks-1.0.0.tgz") as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is None or shown_pieces(content.read().decode("latin-1")) == []
    failures = {crate["name"]: crate["failure"] for crate in report_of(top)["crates"] if crate["failure"]}
    for name, variable in (("publishes", "TOKEN"), ("encodes", "KEY"), ("dumps", "TOKEN")):
        assert failures[name]["message"].endswith(f"of the package contains the value of {variable}")
        assert failures[name]["class"] == "permanent"
