"""The secrets of this process: masked in all output before a command prints anything."""

from __future__ import annotations

import os

from generator.console.output import print_mask, print_message, set_redactor
from generator.github_actions.step_files import in_github_actions
from generator.manifest.fleet_models import E2BService
from generator.manifest.models import Manifest
from generator.manifest.settings import passed_variables
from generator.redaction import MIN_SECRET, Redactor, secrets_in_environment
from generator.sandboxes.e2b.connection import Connection, Gateway, resolve_connection


def mask_secrets(manifest: Manifest | None = None) -> Redactor:
    """Find the secrets in the environment, mask them in all later output, and return the redactor."""
    secrets = secrets_in_environment(os.environ, passed_variables(manifest) if manifest else ())
    if in_github_actions(os.environ):
        for secret in secrets.values():
            print_mask(secret, MIN_SECRET)
    redactor = Redactor(secrets)
    set_redactor(redactor)
    for name in redactor.too_short:
        print_message(f"note: the value of {name} is too short to mask in output")
    return redactor


def e2b_connection(service: E2BService, gateway: Gateway, redactor: Redactor) -> Connection:
    """Return the connection to E2B by options, environment and manifest, and mask its secrets."""
    connection = resolve_connection(service, gateway, os.environ)
    for name, secret in connection.secrets().items():
        redactor.add(name, secret)
    return connection
