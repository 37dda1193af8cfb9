"""What is printed in a process of its own, read as GitHub's runner reads it."""

from __future__ import annotations

import sys

import pytest

from generator import processes

SECRET = "sup3r-secret-value-1234567890"
SCRIPT = f"""
import sys
from generator.console import output
from generator.redaction import Redactor
output.set_redactor(Redactor({{"KEY": {SECRET!r}}}))
output.print_message(sys.argv[1])
"""


# A secret with invisible characters in it takes every such character out of its line.
@pytest.mark.parametrize(
    ("start", "said"), [("\u200b::stop-commands::x", ": :stop-commands::x"), ("#\u200b#[add-mask]1", "# #[add-mask]1")]
)
def test_a_hidden_secret_makes_no_command_of_its_line(start: str, said: str) -> None:
    line = f"{start} " + "\u200b".join(SECRET)
    done = processes.run([sys.executable, "-c", SCRIPT, line], timeout=600)
    assert done.stderr == f"{said} ***\n"
