"""Model of package.json: the keys that decide a crate's kind, name, version and place; other keys are ignored."""

from __future__ import annotations

import json
from typing import Any

from generator.cargo.manifests import FileModel, validate_file
from generator.errors import InputError


class PackageJson(FileModel):
    """A whole package.json; `napi` configures napi's command line."""

    name: str | None = None
    version: str | None = None
    napi: dict[str, Any] | None = None
    scripts: Any = None


def package_json(text: str) -> PackageJson:
    """Parse a package.json; raise InputError with the reason and the line when it is invalid."""
    try:
        return validate_file(PackageJson, json.loads(text))
    except RecursionError:
        raise InputError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: it is not valid JSON: {error.msg}") from None
    except ValueError as error:  # an integer of more than 4,300 digits
        raise InputError(f"it is not valid JSON: {error}") from None
