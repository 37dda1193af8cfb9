"""Output of a separate process, read as GitHub's runner reads it."""

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


# The redactor removes all invisible characters of a line with a secret.
@pytest.mark.parametrize(
    ("start", "printed"),
    [("\u200b::stop-commands::x", ": :stop-commands::x"), ("#\u200b#[add-mask]1", "# #[add-mask]1")],
)
def test_a_hidden_secret_makes_no_command_of_its_line(start: str, printed: str) -> None:
    line = f"{start} " + "\u200b".join(SECRET)
    completed = processes.run([sys.executable, "-c", SCRIPT, line], timeout=600)
    assert completed.stderr == f"{printed} ***\n"
