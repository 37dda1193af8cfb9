"""pydantic's verdicts on a manifest as sentences of our own: what is wrong, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from generator.manifest import models, values
from generator.manifest.problems import Loc, Problem, escaped, quoted


def _pattern(constrained: Any) -> str:
    return str(get_args(constrained)[1].pattern)


# By pattern: the noun for a value, and the pattern in words.
RULES: Final[dict[str, tuple[str, str]]] = {
    _pattern(values.CrateName): ("a crate name", "a letter, then letters, digits, - or _, at most 64 characters"),
    _pattern(values.NpmScope): ("an npm scope", "@, then lower-case letters, digits, ., _ or -, as in @example"),
    _pattern(values.NpmName): ("an npm name", "@scope/name in lower-case letters, digits, ., _ or -"),
    _pattern(values.Version): ("a version", "three numbers and perhaps a pre-release, as in 1.2.3 or 1.2.3-beta.1"),
    _pattern(values.GitUrl): ("a git URL", "https://host/path without user, password, query or spaces"),
    _pattern(values.CommitSha): ("a commit", "the full SHA of 40 lower-case hexadecimal digits, no branch and no tag"),
    _pattern(values.RelativePath): (
        "a path",
        "relative, with / between its parts, without .., spaces or special signs",
    ),
    _pattern(values.TemplateName): ("a template name", "lower-case letters, digits, - or _, at most 63 characters"),
    _pattern(values.EnvName): ("a variable's name", "capital letters, digits or _, no digit first, at most 100"),
    _pattern(values.HostName): ("a host name", "as in gw.example.com, in lower case"),
    _pattern(values.FetchHost): ("a host to fetch from", "example.com, *.example.com for its subdomains, or auto"),
    _pattern(values.ServiceUrl): (
        "a service's URL",
        "https://host/path (http for localhost only) without user, password, query or spaces, its host in lower case",
    ),
    _pattern(values.Glibc): ("a version of the GNU C library", "2.17 to 2.42"),
    _pattern(values.HeaderName): ("a header's name", "letters, digits and -, as in X-Gateway-Key"),
    _pattern(values.HeaderValue): (
        "a header's value",
        "visible ASCII without a space at either end, and $ only as in ${NAME} of an environment variable",
    ),
    _pattern(values.ActionRef): ("an action", "./ or OWNER/REPOSITORY@REF"),
    _pattern(values.Cron): ("a schedule", "cron's five fields of digits and * , - / with single spaces"),
    _pattern(values.TagPattern): (
        "a pattern of tags",
        "letters, digits and . _ - /, with single * for any of them but /",
    ),
    _pattern(values.Command): (
        "a command",
        "at least one character, none of them a control character but tab or newline",
    ),
}

_SOURCES: Final = '{"path": ...}, {"git": ..., "rev": ..., "path": ...} or {"registry": ..., "version": ...}'

# The keys whose values are one of several alternatives, each with a tag.
_TAGGED: Final = ("source", "fetch_hosts")

# The object at a place, without list indexes and with the source's tag: the model whose keys it may have.
OBJECTS: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): models.Manifest,
    ("fleet",): models.Fleet,
    ("fleet", "e2b"): models.E2BService,
    ("fleet", "limits"): models.Limits,
    ("crates",): models.Crate,
    ("crates", "commands"): models.Commands,
    ("crates", "source", "path"): models.PathSource,
    ("crates", "source", "git"): models.GitSource,
    ("crates", "source", "registry"): models.RegistrySource,
}


def model_problems(invalid: ValidationError) -> list[Problem]:
    """A problem for every error that stands for one.

    pydantic counts only the valid items of a tuple, and so calls a list too short whose items are all wrong.
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
        return Problem(loc, sentence, wrong=value if isinstance(value, str) else "", known=allowed)
    # A rule that is added to the models without a sentence here speaks in pydantic's words.
    say = _SENTENCES.get(kind)
    sentence = say(value, error.get("ctx", {})) if say else escaped(error["msg"])
    if loc[:2] == ("fleet", "e2b") and isinstance(value, str) and not _is_key(error["loc"]):
        # What was meant as a reference to a secret may be the secret itself.
        sentence = sentence.replace(quoted(value), "this value")
    return Problem(loc, sentence)


def _without_tag(loc: Loc) -> Loc:
    """A place without the name that pydantic gives a union's alternative, or a key: crates, 0, source, git, rev."""
    if _is_key(loc):
        return loc[:-1]
    tagged = next((place for place, step in enumerate(loc[:3]) if step in _TAGGED), None)
    return loc if tagged is None else (*loc[: tagged + 1], *loc[tagged + 2 :])


def _is_key(loc: Loc) -> bool:
    """Whether pydantic speaks of a header's name, not of its value."""
    return loc[:3] == ("fleet", "e2b", "headers") and loc[4:] == ("[key]",)


def _unknown_key(tagged: Loc, loc: Loc) -> Problem:
    model = OBJECTS[tuple(step for step in tagged[:-1] if isinstance(step, str))]
    known = [field.alias or name for name, field in model.model_fields.items()]
    return Problem(loc, f"unknown key; the keys here are {', '.join(known)}", wrong=str(loc[-1]), known=known)


def _off_pattern(value: Any, ctx: dict[str, Any]) -> str:
    noun, rule = RULES[ctx["pattern"]]
    return f"{quoted(value)} is not {noun}: {rule}"


def _not_a_string(value: Any, _ctx: dict[str, Any]) -> str:
    hint = "; put it in quotes" if isinstance(value, int | float) else ""
    return f"must be a string, not {quoted(value)}{hint}"


_SENTENCES: Final[dict[str, Callable[[Any, dict[str, Any]], str]]] = {
    "missing": lambda _value, _ctx: "is required and missing",
    "string_type": _not_a_string,
    "string_pattern_mismatch": _off_pattern,
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
    "fetch_hosts_type": lambda value, _ctx: f"must be open, auto or a list of hosts, not {quoted(value)}",
    "union_tag_not_found": lambda value, _ctx: f"a source is {_SOURCES}, not {quoted(value)}",
}
