"""Output of a separate process, read as GitHub's runner reads it."""

from __future__ import annotations

import sys

import pytest

from generator import processes
from generator.console.counting import counting

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


def test_slow_work_says_now_and_then_how_much_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 0.1, 2.5, 3.0, 4.5])
    assert [*counting("abcd", "compared", lambda: next(times))] == [*"abcd"]
    assert capsys.readouterr().err == "1 of 4 compared\n3 of 4 compared\n"
