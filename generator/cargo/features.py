"""The features of a crate that others enable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def enabled_by_default(features: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the default features and all that they enable, as [features] spells them."""
    return enabled_by(["default"], features)


def enabled_by(names: Iterable[str], features: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return features and all that they enable, as [features] spells them.

    `dep:NAME` is an optional dependency, and NAME/FEATURE a feature of a dependency. The latter also enables NAME, both
    the dependency and the feature. NAME?/FEATURE enables nothing.
    """
    enabled: set[str] = set()
    pending = [*names]
    while pending:
        name = pending.pop()
        if name not in enabled:
            enabled.add(name)
            pending += features.get(name, ())
            pending += [name.split("/")[0]] if "/" in name and "?/" not in name else []
    return frozenset(enabled)
