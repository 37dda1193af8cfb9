"""The doctor's checks of the backend `e2b`: connection, key, limits and templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from generator.doctor.findings import Finding, failed_finding
from generator.errors import CratematrixError, InputError
from generator.manifest.models import Manifest
from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.control_plane import count_sandboxes
from generator.sandboxes.e2b.errors import user_error
from generator.sandboxes.e2b.template.building import sizes_in_use, template_state
from generator.sandboxes.e2b.template.definition import load_definition
from generator.sandboxes.e2b.template.identity import template_name


def e2b_findings(manifest: Manifest, directory: Path, connect: Callable[[], Connection]) -> list[Finding]:
    """Check everything that builds at E2B need; the template's definition is in the manifest's `directory`."""
    try:
        connection = connect()
    except CratematrixError as error:
        if error.problems:
            return [Finding("configuration", "missing", line) for line in error.problems]
        return [Finding("configuration", "missing", error.message, error.fix)]
    findings = [Finding("configuration", "ok", connection.api_url or "E2B's own address"), _key(connection)]
    if findings[-1].state != "ok":
        return findings
    limits = manifest.fleet.limits
    message = (
        f"at most {limits.e2b_sandboxes} sandboxes at once and {limits.e2b_creates_per_second:g} creates a second, "
        "by the manifest: E2B has no API for an account's limits"
    )
    return [*findings, Finding("limits", "note", message), *_templates(manifest, directory, connection)]


def _key(connection: Connection) -> Finding:
    try:
        count = count_sandboxes(connection)
    except Exception as error:  # the SDK's errors have no common base class
        return failed_finding("key", user_error(error, "E2B cannot be asked"))
    return Finding("key", "ok", f"accepted; {count} of its sandboxes exist now")


def _templates(manifest: Manifest, directory: Path, connection: Connection) -> Iterator[Finding]:
    try:
        definition = load_definition(directory)
    except InputError as error:
        yield failed_finding("template", error)
        return
    for size in sizes_in_use(manifest):
        check = f"template {template_name(manifest.fleet.template, size)}"
        try:
            state = template_state(manifest, definition, size, connection)
        except CratematrixError as error:
            yield failed_finding(check, error)
            continue
        if state == "ready":
            yield Finding(check, "ok", state)
        else:
            yield Finding(check, "missing", state, "cratematrix template build")
