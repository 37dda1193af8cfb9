"""`python -m tests.judges FILE…` prints the findings of the judges, and fails if there are any."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.judges import judge

if __name__ == "__main__":
    findings = judge(map(Path, sys.argv[1:]))
    for finding in findings:
        print(finding)  # noqa: T201
    sys.exit(bool(findings))
