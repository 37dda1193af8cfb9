"""Checks of the checkout's sources without building: what `build` would refuse, known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from generator.cargo.directories import parent
from generator.errors import InputError
from generator.manifest.models import Manifest
from generator.manifest.source_models import PathSource
from generator.sources.collect import fleet_files, repository_top
from generator.sources.listing import Listing
from generator.sources.selection import select, wanted
from generator.sources.tree import CheckoutTree


def source_errors(manifest: Manifest, file: Path) -> Iterator[tuple[int, InputError]]:
    """Yield the error of each crate whose files cannot be selected, with the crate's position in the manifest.

    `file` is the path of the manifest. InputError if the checkout itself cannot be read.
    """
    top = repository_top(file.parent)
    name = file.relative_to(top).as_posix()
    listing, unread = Listing(CheckoutTree(top)), fleet_files(manifest, name)
    for index, crate in enumerate(manifest.crates):
        if isinstance(crate.source, PathSource):
            try:
                select(wanted(crate, crate.source, parent(name), unread), listing)
            except InputError as error:
                yield index, error
