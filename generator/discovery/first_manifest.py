"""The first crates.json of a repository, written without overwriting an existing one."""

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
from generator.manifest.reading import cli_command
from generator.manifest.values import NpmScope
from generator.platforms import PLATFORM_NAMES, PLATFORMS_OF_KIND, Kind

# Minutes for all platforms of a small crate on two cores without a cache. Measured: an addon takes 80 to 150 s for each
# of seven platforms, a program 170 s for the first of six. A library takes about half, a wasm package has one platform.
EXPECTED_MINUTES: Final[dict[Kind, int]] = {"napi": 12, "bin": 10, "lib": 6, "wasm": 3}
MAX_SLOTS: Final = 30
# Longer than any line, so that no line is broken.
MAX_LINE: Final = 1_000_000


def manifest_text(discovery: Discovery, scope: str | None = None, schema: str | None = None) -> str:
    """Return the text of a valid crates.json for the found crates.

    `scope` replaces the npm scope that was found. `schema` is the value of `$schema`, a path relative to the manifest
    or a URL; without it the key is omitted, because editors warn about a schema that they cannot load.
    Raise InputError when the scope is invalid, or when no crate was found: then with the skipped files and the reasons.
    """
    if not discovery.crates:
        problems = tuple(f"{each.path}: {each.reason}" for each in discovery.skipped)
        raise InputError("no crate for the fleet was found", problems=problems)
    npm_scope = scope or discovery.npm_scope
    if not is_valid(NpmScope, npm_scope):
        raise InputError(f"{npm_scope[:120]!r} is not an npm scope", fix="give one like @your-scope, in lower case")
    head = {**({"$schema": schema} if schema else {}), "schema_version": 1}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    names = _npm_names(discovery.crates, npm_scope)
    crates = ",\n".join(
        f"    {_object_text(_crate(each, npm_scope, names[each.name]), 4)}" for each in discovery.crates
    )
    fleet = _object_text(_fleet(discovery.crates, npm_scope), 2)
    return "\n".join(["{", *lines, f'  "fleet": {fleet},', '  "crates": [', crates, "  ]", "}"]) + "\n"


def convert_to_format(path: Path, text: str) -> str:
    """Return a manifest's JSON in the format of the file name: JSON for .json, YAML for any other."""
    if path.suffix.lower() == ".json":
        return text
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None  # innermost collections stand on one line, as in the JSON
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = MAX_LINE
    written = StringIO()
    yaml.dump(json.loads(text), written)
    return written.getvalue()


def write_manifest(path: Path, text: str, *, force: bool) -> None:
    """Write a new manifest; with `force`, replace an existing file or link.

    Raise InputError when the file exists or cannot be written. Symbolic links are never followed.
    """
    if path.suffix.lower() not in {".json", ".yaml", ".yml"}:
        raise InputError(f"{path} is not a name of a manifest: it must end in .json, .yaml or .yml")
    with open_output(path.parent) as directory:
        if force:
            directory.write(path.name, text.encode())
        elif not directory.create(path.name, text.encode()):
            raise InputError(f"{path} already exists", fix=f"{cli_command('init', path)} --force")


def _fleet(found: tuple[FoundCrate, ...], npm_scope: str) -> dict[str, Any]:
    """Return the settings that differ between repositories, and those that users look for first."""
    platforms = {platform for crate in found for platform in PLATFORMS_OF_KIND[crate.kind]}
    return {
        "npm_scope": npm_scope,
        "slots": min(MAX_SLOTS, len(found)),
        "platforms": [name for name in PLATFORM_NAMES if name in platforms],
        # The default is a float, which would be written as 60.0.
        "timeout_minutes": int(Fleet.model_fields["timeout_minutes"].default),
        "retries": Fleet.model_fields["retries"].default,
    }


def _crate(crate: FoundCrate, npm_scope: str, npm_name: str) -> dict[str, Any]:
    return {
        "name": crate.name,
        **({"npm_name": npm_name} if npm_name != f"{npm_scope}/{crate.name}" else {}),
        "version": crate.version,
        "kind": crate.kind,
        "source": {"path": crate.path, **({"package": crate.package} if crate.package else {})},
        "depends_on": crate.depends_on,
        "expected_minutes": EXPECTED_MINUTES[crate.kind],
    }


def _npm_names(found: tuple[FoundCrate, ...], npm_scope: str) -> dict[str, str]:
    """Return each crate's npm name: that of package.json, or else SCOPE/NAME in lower case.

    When another package.json uses that name, the crate's kind is appended. A library keeps it: it is never packed.
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


def _object_text(values: Mapping[str, Any], indent: int) -> str:
    """Return a JSON object with one member on each line."""
    inner = ",\n".join(f"{' ' * (indent + 2)}{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return f"{{\n{inner}\n{' ' * indent}}}"
