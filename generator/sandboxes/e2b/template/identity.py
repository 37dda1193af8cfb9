"""Name and tag of an image: the name tells the size class, the tag is a hash of the inputs."""

from __future__ import annotations

import hashlib
import json

from generator.manifest.values import Size
from generator.sandboxes.e2b.template.definition import Definition

TAG_DIGITS = 12


def template_name(base: str, size: Size) -> str:
    """Return the name of the image of a size class."""
    return f"{base}-{size}"


def template_tag(dockerfile: str, definition: Definition, size: Size) -> str:
    """Return the tag, a hash of the Dockerfile without pre-fetched crates, the size class and the health check.

    A new version of a crate keeps an image up to date, because sandboxes fetch missing dependencies.
    """
    inputs = [dockerfile, definition.sizes[size].model_dump(mode="json"), definition.health_check]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:TAG_DIGITS]


def template_reference(base: str, dockerfile: str, definition: Definition, size: Size) -> str:
    """Return NAME:TAG, the reference that sandboxes start from."""
    return f"{template_name(base, size)}:{template_tag(dockerfile, definition, size)}"
