"""Transfer of a small and a large file into a sandbox and back: peak memory, and the rate compared with the bare SDK.

The server is the test server on this machine, so only the ratios are meaningful.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

from e2b import Sandbox

from generator.console.output import print_data
from generator.console.tables import print_table
from generator.manifest.fleet_models import E2BService
from generator.sandboxes.contract import SIZES
from generator.sandboxes.e2b.backend import Account, E2BBackend, RunIdentity
from generator.sandboxes.e2b.connection import Gateway, resolve_connection
from generator.sandboxes.e2b.sandbox import Lifetime

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2b_server import E2BServer, Rules, TemplateSize

LARGE_MIB = int(os.environ.get("TRANSFER_MIB", "2048"))


def ours(directory: Path, archive: Path) -> tuple[float, float]:
    """Return the seconds that a put and a get take."""
    connection = resolve_connection(E2BService(), Gateway(), os.environ)
    backend = E2BBackend(
        Account(connection),
        RunIdentity("bench"),
        {"standard": "base"},
        Lifetime({"PATH": "/usr/bin:/bin"}, 300),
        threading.Event(),
        print,
    )
    sandbox = backend.open("bench", SIZES["standard"], {})
    try:
        started = time.monotonic()
        sandbox.put(archive, f"{sandbox.root}/in")
        sent = time.monotonic()
        sandbox.get(f"{sandbox.root}/in/{archive.stem}", directory / "back", 1 << 40)
        return sent - started, time.monotonic() - sent
    finally:
        sandbox.kill()


def bare(directory: Path, archive: Path) -> tuple[float, float]:
    """Return the seconds that the SDK's own streams take, without comparing and unpacking."""
    sandbox = Sandbox.create("base", timeout=300)
    try:
        started = time.monotonic()
        with archive.open("rb") as file:
            sandbox.files.write("/build/in.tar", file)
        sent = time.monotonic()
        with (directory / "back").open("wb") as file:
            for piece in sandbox.files.read("/build/in.tar", format="stream"):
                file.write(piece)
        return sent - started, time.monotonic() - sent
    finally:
        sandbox.kill()


def child(how: str, mebibytes: int) -> None:
    """Move one file and print: seconds in, seconds out, peak resident MiB."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with (directory / "blob").open("wb") as file:
            for _ in range(mebibytes):
                file.write(os.urandom(1 << 20))
        with tarfile.open(directory / "blob.tar", "w") as tar:
            tar.add(directory / "blob", arcname="blob")
        (directory / "blob").unlink()
        seconds = {"ours": ours, "bare": bare}[how](directory, directory / "blob.tar")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_data(" ".join(map(str, (*seconds, peak))))


def measured(how: str, mebibytes: int, environment: dict[str, str]) -> list[float]:
    """Run one transfer in a process of its own."""
    words = [sys.executable, __file__, how, str(mebibytes)]
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, check=True, timeout=1200
    )
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Measure and print."""
    with E2BServer(Rules(templates={"base": TemplateSize(2, 2048, 20_480)})) as server:
        small = measured("ours", 2, server.environment)
        large = measured("ours", LARGE_MIB, server.environment)
        plain = measured("bare", LARGE_MIB, server.environment)
    rows = [
        (name, f"{LARGE_MIB / large[step]:.0f} MiB/s", f"{plain[step] / large[step]:.2f} of the bare SDK's")
        for step, name in enumerate(("put, compared and unpacked", "get, compared"))
    ]
    rows.append(("peak memory", f"{large[2]:.0f} MiB", f"{large[2] - small[2]:.0f} MiB more than with 2 MiB"))
    print_table((f"{LARGE_MIB} MiB", "here", "ratio"), rows)
    if large[2] - small[2] > 64:
        sys.exit("error: a large file must not be held in memory")


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
