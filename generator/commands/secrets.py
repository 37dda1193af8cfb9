"""What a command knows of secrets before it says anything, and how it reaches E2B with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from generator import console
from generator.github_actions.step_files import in_github

if TYPE_CHECKING:
    from generator.manifest.models import Manifest
    from generator.redaction import Redactor
    from generator.sandboxes.e2b.connection import Connection, Gateway


def known_secrets(manifest: Manifest | None = None) -> Redactor:
    """Know every secret of this process, and keep it from the terminal from now on."""
    from generator.manifest.settings import passed_names
    from generator.redaction import MIN_SECRET, Redactor, secrets_in_environment

    secrets = secrets_in_environment(os.environ, passed_names(manifest) if manifest else ())
    if in_github(os.environ):
        for secret in secrets.values():
            console.mask(secret, MIN_SECRET)
    redactor = Redactor(secrets)
    console.redact_with(redactor)
    for name in redactor.too_short:
        console.say(f"note: the value of {name} is too short to be kept out of what is printed")
    return redactor


def e2b_connection(manifest: Path, gateway: Gateway, redactor: Redactor) -> Connection:
    """Say how E2B is reached, by the options, the environment and the manifest, if there is one."""
    from generator.manifest.models import E2BService
    from generator.manifest.reading import load_manifest
    from generator.sandboxes.e2b.connection import resolve

    service = load_manifest(manifest).fleet.e2b if manifest.exists() else E2BService()
    connection = resolve(service, gateway, os.environ)
    for name, secret in connection.secrets().items():
        redactor.add(name, secret)
    return connection
