"""Prebuilt archives of the tool cache: unpacking them in a crate's sandbox."""

from __future__ import annotations

from generator.builds.session import BuildSession
from generator.builds.tool_cache import ToolCache
from generator.recipes.prebuilt import Prebuilt


def put_prebuilt(session: BuildSession, tool_cache: ToolCache, prebuilt: Prebuilt, directory: str) -> None:
    """Unpack a prebuilt archive into a directory of the sandbox.

    The archive serves many crates: the time to build it does not count against this crate's timeout.
    """
    with session.without_timeout():
        archive = tool_cache.archive(prebuilt, session.log, session.record.add_usage)
    session.sandbox.put(archive, directory)
