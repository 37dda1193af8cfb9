"""The inputs of a crate's build as digests, and the comparison of those of two runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from generator.strict import Strict

InputName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_ ]{0,63}$")]
ShortDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
InputDigests = Annotated[dict[InputName, ShortDigest], Field(max_length=200)]
"""A digest of each input of a build, by the input's name. It is only compared with that of another run."""


class Explanation(Strict):
    """The inputs of a crate that changed since the run before, by name.

    `changed` is None if that run has no inputs of the crate. `not_known` has the inputs whose values are secret.
    """

    crate: str
    changed: tuple[InputName, ...] | None
    not_known: tuple[InputName, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each changed or unknown input, or one for all."""
        if self.changed is None:
            return ("not known",)
        return (*self.changed, *(f"{name}: not known" for name in self.not_known)) or ("unchanged",)


def explain(
    crate: str, before: Mapping[str, str] | None, now: Mapping[str, str], secret: Collection[str]
) -> Explanation:
    """Compare the inputs of two runs; `secret` has the names of those that have no digest in `now`."""
    if before is None:
        return Explanation(crate=crate, changed=None)
    unknown = tuple(name for name in secret if name not in before)
    names = dict.fromkeys((*now, *before))
    return Explanation(
        crate=crate, changed=tuple(name for name in names if before.get(name) != now.get(name)), not_known=unknown
    )
