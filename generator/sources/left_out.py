"""Files of the repository that a failed build did not find, because they are not part of the crate's source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from generator.cargo.directories import ancestors, resolve_path
from generator.errors import CratematrixError
from generator.manifest.crate_models import Crate
from generator.manifest.source_models import RegistrySource
from generator.sources.collect import SourceLocations, open_tree, request_of
from generator.sources.listing import Listing
from generator.sources.selection import Selection, select
from generator.sources.tree import CheckoutTree
from generator.text import message_text, quoted, shell_word


def left_out(crate: Crate, locations: SourceLocations, names: Iterable[str]) -> str | None:
    """Return a sentence about the first of some names that is a file of the repository and not of the source, or None.

    Names are relative to the crate's directory, its package.json, its workspace or the repository's top.
    """
    if isinstance(crate.source, RegistrySource):
        return None
    try:
        with closing(open_tree(crate.source, locations)) as tree:
            selection = select(request_of(crate, crate.source, locations), Listing(tree))
            sentences = (_sentence(path, selection) for path in _paths(names, selection))
            return next(filter(None, sentences), None)
    except CratematrixError:  # The build's own failure is what counts.
        return None


def _paths(names: Iterable[str], selection: Selection) -> Iterator[str]:
    """Yield what each name can mean."""
    crate, package = selection.closure.crate, selection.wanted.package
    bases = dict.fromkeys((crate, package or crate, selection.closure.lock_directory, "."))
    for name in names:
        for base in bases:
            path = resolve_path(base, name)
            if path not in (None, ".") and path not in bases:
                yield path


def _sentence(path: str, selection: Selection) -> str | None:
    listing, shown = selection.listing, message_text(path)
    files = [path] if path in listing.paths else listing.below(path)
    if files and not any(map(selection.holds, files)):
        return (
            f"{shown} is in the repository and not in the crate's source: "
            f'add {quoted(path)} to the list "include" of the crate in the manifest'
        )
    submodules = (each for each in (path, *ancestors(path)) if each in listing.submodules)
    if submodule := next(submodules, None):
        return (
            f"{shown} lies in the git submodule {message_text(submodule)}, and no file of a submodule enters a sandbox"
        )
    tree = listing.tree
    if files or not isinstance(tree, CheckoutTree) or not tree.has(path):
        return None
    if tree.untracked(path):
        return f"git does not track {shown}, and only tracked files are part of a source: git add {shell_word(path)}"
    return f"git ignores {shown}, and only tracked files are part of a source"
