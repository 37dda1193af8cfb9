"""The text of a release; pure."""

from __future__ import annotations

import shlex
from urllib.parse import quote

from generator.manifest.models import Manifest
from generator.manifest.names import github_asset_name, tarball_names
from generator.manifest.settings import settings
from generator.markdown import code_block, escape
from generator.packages.install_lines import INSTALLERS, install_line
from generator.releases.expected_assets import expected_packages
from generator.text import counted


def release_notes(manifest: Manifest, tag: str, repository: str) -> str:
    """Return the number of packages, how to check them, and the lines that install one from its address.

    `repository` is the address of the repository. Packages of the layout split need a registry, so they have no lines.
    """
    packages = counted(len(expected_packages(manifest)), "npm package")
    command = code_block(f"cratematrix release verify --tag {shlex.quote(tag)}\n", "sh")
    notes = f"{packages}. Check them:\n\n{command}"
    for crate in manifest.crates:
        own = settings(manifest.fleet, crate)
        if len(names := tarball_names(crate, own, own.platforms, own.layout)) == 1:
            address = f"{repository}/releases/download/{quote(tag, safe='')}/{github_asset_name(*names)}"
            lines = "".join(install_line(each, own.npm_name, address) + "\n" for each in INSTALLERS)
            return f"{notes}\nTo install {escape(own.npm_name)}, as an example:\n\n{code_block(lines, 'sh')}"
    return notes
