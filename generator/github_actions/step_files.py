"""What a step leaves for the rest of its job in GitHub Actions: outputs, and a summary for people.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Of one step; GitHub shows nothing of a summary that is longer.
MAX_SUMMARY: Final = 1024 * 1024
_CUT: Final = "\n\n*The rest is too long for a summary: the report has it.*\n"


def in_github_actions(environment: Mapping[str, str]) -> bool:
    """Say whether this is a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def github_run_id(environment: Mapping[str, str]) -> str | None:
    """Return the number of GitHub's run that this is a job of, the same in every attempt; None elsewhere."""
    run = environment.get("GITHUB_RUN_ID", "")
    return run if run.isdecimal() else None


def write_step_outputs(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Give the step outputs; nothing anywhere but in GitHub Actions.

    A random delimiter, so that no value can end itself and begin another output.
    """
    end = f"end-{secrets.token_hex(16)}"
    _append(environment, "GITHUB_OUTPUT", "".join(f"{key}<<{end}\n{value}\n{end}\n" for key, value in outputs.items()))


def write_step_summary(environment: Mapping[str, str], markdown: str) -> None:
    """Add to the step's summary, cut at a line's end where it is too long; nothing anywhere but in GitHub Actions."""
    _append(environment, "GITHUB_STEP_SUMMARY", bounded(markdown, MAX_SUMMARY - _written(environment)))


def bounded(markdown: str, limit: int) -> str:
    """Return a text of at most that many bytes, cut at a line's end, with a note that it was."""
    data = markdown.encode()
    if len(data) <= limit:
        return markdown
    room = limit - len(_CUT.encode())
    return data[:room].decode(errors="ignore").rpartition("\n")[0] + _CUT if room > 0 else ""


def _written(environment: Mapping[str, str]) -> int:
    path = Path(environment.get("GITHUB_STEP_SUMMARY", ""))
    return path.stat().st_size if path.is_file() else 0


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if in_github_actions(environment) and (path := environment.get(variable)):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
