"""A private registry of Cargo with one crate, own-digest 1.0.0, at an address of this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

NAME, VERSION = "own-digest", "1.0.0"
FILES: Final = {
    "Cargo.toml": f'[package]\nname = "{NAME}"\nversion = "{VERSION}"\nedition = "2021"\n',
    "src/lib.rs": "/// Returns the sum of a text's bytes.\npub fn digest(text: &str) -> u32 {\n"
    "    text.bytes().map(u32::from).sum()\n}\n",
}


@contextmanager
def served_registry() -> Iterator[dict[str, str]]:
    """Serve the registry, and return the variable by which Cargo finds it."""
    archive = _archive()
    entry: dict[str, object] = {"name": NAME, "vers": VERSION, "deps": [], "cksum": hashlib.sha256(archive).hexdigest()}
    entry |= {"features": {}, "yanked": False}

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = f"http://{self.headers['Host']}"
            answers = {
                "/config.json": json.dumps({"dl": f"{host}/dl"}).encode(),
                f"/{NAME[:2]}/{NAME[2:4]}/{NAME}": json.dumps(entry).encode(),
                f"/dl/{NAME}/{VERSION}/download": archive,
            }
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"CARGO_REGISTRIES_OWN_INDEX": f"sparse+http://localhost:{server.server_port}/"}
        finally:
            server.shutdown()
            thread.join()


def _archive() -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in FILES.items():
            member = tarfile.TarInfo(f"{NAME}-{VERSION}/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()
