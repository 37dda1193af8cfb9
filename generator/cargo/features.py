"""What is on in a crate that is built as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def enabled_by_default(features: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Features that are on when nobody says otherwise, and all that they switch on, as [features] spells it.

    `dep:NAME` stands for an optional dependency, and NAME/FEATURE for a feature of a dependency. The latter also
    switches NAME on, the dependency and the feature alike; NAME?/FEATURE switches nothing on.
    """
    enabled: set[str] = set()
    waiting = ["default"]
    while waiting:
        name = waiting.pop()
        if name not in enabled:
            enabled.add(name)
            waiting += features.get(name, ())
            waiting += [name.split("/")[0]] if "/" in name and "?/" not in name else []
    return frozenset(enabled)
