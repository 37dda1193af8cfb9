"""What an image is called: its name says the size class, its tag what it was made of."""

from __future__ import annotations

import hashlib
import json

from generator.manifest.values import Size
from generator.sandboxes.e2b.template.definition import Definition

TAG_DIGITS = 12


def template_name(base: str, size: Size) -> str:
    """Return the name of a size class's image."""
    return f"{base}-{size}"


def template_tag(dockerfile: str, definition: Definition, size: Size) -> str:
    """Return the tag: of the Dockerfile without the fleet's own dependencies, and of the size.

    A new version of a crate does not make an image outdated: what it lacks is fetched.
    """
    parts = [dockerfile, definition.sizes[size].model_dump(mode="json")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:TAG_DIGITS]


def template_reference(base: str, dockerfile: str, definition: Definition, size: Size) -> str:
    """Return NAME:TAG, which a sandbox is started from."""
    return f"{template_name(base, size)}:{template_tag(dockerfile, definition, size)}"
