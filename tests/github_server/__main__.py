"""Run the server by hand: `python -m tests.github_server --port N`; it prints its variables and runs until interrupted."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.github_server import GitHubServer, Rules
from tests.github_server.rules import REPOSITORY
from tests.serving.standalone import run_until_interrupted


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.github_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--repository", default=REPOSITORY)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--immutable", action="store_true")
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    with GitHubServer(Rules(speed=options.speed), options.repository, options.source, port=options.port) as server:
        server.repository().immutable = options.immutable
        run_until_interrupted(server.environment)


if __name__ == "__main__":
    main()
