"""The instructions of a Dockerfile as E2B gets them, each with the user, directory and environment that it runs in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from e2b import Template

_SCRIPT = re.compile(r"cat <<'E2B_HEREDOC_\w+' >/tmp/(\w+)\n")
_FILE = re.compile(r"E2B_HEREDOC_DEST=(\S+)\n")
NAME_LENGTH = 60


@dataclass(frozen=True)
class Step:
    """One instruction; `command` is None for those that only change what later ones run in."""

    number: int
    name: str
    command: str | None
    user: str
    directory: str
    env: Mapping[str, str]


def steps_of(dockerfile: str) -> tuple[str, tuple[Step, ...]]:
    """Return the base image and the steps; ValueError for an instruction that this module does not know."""
    parsed = json.loads(Template.to_json(Template().from_dockerfile(dockerfile)))
    return parsed["fromImage"], tuple(_steps(parsed["steps"]))


def _steps(instructions: list[dict[str, list[str]]]) -> Iterator[Step]:
    user, directory, env = "root", "/", dict[str, str]()
    for number, instruction in enumerate(instructions, 1):
        kind, args = str(instruction["type"]), instruction["args"]
        command: str | None = None
        runs_as = user
        if kind == "RUN" and len(args) in (1, 2):
            command, runs_as = args[0], args[1] if len(args) == 2 else user
        elif kind == "USER" and len(args) == 1:
            user = runs_as = args[0]
        elif kind == "WORKDIR" and len(args) == 1:
            directory = args[0]
        elif kind == "ENV" and len(args) % 2 == 0 and not any("$" in each for each in args):
            env = {**env, **dict(zip(args[::2], args[1::2], strict=True))}
        else:
            raise ValueError(f"instruction {number} is of an unknown form: {kind} {' '.join(args)}")
        yield Step(number, _name(kind, args), command, runs_as, directory, env)


def _name(kind: str, args: list[str]) -> str:
    """Return what the Dockerfile says, as far as E2B's parser keeps it."""
    if file := _FILE.match(args[0]):
        return f"COPY {file[1]}"
    if script := _SCRIPT.match(args[0]):
        return f"RUN <<{script[1]}"
    text = " ".join((kind, *" ".join(args).split()))
    return text if len(text) <= NAME_LENGTH else f"{text[: NAME_LENGTH - 1]}…"
