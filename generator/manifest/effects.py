"""The effect of each manifest key on builds, declared in its type: `size: BuildInput[Size]`.

The build cache and `plan --changed-since` read these declarations, so that both agree on what triggers a build.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, TypeVar

from generator.strict import Strict


class Effect(Enum):
    """The effect of a key on what is built.

    BUILD_INPUT: a change builds the crate again. ENVIRONMENT: the key selects the tool or the machine that builds;
    the plan builds the whole fleet, and the cache key holds that environment itself. NONE: a change builds nothing.
    """

    BUILD_INPUT = "build input"
    ENVIRONMENT = "environment"
    NONE = "none"


T = TypeVar("T")
BuildInput = Annotated[T, Effect.BUILD_INPUT]
EnvironmentInput = Annotated[T, Effect.ENVIRONMENT]
NotAnInput = Annotated[T, Effect.NONE]


class Declared(Strict):
    """The base of models whose fields all declare one effect; a field without it is a TypeError at import."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Check the declarations of a new model."""
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            effect_of(cls, name)

    @classmethod
    def keys(cls, effect: Effect) -> set[str]:
        """Return the keys that have an effect."""
        return {name for name in cls.model_fields if effect_of(cls, name) is effect}


def effect_of(model: type[Declared], name: str) -> Effect:
    """Return the declared effect of a field; TypeError where there is none, or more than one."""
    found = [each for each in model.model_fields[name].metadata if isinstance(each, Effect)]
    if len(found) != 1:
        raise TypeError(f"{model.__name__}.{name} declares {len(found)} effects: use BuildInput[...] or another, once")
    return found[0]
