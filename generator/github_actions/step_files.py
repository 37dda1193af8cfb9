"""Step outputs and step summaries of GitHub Actions.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Bytes of one step's summary; GitHub does not show a longer one.
MAX_SUMMARY: Final = 1024 * 1024
_CUT: Final = "\n\n*The rest is too long for a summary: the report has it.*\n"


def in_github_actions(environment: Mapping[str, str]) -> bool:
    """Return whether this is a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def github_run_id(environment: Mapping[str, str]) -> str | None:
    """Return the ID of this workflow run, which all its attempts share; None outside GitHub Actions."""
    run = environment.get("GITHUB_RUN_ID", "")
    return run if run.isdecimal() else None


def github_run_attempt(environment: Mapping[str, str]) -> int:
    """Return the number of this attempt of a workflow run; 1 outside GitHub Actions."""
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "")
    return int(attempt) if attempt.isdecimal() else 1


def write_step_outputs(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Write step outputs in GitHub Actions; do nothing elsewhere.

    The delimiter is random, so no value can contain it and begin another output.
    """
    end = f"end-{secrets.token_hex(16)}"
    _append(environment, "GITHUB_OUTPUT", "".join(f"{key}<<{end}\n{value}\n{end}\n" for key, value in outputs.items()))


def write_step_summary(environment: Mapping[str, str], markdown: str) -> None:
    """Append to the step summary in GitHub Actions, cut at GitHub's limit; do nothing elsewhere."""
    _append(environment, "GITHUB_STEP_SUMMARY", cut_to(markdown, MAX_SUMMARY - _size(environment)))


def cut_to(markdown: str, limit: int) -> str:
    """Return text of at most `limit` bytes; longer text is cut at the end of a line and gets a note."""
    data = markdown.encode()
    if len(data) <= limit:
        return markdown
    room = limit - len(_CUT.encode())
    return data[:room].decode(errors="ignore").rpartition("\n")[0] + _CUT if room > 0 else ""


def _size(environment: Mapping[str, str]) -> int:
    path = Path(environment.get("GITHUB_STEP_SUMMARY", ""))
    return path.stat().st_size if path.is_file() else 0


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if in_github_actions(environment) and (path := environment.get(variable)):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
