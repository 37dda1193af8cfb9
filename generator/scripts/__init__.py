"""Bash and JavaScript that run in sandboxes, one file each, and the function that reads them.

Parameters are positional arguments or environment variables: no text is ever pasted into a script. Nothing here decides
which script runs; recipes and backends do. `make lint` checks every .sh file with shellcheck.
"""

from __future__ import annotations

import functools
import shlex
from importlib import resources


@functools.cache
def script(name: str) -> str:
    """Return the text of a script of this package."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def with_arguments(name: str, *arguments: str) -> str:
    """Return a Bash script to insert into another one, behind a line that sets its positional parameters."""
    return f"set -- {shlex.join(arguments)}\n{script(name)}"
