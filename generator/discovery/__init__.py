"""Discovery of a repository's crates for `init`: their kinds, names and dependencies, and the first crates.json.

It only reads Cargo.toml and package.json files: it runs neither cargo nor npm nor any code of the repository.
Validation of an existing manifest is in `generator.manifest`.
"""

from generator.discovery.crates import Discovery, FoundCrate, discover
from generator.discovery.first_manifest import convert_to_format, manifest_text, write_manifest
from generator.discovery.scan import SkippedFile

__all__ = ["Discovery", "FoundCrate", "SkippedFile", "convert_to_format", "discover", "manifest_text", "write_manifest"]
