"""Default features of a crate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def enabled_by_default(features: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the default features and all that they enable, as [features] spells them.

    `dep:NAME` is an optional dependency, and NAME/FEATURE a feature of a dependency. The latter also enables NAME, both
    the dependency and the feature. NAME?/FEATURE enables nothing.
    """
    enabled: set[str] = set()
    pending = ["default"]
    while pending:
        name = pending.pop()
        if name not in enabled:
            enabled.add(name)
            pending += features.get(name, ())
            pending += [name.split("/")[0]] if "/" in name and "?/" not in name else []
    return frozenset(enabled)
