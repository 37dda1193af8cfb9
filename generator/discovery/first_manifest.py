"""The first crates.json of a repository, written without overwriting an existing one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from generator.discovery.choices import Choices, parse_scope, platforms_of
from generator.discovery.crates import UNPUBLISHED, Discovery, FoundCrate
from generator.errors import InputError
from generator.files.output import open_output
from generator.manifest.fleet_models import Fleet
from generator.manifest.reading import cli_command
from generator.manifest.schema import TITLE, manifest_schema
from generator.platforms import PLATFORMS, PLATFORMS_OF_KIND, Kind, PlatformName

# Minutes for all platforms of a small crate on two cores without a cache. Measured: an addon takes 80 to 150 s for each
# of seven platforms, a program 170 s for the first of six. A library takes about half, a wasm package has one platform.
EXPECTED_MINUTES: Final[dict[Kind, int]] = {"napi": 12, "bin": 10, "lib": 6, "wasm": 3}
MAX_SLOTS: Final = 30
# Longer than any line, so that no line is broken.
MAX_LINE: Final = 1_000_000
SCHEMA_NAME: Final = "crates.schema.json"
MAX_SCHEMA: Final = 16 * 1024 * 1024
DEFAULTS: Final = Choices()


def manifest_text(discovery: Discovery, choices: Choices = DEFAULTS, schema: str | None = None) -> str:
    """Return the text of a valid crates.json for the found crates.

    `choices` replace what was found. `schema` is the value of `$schema`, a path relative to the manifest
    or a URL; without it the key is omitted, because editors warn about a schema that they cannot load.
    Raise InputError when the scope is invalid, or when no crate was found: then with the skipped files and the reasons.
    """
    if not discovery.crates:
        problems = tuple(f"{each.path}: {each.reason}" for each in discovery.skipped)
        unpublished = any(each.reason == UNPUBLISHED for each in discovery.skipped)
        fix = "cratematrix init --unpublished" if unpublished else None
        raise InputError("no crate for the fleet was found", fix=fix, problems=problems)
    npm_scope = parse_scope(choices.scope or discovery.npm_scope)
    platforms = choices.platforms or platforms_of(discovery.crates)
    head = {**({"$schema": schema} if schema else {}), "schema_version": 1}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    names = npm_names(discovery.crates, npm_scope)
    crates = ",\n".join(
        f"    {object_text(crate_entry(each, npm_scope, names[each.name], platforms), 4)}" for each in discovery.crates
    )
    fleet = object_text(_fleet(discovery.crates, npm_scope, platforms, choices), 2)
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
    check_name(path)
    with open_output(path.parent) as directory:
        if force:
            directory.write(path.name, text.encode())
        elif not directory.create(path.name, text.encode()):
            raise already_exists(path)


def check_name(path: Path) -> None:
    """Raise InputError if a manifest cannot have this name."""
    if path.suffix.lower() not in {".json", ".yaml", ".yml"}:
        raise InputError(f"{path} is not a name of a manifest: it must end in .json, .yaml or .yml")


def already_exists(path: Path) -> InputError:
    """Return the error for a manifest that is there."""
    return InputError(f"{path} already exists", fix=f"{cli_command('init', path)} --update, or --force to replace it")


def write_schema(directory: Path) -> str | None:
    """Write the manifest's JSON Schema beside it, for editors, and return the value of `$schema`.

    Return None, and write nothing, if that name belongs to another file.
    """
    text = json.dumps(manifest_schema(), indent=2) + "\n"
    with open_output(directory) as opened:
        existing = opened.read(SCHEMA_NAME, MAX_SCHEMA)
        if existing is not None and json.dumps(TITLE).encode() not in existing:
            return None
        if existing != text.encode():
            opened.write(SCHEMA_NAME, text.encode())
    return f"./{SCHEMA_NAME}"


def _fleet(
    found: tuple[FoundCrate, ...], npm_scope: str, platforms: tuple[PlatformName, ...], choices: Choices
) -> dict[str, Any]:
    """Return the settings that differ between repositories, and those that users look for first."""
    return {
        "npm_scope": npm_scope,
        "slots": min(MAX_SLOTS, len(found)),
        **({"action": choices.action} if choices.action else {}),
        **({"backend": choices.backend} if choices.backend != "local" else {}),
        "platforms": platforms,
        # The default is a float, which would be written as 60.0.
        "timeout_minutes": int(Fleet.model_fields["timeout_minutes"].default),
        "retries": Fleet.model_fields["retries"].default,
    }


def crate_entry(
    crate: FoundCrate, npm_scope: str, npm_name: str, platforms: tuple[PlatformName, ...]
) -> dict[str, Any]:
    """Return a crate's entry in a manifest whose fleet has these platforms."""
    shared = [name for name in PLATFORMS_OF_KIND[crate.kind] if name in platforms]
    own = [name for name in shared if name in (crate.platforms or shared)]
    return {
        "name": crate.name,
        **({"npm_name": npm_name} if npm_name != f"{npm_scope}/{crate.name}" else {}),
        "version": crate.version,
        "kind": crate.kind,
        "source": {"path": crate.path, **({"package": crate.package} if crate.package else {})},
        **({"platforms": own} if own and own != shared else {}),
        **({"commands": {"build": _build_command(crate)}} if crate.features else {}),
        "depends_on": crate.depends_on,
        "expected_minutes": EXPECTED_MINUTES[crate.kind],
    }


def _build_command(crate: FoundCrate) -> str:
    """Return the command that builds a crate with features that are off by default."""
    what = f"--lib --target {PLATFORMS['wasm32'].target}" if crate.kind == "wasm" else "--bins"
    return f"cargo build --offline --locked --release {what} --features {shlex.quote(','.join(crate.features))}"


def npm_names(found: tuple[FoundCrate, ...], npm_scope: str) -> dict[str, str]:
    """Return each crate's npm name: that of package.json, or else SCOPE/NAME in lower case.

    When another package.json uses that name, the crate's kind is appended. A library keeps it: it is never packed.
    """
    names = {crate.name: crate.npm_name for crate in found if crate.npm_name is not None}
    taken = set(names.values())
    for crate in (each for each in found if each.npm_name is None):
        # Names of Rust's packages may begin with _, those of npm's may not.
        name = f"{npm_scope}/{crate.name.lower().lstrip('_') or 'crate'}"
        while name in taken and crate.kind != "lib":
            name += f"-{crate.kind}"
        names[crate.name] = name
        taken |= {name} if crate.kind != "lib" else set()
    return names


def object_text(values: Mapping[str, Any], indent: int) -> str:
    """Return a JSON object with one member on each line."""
    inner = ",\n".join(f"{' ' * (indent + 2)}{json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return f"{{\n{inner}\n{' ' * indent}}}"
