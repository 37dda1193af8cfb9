"""Runs of a repository's workflow with act, and the results of its jobs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psutil

from generator.workflows.pins import pins
from tests.support import TOP

PROGRAM: Final = TOP / ".cache/bin/act"
STAND_INS: Final = Path(__file__).resolve().parent / "stand_ins"
# Variables of GitHub and of E2B in the tests' own environment, which jobs must not see.
NOT_PASSED: Final = re.compile(r"(GITHUB|GH|ACTIONS|RUNNER|INPUT|ACT|ACTS|CRATEMATRIX|E2B|PYTEST)_|CI$")
LIMIT: Final = 600
"""Seconds that one run may take."""


@dataclass(frozen=True)
class Ran:
    """The exit code and the log of a run: one dictionary for each line."""

    code: int
    lines: tuple[dict[str, Any], ...]

    @cached_property
    def log(self) -> str:
        """What a person reads in the log and in the summaries; outputs are act's own addition, GitHub shows none."""
        return "\n".join(line.get("msg", "") for line in self.lines if line.get("command") != "set-output")

    @cached_property
    def jobs(self) -> dict[str, str]:
        """Every job that ran, by id, and its result; the last word on a matrix counts, as for GitHub the worst."""
        return {line["jobID"]: line["jobResult"] for line in self.lines if "jobResult" in line}

    def legs(self, job: str) -> list[dict[str, Any]]:
        """Return the values of a job's matrix that ran."""
        found = [line["matrix"] for line in self.lines if line.get("jobID") == job and "jobResult" in line]
        return sorted(found, key=lambda leg: int(leg["index"]))

    def steps(self, job: str) -> list[str]:
        """Return the names of the steps that a job ran, inner ones of actions too."""
        return re.findall(r"Run Main (.*)", self.said(job))

    def seconds(self, step: str) -> list[float]:
        """Return how long each run of a step took."""
        ended = (line for line in self.lines if f"Main {step} [" in line["msg"] and "executionTime" in line)
        return [line["executionTime"] / 1e9 for line in ended]

    def outputs(self, job: str) -> dict[str, str]:
        """Return the outputs of a job's steps; of equal names the last."""
        return {line["name"]: line["arg"] for line in self._of(job) if line.get("command") == "set-output"}

    def summary(self, job: str) -> str:
        """Return the summaries of a job's steps."""
        return "\n".join(line["content"] for line in self._of(job) if line.get("command") == "summary")

    def said(self, job: str) -> str:
        """Return a job's own part of the log."""
        return "\n".join(line.get("msg", "") for line in self._of(job))

    def _of(self, job: str) -> Iterator[dict[str, Any]]:
        return (line for line in self.lines if line.get("jobID") == job)


@dataclass
class Running:
    """A run in progress."""

    process: subprocess.Popen[bytes]
    log: Path

    def find(self, *words: str) -> psutil.Process:
        """Wait for a process of this run that has all these words in its command line and children of its own."""
        ends = time.monotonic() + LIMIT
        while time.monotonic() < ends and self.process.poll() is None:
            for each in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if set(words) <= set(each.cmdline()) and each.children():
                        return each
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"no process {words} in this run:\n{self._text()[-3000:]}")

    def wait(self) -> Ran:
        """Wait for the end."""
        try:
            code = self.process.wait(LIMIT)
        finally:
            self.kill()
        return Ran(code, tuple(_lines(self._text())))

    def kill(self) -> None:
        """Kill the remaining processes of the run."""
        if self.process.poll() is None:
            for each in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    each.kill()
            self.process.kill()
            self.process.wait()

    def _text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Act:
    """act with the stand-ins of published actions, and a folder in which they and act keep everything."""

    kept: Path
    environment: Mapping[str, str]
    actions: Mapping[str, Path] = field(default_factory=dict)
    """Further actions, as NAME@REF, and the folders they are in."""

    def of(self, name: str) -> Act:
        """Return the same for another repository, OWNER/NAME."""
        return replace(self, environment={**self.environment, "GITHUB_REPOSITORY": name})

    def run(self, *words: Any, **more: Any) -> Ran:
        """Run a workflow to its end."""
        return self.start(*words, **more).wait()

    def start(
        self,
        repository: Path,
        workflow: str,
        event: Mapping[str, Any],
        *,
        secrets: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        run: int = 1,
        attempt: int = 1,
    ) -> Running:
        """Start a workflow of a repository; `event` has the name of GitHub's event under "name".

        act gets no secrets to mask: a masked value in its log was masked by cratematrix.
        """
        name = f"{workflow}-{run}-{attempt}"
        self.kept.mkdir(parents=True, exist_ok=True)
        payload = {key: value for key, value in event.items() if key != "name"}
        (self.kept / f"{name}.json").write_text(json.dumps(payload))
        (self.kept / f"{name}.secrets").write_text("".join(f"{key}={value}\n" for key, value in secrets.items()))
        given = {
            **self.environment,
            "GITHUB_RUN_ID": str(run),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "ACTS_KEPT": str(self.kept),
            "ACTS_STAND_INS": str(STAND_INS),
            "ACTS_PYTHON": str(Path(sys.executable).resolve()),
        }
        argv = [
            str(PROGRAM),
            event["name"],
            *("--workflows", f".github/workflows/{workflow}.yml"),
            *("--eventpath", str(self.kept / f"{name}.json"), "--secret-file", str(self.kept / f"{name}.secrets")),
            *("--platform", "ubuntu-24.04=-self-hosted", "--action-cache-path", str(self.kept / "act")),
            *("--json", "--insecure-secrets", "--no-cache-server", "--action-offline-mode"),
            *(f"--local-repository={uses}={folder}" for uses, folder in {**stand_ins(), **self.actions}.items()),
            *(f"--env={key}={value}" for key, value in given.items()),
            *(f"--var={key}={value}" for key, value in (variables or {}).items()),
        ]
        inherited = {key: value for key, value in os.environ.items() if not NOT_PASSED.match(key)}
        inherited["XDG_CONFIG_HOME"] = str(self.kept / "config")  # where act writes its own settings
        log = self.kept / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(argv, cwd=repository, env=inherited, stdout=out, stderr=subprocess.STDOUT)
        return Running(process, log)


def stand_ins() -> dict[str, Path]:
    """Return the stand-ins by what generated workflows and the action write in `uses:`."""
    repositories = {("/".join(pin.action.split("/")[:2]), pin.sha) for pin in pins().values()}
    folders = {f"{name}@{sha}": STAND_INS / name.partition("/")[2] for name, sha in repositories}
    return {uses: folder for uses, folder in folders.items() if folder.is_dir()}


def _lines(text: str) -> Iterator[dict[str, Any]]:
    """Read act's log; what is no JSON is of act itself."""
    for line in text.splitlines():
        try:
            read = json.loads(line)
        except ValueError:
            read = line
        yield read if isinstance(read, dict) else {"msg": line}
