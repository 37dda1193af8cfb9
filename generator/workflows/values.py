"""Values of templates, and their YAML text."""

from __future__ import annotations

import json
from typing import Annotated

from jinja2 import Undefined
from pydantic import Field

from generator.manifest.values import CommitSha, EnvName, RelativePath
from generator.strict import Strict


class Pin(Strict):
    """A published action at one commit, with that commit's version; `action` may name a directory in a repository."""

    action: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)+$")]
    version: Annotated[str, Field(pattern=r"^v[0-9]{1,9}(\.[0-9]{1,9})*$")]
    sha: CommitSha

    @property
    def version_numbers(self) -> tuple[int, ...]:
        """The version as numbers, for comparison."""
        return tuple(int(number) for number in self.version[1:].split("."))

    @property
    def uses(self) -> str:
        """The value of `uses:` with the version as a comment, in the format of update tools and zizmor."""
        return f"{self.action}@{self.sha} # {self.version}"


class Name(Strict):
    """The name of a variable or a secret, for an expression or a key."""

    name: EnvName


class Part(Strict):
    """A path as a part of a longer plain scalar, such as the key of a cache."""

    path: RelativePath


class Comment(Strict):
    """A YAML comment for reviewers."""

    text: str


def quoted(text: str) -> str:
    """Return a YAML double-quoted scalar; ValueError for text that the manifest's models refuse.

    A JSON string of printable ASCII is the same scalar in YAML. GitHub evaluates expressions after parsing YAML, so
    quoting cannot escape them.
    """
    return json.dumps(_plain(text))


def _plain(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or "${{" in text:
        raise ValueError(f"not a plain value: {text!r}")
    return text


def yaml_value(value: object) -> str:
    """Return the YAML text of a template's value; jinja2 raises UndefinedError for a missing one."""
    match value:
        case Pin():
            return value.uses
        case Name():
            return value.name
        case Part():
            return _plain(value.path)
        case Comment():
            return "# " + _plain(value.text)
        case str():
            return quoted(value)
        case int():
            return json.dumps(value)
        case Undefined():
            return str(value)
    raise TypeError(f"template values are numbers, texts, names, paths, comments and pins, not {type(value).__name__}")
