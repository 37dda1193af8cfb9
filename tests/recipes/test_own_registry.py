"""An addon with a private registry in its .npmrc: a real npm against a real server with TLS."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generator.dependencies.files import DependencyFiles
from generator.network.registries import Registries
from generator.npm.projects import npm_project
from generator.recipes.imported_packages import imported_script
from generator.recipes.npm_packages import install_script, npm_source
from generator.recipes.recipe import fetch_script, load_script
from tests.recipes.jobs import job_of
from tests.support import HANGS, library, write_files

PACKAGE = {"name": "@own/words", "version": "1.0.0", "main": "index.js"}


def packed(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve one package by TLS, with a certificate that npm trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("not run: openssl, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(  # noqa: TID251
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    tarball = packed({"package.json": json.dumps(PACKAGE), "index.js": "exports.word = 'own'"})
    monkeypatch.setenv("npm_config_cafile", str(certificate))
    monkeypatch.setenv("npm_config_fetch_retries", "0")

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"https://{self.headers['Host']}/words.tgz"
            integrity = f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"
            version = {**PACKAGE, "dist": {"tarball": address, "integrity": integrity}}
            document = {"name": PACKAGE["name"], "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
            body = tarball if self.path.endswith(".tgz") else json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_its_packages_are_requested_there_alone_and_found_when_the_addon_is_loaded(
    tmp_path: Path, registry: str
) -> None:
    """In the public registry somebody else may have the same name."""
    root = tmp_path / "build"
    package = {"name": "@demo/x", "version": "1.0.0", "main": "index.js", "dependencies": {PACKAGE["name"]: "^1.0.0"}}
    addon = {"package.json": json.dumps(package), "index.js": "exports.word = require('@own/words').word"}
    files = {**addon, ".npmrc": f"@own:registry={registry}\nnode-options=--require=/lost.js\n"}
    crate = library("crate")
    texts = {**crate, **{f"crate/{name}": text for name, text in files.items()}}
    write_files(root / "source", texts)
    for name in ("home", "packed"):
        (root / name).mkdir()
    (root / "packed/x.tgz").write_bytes(packed(addon))
    job = job_of(root, kind="napi")
    check = "node -p 'require(\"@demo/x\").word'"
    found = DependencyFiles(texts)
    source = npm_source(npm_project("crate", found.repository_files()), found)
    fetch = f"{fetch_script(job)}\n{install_script(str(root), source, False, Registries())}"
    script = f"set -euo pipefail\n({fetch}\n)\n{load_script(job, {'@demo/x': 'x.tgz'}, check)}"
    environment = {**os.environ, "HOME": str(root / "home"), "npm_config_cache": str(root / "npm")}
    done = subprocess.run(  # noqa: TID251
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["own"]), done.stderr


# The crate depends on `binding`, and that on `wasm-bindgen`: a name is enough here.
BINDING: dict[str, str] = {
    f"{name}/{file}": text
    for name, rest in {
        "crate": '[dependencies]\nbinding = { path = "../binding" }\n',
        "binding": '[dependencies]\nwasm-bindgen = { path = "../wasm-bindgen" }\n',
        "wasm-bindgen": "",
    }.items()
    for file, text in {
        "Cargo.toml": f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n\n{rest}',
        "src/lib.rs": "",
    }.items()
}


@pytest.mark.parametrize("importer", ["crate", "binding"])
def test_a_wasm_crate_imports_its_packages_from_there_alone(tmp_path: Path, registry: str, importer: str) -> None:
    root = tmp_path / "build"
    texts = {
        **BINDING,
        "crate/package.json": json.dumps({"dependencies": {PACKAGE["name"]: "^1.0.0"}}),
        "crate/.npmrc": f"@own:registry={registry}\nnode-options=--require=/lost.js\n",
        f"{importer}/words.js": "'@own/words'",
    }
    write_files(root / "source", texts)
    (root / "home").mkdir()
    job = job_of(root, kind="wasm")
    script = f"set -euo pipefail\n{fetch_script(job)}\n{imported_script(job, DependencyFiles(texts))}"
    environment = {**os.environ, "HOME": str(root / "home"), "npm_config_cache": str(root / "npm")}
    subprocess.run(["bash", "-c", script], env=environment, capture_output=True, timeout=120, check=True)  # noqa: TID251
    assert (root / "needed/node_modules/@own/words/index.js").read_text() == "exports.word = 'own'"
