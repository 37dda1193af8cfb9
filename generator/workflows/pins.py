"""Published actions at one commit each: the pins file, and the pins that a bot has renewed in a generated file.

Dependabot and Renovate renew `uses: NAME@SHA # VERSION` wherever they find it: in the pins file of this repository,
and in the generated workflows of every other one. Neither makes a generated file stale, and generating again undoes
neither. Whether a commit is the version beside it is not known here: that is for the review of a change to say, or for
zizmor, which asks GitHub (impostor-commit).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from generator.files.package_data import packaged
from generator.workflows.values import Pin

_USES: Final = re.compile(
    r"(?P<before>\buses: )(?P<action>[A-Za-z0-9-]+/[A-Za-z0-9._-]+)@(?P<sha>[0-9a-f]{40})"
    r" # (?P<version>v[0-9]{1,9}(\.[0-9]{1,9})*)$",
    re.MULTILINE,
)


def pins() -> dict[str, Pin]:
    """Return the published actions that generated workflows may use, by name."""
    return pins_in((packaged("templates") / "pins" / "action.yml").read_text(encoding="utf-8"))


def pins_in(text: str) -> dict[str, Pin]:
    """Return the pins in a workflow or an action, the newest of each action's."""
    return newest(
        Pin(action=found["action"], version=found["version"], sha=found["sha"]) for found in _USES.finditer(text)
    )


def newest(several: Iterable[Pin]) -> dict[str, Pin]:
    """Return one pin for each action: of the highest version, of equal versions the last."""
    found: dict[str, Pin] = {}
    for pin in several:
        if pin.action not in found or pin.version_numbers >= found[pin.action].version_numbers:
            found[pin.action] = pin
    return found


def with_newer_pins(text: str, existing: str | None) -> str:
    """Return a rendered text with the pins that the existing file has in newer versions."""
    there = pins_in(existing or "")

    def choose(found: re.Match[str]) -> str:
        own = Pin(action=found["action"], version=found["version"], sha=found["sha"])
        return found["before"] + newest([there.get(own.action, own), own])[own.action].uses

    return _USES.sub(choose, text)


def differ_only_in_pins(text: str | None, existing: str | None) -> bool:
    """Whether two texts differ in the versions of pinned actions at most.

    Another commit of the same version is no renewal: a version stays where it is, and who moves it may mean harm.
    """
    if text is None or existing is None or _without_pins(text) != _without_pins(existing):
        return text == existing
    pairs = zip(_USES.finditer(text), _USES.finditer(existing), strict=True)
    return all(one["version"] != other["version"] or one["sha"] == other["sha"] for one, other in pairs)


def _without_pins(text: str) -> str:
    return _USES.sub(lambda found: f"{found['before']}{found['action']}", text)
