"""The first crates.json of a repository, and writing it without losing one that is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from generator.discovery.crates import Discovery, FoundCrate
from generator.discovery.scopes import is_valid
from generator.errors import InputError
from generator.files.output import open_output
from generator.manifest.models import Fleet
from generator.manifest.reading import command_for
from generator.manifest.values import NpmScope
from generator.platforms import PLATFORM_NAMES, VALID_FOR, Kind

# Minutes for all platforms of a small crate on two cores, cold: an addon was measured at 80 to 150 s for each of seven
# platforms, a program at 170 s for the first of six; a library needs about half of that, a wasm package one platform.
# Whoever knows better writes it over these.
EXPECTED_MINUTES: Final[dict[Kind, int]] = {"napi": 12, "bin": 10, "lib": 6, "wasm": 3}
MAX_SLOTS: Final = 30
# Longer than any line: none is broken.
MAX_LINE: Final = 1_000_000


def manifest_text(discovery: Discovery, scope: str | None = None, schema: str | None = None) -> str:
    """Text of crates.json for what was found, valid by `Manifest`.

    `scope` replaces the npm scope that was found. `schema` is the `$schema` to name, a path from the manifest or an
    address; without one there is no such key, because editors warn about a schema that they cannot get.
    InputError when the scope cannot be one, or when nothing was found: with what was left out, and why.
    """
    if not discovery.crates:
        problems = tuple(f"{each.path}: {each.reason}" for each in discovery.skipped)
        raise InputError("nothing was found that can become a crate of the fleet", problems=problems)
    npm_scope = scope or discovery.npm_scope
    if not is_valid(NpmScope, npm_scope):
        raise InputError(f"{npm_scope[:120]!r} is not an npm scope", fix="give one like @your-scope, in lower case")
    head = {**({"$schema": schema} if schema else {}), "schema_version": 1}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    names = _npm_names(discovery.crates, npm_scope)
    crates = ",\n".join(f"    {_block(_crate(each, npm_scope, names[each.name]), 4)}" for each in discovery.crates)
    fleet = _block(_fleet(discovery.crates, npm_scope), 2)
    return "\n".join(["{", *lines, f'  "fleet": {fleet},', '  "crates": [', crates, "  ]", "}"]) + "\n"


def convert_to_format(path: Path, text: str) -> str:
    """Return a manifest's JSON as the name of its file says: the same in YAML for any other name than .json."""
    if path.suffix.lower() == ".json":
        return text
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # what is innermost stands on one line, as in the JSON
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = MAX_LINE
    written = StringIO()
    yaml.dump(json.loads(text), written)
    return written.getvalue()


def write_manifest(path: Path, text: str, *, force: bool) -> None:
    """Write a file that is not there yet; with `force`, put it in the place of whatever file or link is.

    InputError when it is there, or when it cannot be written. A symbolic link is never followed.
    """
    if path.suffix.lower() not in {".json", ".yaml", ".yml"}:
        raise InputError(f"{path} is not a manifest's name: it ends in .json, .yaml or .yml")
    with open_output(path.parent) as directory:
        if force:
            directory.write(path.name, text.encode())
        elif not directory.create(path.name, text.encode()):
            raise InputError(f"{path} exists already", fix=f"{command_for('init', path)} --force")


def _fleet(found: tuple[FoundCrate, ...], npm_scope: str) -> dict[str, Any]:
    """Settings that differ from one repository to the next, and those that people look for first."""
    wanted = {platform for crate in found for platform in VALID_FOR[crate.kind]}
    return {
        "npm_scope": npm_scope,
        "slots": min(MAX_SLOTS, len(found)),
        "platforms": [name for name in PLATFORM_NAMES if name in wanted],
        "timeout_minutes": Fleet.model_fields["timeout_minutes"].default,
        "retries": Fleet.model_fields["retries"].default,
    }


def _crate(crate: FoundCrate, npm_scope: str, npm_name: str) -> dict[str, Any]:
    return {
        "name": crate.name,
        **({"npm_name": npm_name} if npm_name != f"{npm_scope}/{crate.name}" else {}),
        "version": crate.version,
        "kind": crate.kind,
        "source": {"path": crate.path},
        "depends_on": crate.depends_on,
        "expected_minutes": EXPECTED_MINUTES[crate.kind],
    }


def _npm_names(found: tuple[FoundCrate, ...], npm_scope: str) -> dict[str, str]:
    """Each crate's npm name: package.json's own, else SCOPE/NAME in lower case.

    Where a package.json has taken the latter (an addon @scope/x for a program x), the crate's kind is appended; but not
    to a library's, which is never packed.
    """
    names = {crate.name: crate.npm_name for crate in found if crate.npm_name is not None}
    taken = set(names.values())
    for crate in (each for each in found if each.npm_name is None):
        name = f"{npm_scope}/{crate.name.lower()}"
        while name in taken and crate.kind != "lib":
            name += f"-{crate.kind}"
        names[crate.name] = name
        taken |= {name} if crate.kind != "lib" else set()
    return names


def _block(values: Mapping[str, Any], indent: int) -> str:
    """An object with one member a line, each value on its line."""
    inner = ",\n".join(f"{' ' * (indent + 2)}{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return f"{{\n{inner}\n{' ' * indent}}}"
