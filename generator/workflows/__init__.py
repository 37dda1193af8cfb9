"""Generated files: rendered from a manifest, then written, compared with the repository, or proposed as a pull request.

The sandbox image's Dockerfile is rendered by `sandboxes.e2b.template`; building the image is there too.
"""

from generator.workflows.files import Change, Difference, diff, differences, stale, write
from generator.workflows.rendering import render

__all__ = ["Change", "Difference", "diff", "differences", "render", "stale", "write"]
