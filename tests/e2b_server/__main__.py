"""Run the server by hand: `python -m tests.e2b_server --port N`; it prints its variables and runs until interrupted."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.e2b_server import E2BServer, Rules
from tests.serving.standalone import run_until_interrupted


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2b_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with E2BServer(Rules(), directory=options.directory, port=options.port) as server:
        run_until_interrupted(server.environment)


if __name__ == "__main__":
    main()
