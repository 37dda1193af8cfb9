"""Finding the crates of a repository and writing its first crates.json.

Everything is read from Cargo.toml and package.json files; neither cargo nor npm has to be installed, and nothing of
the repository is run.
"""

from generator.discovery.crates import Discovery, FoundCrate, discover
from generator.discovery.first_manifest import convert_to_format, manifest_text, write_manifest
from generator.discovery.scan import SkippedFile

__all__ = ["Discovery", "FoundCrate", "SkippedFile", "convert_to_format", "discover", "manifest_text", "write_manifest"]
