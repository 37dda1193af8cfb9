"""Error messages for a manifest that fails validation: pydantic's errors as plain sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from generator.manifest import crate_models, fleet_models, source_models
from generator.manifest.models import Manifest
from generator.manifest.problems import Location, Problem
from generator.manifest.text_rules import TEXT_RULE
from generator.manifest.values import ALTERNATIVES
from generator.platforms import OTHERS_OF_NAPI, PLATFORM_NAMES
from generator.text import escaped, quoted

# Keys with a tagged union as their type.
_TAGGED: Final = ("source", "fetch_hosts")

# The model of each object, by its path without list indexes and with the source's tag.
OBJECTS: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): Manifest,
    ("fleet",): fleet_models.Fleet,
    ("fleet", "e2b"): fleet_models.E2BService,
    ("fleet", "limits"): fleet_models.Limits,
    ("fleet", "workflows"): fleet_models.Workflows,
    ("crates",): crate_models.Crate,
    ("crates", "commands"): crate_models.Commands,
    ("crates", "quarantine"): crate_models.Quarantine,
    ("crates", "source", "path"): source_models.PathSource,
    ("crates", "source", "git"): source_models.GitSource,
    ("crates", "source", "registry"): source_models.RegistrySource,
}


def model_problems(invalid: ValidationError) -> list[Problem]:
    """Return a problem for every validation error.

    pydantic counts only the valid items of a tuple, so it also reports a list of invalid items as too short. That
    error is left out.
    """
    errors = invalid.errors(include_url=False)
    return [_problem(error) for error in errors if error["type"] != "too_short" or not error["input"]]


def _problem(error: ErrorDetails) -> Problem:
    loc = _without_tag(error["loc"])
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(error["loc"], loc)
    if kind == "literal_error":
        allowed = re.findall("'([^']*)'", error["ctx"]["expected"])
        sentence = f"{quoted(value)} is not one of {', '.join(allowed)}"
        if isinstance(value, str) and value in OTHERS_OF_NAPI and PLATFORM_NAMES[0] in allowed:
            sentence = f"{value} is a platform of napi that cratematrix does not build; it builds {', '.join(allowed)}"
        return Problem(loc, sentence, wrong=value if isinstance(value, str) else "", known=allowed)
    # An error type without a sentence here keeps pydantic's message.
    write = _SENTENCES.get(kind)
    sentence = write(value, {**error.get("ctx", {}), "message": error["msg"]}) if write else escaped(error["msg"])
    if loc[:2] == ("fleet", "e2b") and isinstance(value, str) and not _is_key(error["loc"]):
        # The value of a header may be a secret that somebody wrote literally.
        sentence = sentence.replace(quoted(value), "this value")
    return Problem(loc, sentence)


def _without_tag(loc: Location) -> Location:
    """Remove from a path the tag of a union, as in crates, 0, source, git, rev, or pydantic's mark of a key."""
    if _is_key(loc):
        return loc[:-1]
    tagged = next((place for place, step in enumerate(loc[:3]) if step in _TAGGED), None)
    return loc if tagged is None else (*loc[: tagged + 1], *loc[tagged + 2 :])


def _is_key(loc: Location) -> bool:
    """Return True if an error is about the name of a header and not its value."""
    return loc[:3] == ("fleet", "e2b", "headers") and loc[4:] == ("[key]",)


def _unknown_key(tagged: Location, loc: Location) -> Problem:
    model = OBJECTS[tuple(step for step in tagged[:-1] if isinstance(step, str))]
    known = [field.alias or name for name, field in model.model_fields.items()]
    listed = f"; the keys here are {', '.join(known)}"
    return Problem(loc, "unknown key", wrong=str(loc[-1]), known=known, otherwise=listed)


def _not_a_string(value: Any, _ctx: dict[str, Any]) -> str:
    hint = "; put it in quotes" if isinstance(value, int | float) else ""
    return f"must be a string, not {quoted(value)}{hint}"


_SENTENCES: Final[dict[str, Callable[[Any, dict[str, Any]], str]]] = {
    "missing": lambda _value, _ctx: "is required and missing",
    "string_type": _not_a_string,
    TEXT_RULE: lambda value, ctx: f"{quoted(value)} is not {ctx['noun']}: {ctx['hint']}",
    ALTERNATIVES: lambda value, ctx: f"{ctx['message']}, not {quoted(value)}",
    "string_too_long": lambda value, ctx: (
        f"{quoted(value)} has {len(value):,} characters; at most {ctx['max_length']:,} are allowed"
    ),
    "int_type": lambda value, _ctx: f"must be a whole number, not {quoted(value)}",
    "float_type": lambda value, _ctx: f"must be a number, not {quoted(value)}",
    "bool_type": lambda value, _ctx: f"must be true or false, not {quoted(value)}",
    "tuple_type": lambda value, _ctx: f"must be a list, not {quoted(value)}",
    "model_type": lambda value, _ctx: f"must be an object, not {quoted(value)}",
    "dict_type": lambda value, _ctx: f"must be an object, not {quoted(value)}",
    "greater_than": lambda value, ctx: f"must be more than {ctx['gt']:g}, not {quoted(value)}",
    "greater_than_equal": lambda value, ctx: f"must be at least {ctx['ge']:g}, not {quoted(value)}",
    "less_than_equal": lambda value, ctx: f"must be at most {ctx['le']:g}, not {quoted(value)}",
    "too_short": lambda _value, ctx: f"is an empty list; at least {ctx['min_length']} entry is needed",
    "too_long": lambda _value, ctx: f"has too many entries; at most {ctx['max_length']:,} are allowed",
}
