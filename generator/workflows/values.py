"""How a value is written into YAML: the one way from a model into a generated file."""

from __future__ import annotations

import json
from typing import Annotated

from jinja2 import Undefined
from pydantic import Field

from generator.manifest.values import CommitSha, EnvName
from generator.strict import Strict


class Pin(Strict):
    """A published action at one commit, with the version that commit is."""

    action: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")]
    version: Annotated[str, Field(pattern=r"^v[0-9]{1,9}(\.[0-9]{1,9})*$")]
    sha: CommitSha

    @property
    def version_numbers(self) -> tuple[int, ...]:
        """The version, to compare by."""
        return tuple(int(number) for number in self.version[1:].split("."))

    @property
    def uses(self) -> str:
        """The value of `uses:`, with the version in the comment that update tools and zizmor read."""
        return f"{self.action}@{self.sha} # {self.version}"


class Name(Strict):
    """A name of a variable or a secret, which stands in an expression or as a key."""

    name: EnvName


class Comment(Strict):
    """What stands behind a # for people to read."""

    text: str


def quoted(text: str) -> str:
    """Return a YAML double-quoted scalar; ValueError for what the manifest's models never let through.

    A JSON string of printable ASCII is the same scalar in YAML. GitHub looks for expressions after YAML is read, so
    no quoting can take the meaning from one.
    """
    return json.dumps(_plain(text))


def _plain(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or "${{" in text:
        raise ValueError(f"not a plain value: {text!r}")
    return text


def yaml_value(value: object) -> str:
    """Write what stands between a template's delimiters; a missing value raises jinja2's UndefinedError."""
    match value:
        case Pin():
            return value.uses
        case Name():
            return value.name
        case Comment():
            return "# " + _plain(value.text)
        case str():
            return quoted(value)
        case int():
            return json.dumps(value)
        case Undefined():
            return str(value)
    raise TypeError(f"templates get numbers, texts, names, comments and pins, not {type(value).__name__}")
