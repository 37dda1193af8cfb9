"""Finding the crates of a repository and writing its first crates.json.

Everything is read from Cargo.toml and package.json files; neither cargo nor npm has to be installed, and nothing of
the repository is run.
"""

from generator.discovery.crates import Discovery, Found, discover
from generator.discovery.first_manifest import in_format_of, manifest_text, write_new
from generator.discovery.survey import LeftOut

__all__ = ["Discovery", "Found", "LeftOut", "discover", "in_format_of", "manifest_text", "write_new"]
