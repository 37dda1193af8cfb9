"""`python -m tests.layouts [NAME…]` takes layouts through all commands and prints a table; it fails if any cell does."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from generator.console.output import print_message
from generator.console.tables import print_table
from generator.errors import CratematrixError
from tests.layouts import LAYOUTS, Layout
from tests.layouts.pipeline import STEPS, NotRun, repository_of, write_locks
from tests.layouts.registry import served_registry
from tests.support import cross_path

# npm waits for the network, and Cargo compiles the last crates of a build one after the other; meanwhile other layouts
# use the cores.
AT_ONCE: Final = 3


def main(names: list[str]) -> int:
    """Take the named layouts, or all, through all commands."""
    chosen = [each for each in LAYOUTS if not names or each.name in names]
    if unknown := {*names} - {each.name for each in LAYOUTS}:
        print_message(f"error: there is no layout {', '.join(sorted(unknown))}")
        return 2
    with tempfile.TemporaryDirectory(prefix="layouts-") as scratch, ExitStack() as stack:
        environment = {"PATH": cross_path()}
        if any(each.registry for each in chosen):
            environment |= stack.enter_context(served_registry())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda each: (each.name, *cells_of(each, Path(scratch), environment)), chosen))
    print_table(("layout", *STEPS, "seconds"), rows)
    green = sum("failed" not in row and "not run" not in row for row in rows)
    print_message(f"{green} of {len(rows)} layouts went from init to a loaded package")
    return 0 if green == len(rows) else 1


def cells_of(layout: Layout, scratch: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the state of each command, and the seconds of all; after a failure the rest is not run."""
    started = time.monotonic()
    state = "passed"
    repository = repository_of(layout, scratch, environment)
    for name, step in STEPS.items():
        if state == "passed":
            try:
                if name == "init":
                    write_locks(repository)
                step(repository)
            except CratematrixError as error:
                state = "not run" if isinstance(error, NotRun) else "failed"
                print_message(f"{layout.name}, {name}: {state}: {error.message}")
        yield state
        state = "not run" if state == "failed" else state
    yield f"{time.monotonic() - started:.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
