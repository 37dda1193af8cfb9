"""What the suite's attacks could not do: `pytest -m attack` ends with a table of claims, each held or not.

This is a plugin of pytest. A test says what it proves by `@pytest.mark.attack("a claim", entry="H1")`; the entry is the
number, in docs/security.md, of an attack that once succeeded. A claim is held when all of its tests passed, and is never
called held where one of them was not run.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import pytest

State = Literal["held", "NOT HELD", "not run"]
STATES: Final[tuple[State, ...]] = ("NOT HELD", "not run", "held")
WIDTH: Final = 100
ENTRY: Final = re.compile(r"([HW])(\d+)")
_PROPERTY: Final = "attack"
_SKIPPED: Final = re.compile(r"^Skipped: (not run: )?")


class Claim(NamedTuple):
    """A short plain sentence of what is held, and the number of the attack that it answers."""

    words: str
    entry: str = ""


class Verdict(NamedTuple):
    """Whether a claim is held, and why its tests were not run."""

    state: State
    reason: str = ""


def claims_of(item: pytest.Item) -> list[Claim]:
    """Return what a test proves, by its marks."""
    return [Claim(*mark.args, **mark.kwargs) for mark in item.iter_markers(_PROPERTY)]


def worse(one: Verdict, other: Verdict) -> Verdict:
    """Return the verdict on a claim that has both: one test is enough to break it, or to leave it open."""
    return min(one, other, key=lambda each: STATES.index(each.state))


def order(claim: Claim) -> tuple[bool, str, int, str]:
    """Sort by the kind and the number of the entry, and claims without one last, by their words."""
    found = ENTRY.fullmatch(claim.entry)
    return (found is None, found[1] if found else "", int(found[2]) if found else 0, claim.words)


def table(verdicts: Mapping[Claim, Verdict]) -> list[str]:
    """Return the lines of the table; pure."""
    lines = []
    for claim in sorted(verdicts, key=order):
        state, reason = verdicts[claim]
        words = f"{state:<8}  {claim.entry:<3}  {claim.words}{f' ({reason})' if reason else ''}"
        lines += textwrap.wrap(words, WIDTH, subsequent_indent=" " * 15, break_long_words=False)
    return lines


def counts(verdicts: Mapping[Claim, Verdict], who: str) -> str:
    """Return the last line of the table; pure."""
    states = [each.state for each in verdicts.values()]
    told = ", ".join(f"{states.count(state)} {state}" for state in ("held", "NOT HELD", "not run"))
    return f"{len(verdicts)} claims, as {who}: {told}"


def _reason(report: pytest.TestReport) -> str:
    match report.longrepr:
        case (_, _, str(words)):
            return _SKIPPED.sub("", words)
    return "skipped"


class Attacks:
    """The hooks of the process that tells how the run went."""

    def __init__(self) -> None:
        self._verdicts: dict[Claim, Verdict] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test proved; of one that tells nothing, as its worker crashed, the name is the claim."""
        if report.failed:
            verdict = Verdict("NOT HELD")
        elif report.skipped:
            verdict = Verdict("not run", _reason(report))
        elif report.when == "call":
            verdict = Verdict("held")
        else:
            return
        for claim in self._claims(report):
            self._verdicts[claim] = worse(self._verdicts.get(claim, verdict), verdict)

    @staticmethod
    def _claims(report: pytest.TestReport) -> Sequence[Claim]:
        told = [Claim(*map(str, value)) for name, value in report.user_properties if name == _PROPERTY]  # type: ignore[call-overload]
        return told or [Claim(report.nodeid)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        terminalreporter.section("attacks")
        for line in table(self._verdicts):
            terminalreporter.line(line, red=line.startswith("NOT HELD"), bold=line.startswith("NOT HELD"))
        who = "root" if os.geteuid() == 0 else f"the ordinary user {os.geteuid()}"
        terminalreporter.line(counts(self._verdicts, who))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each report tell what its test proves, also one that comes from a worker."""
    for item in items:
        item.user_properties += [(_PROPERTY, list(claim)) for claim in claims_of(item)]


def pytest_configure(config: pytest.Config) -> None:
    """Watch a run of the attacks alone."""
    if config.getoption("markexpr", "") == _PROPERTY and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Attacks(), "attacks")
