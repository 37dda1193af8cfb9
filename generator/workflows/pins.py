"""Pins of published actions: the pins file, and newer pins in generated files.

Dependabot and Renovate update `uses: NAME@SHA # VERSION` in the pins file and in generated workflows. Such an update
does not make a generated file stale, and `generate` keeps it. This module does not check that a commit has the version
beside it; reviewers do, and so does zizmor (impostor-commit), which asks GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from generator.package_data import package_data
from generator.workflows.values import Pin

_USES: Final = re.compile(
    r"(?P<before>\buses: )(?P<action>[A-Za-z0-9-]+(/[A-Za-z0-9._-]+)+)@(?P<sha>[0-9a-f]{40})"
    r" # (?P<version>v[0-9]{1,9}(\.[0-9]{1,9})*)$",
    re.MULTILINE,
)


def pins() -> dict[str, Pin]:
    """Return the pins of the pins file by action."""
    return pins_in((package_data("templates") / "pins" / "action.yml").read_text(encoding="utf-8"))


def pins_in(text: str) -> dict[str, Pin]:
    """Return the newest pin of each action in a workflow or an action file."""
    return newest(
        Pin(action=found["action"], version=found["version"], sha=found["sha"]) for found in _USES.finditer(text)
    )


def newest(several: Iterable[Pin]) -> dict[str, Pin]:
    """Return one pin for each action: the highest version, and the last of equal versions."""
    found: dict[str, Pin] = {}
    for pin in several:
        if pin.action not in found or pin.version_numbers >= found[pin.action].version_numbers:
            found[pin.action] = pin
    return found


def with_newer_pins(text: str, existing: str | None) -> str:
    """Return a rendered text with the newer pins of the existing file."""
    present = pins_in(existing or "")

    def choose(found: re.Match[str]) -> str:
        own = Pin(action=found["action"], version=found["version"], sha=found["sha"])
        return found["before"] + newest([present.get(own.action, own), own])[own.action].uses

    return _USES.sub(choose, text)


def differ_only_in_pins(text: str | None, existing: str | None) -> bool:
    """Return True if two texts are equal, or differ only in the versions of pinned actions.

    A different commit for the same version counts as a difference: a moved version may be an attack.
    """
    if text is None or existing is None or _without_pins(text) != _without_pins(existing):
        return text == existing
    pairs = zip(_USES.finditer(text), _USES.finditer(existing), strict=True)
    return all(one["version"] != other["version"] or one["sha"] == other["sha"] for one, other in pairs)


def _without_pins(text: str) -> str:
    return _USES.sub(lambda found: f"{found['before']}{found['action']}", text)
