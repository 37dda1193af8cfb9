"""The GitHub Actions workflows: rendered from a manifest, then written or compared with those in the repository."""

from generator.workflows.files import Change, Difference, diff, differences, stale, write
from generator.workflows.rendering import render

__all__ = ["Change", "Difference", "diff", "differences", "render", "stale", "write"]
