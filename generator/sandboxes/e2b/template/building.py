"""Build and check of the image through the SDK, and the state of existing images."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

from generator.errors import CratematrixError, InputError, Unavailable
from generator.manifest.models import Manifest
from generator.manifest.values import NEXT_SIZE, SIZES, Size
from generator.sandboxes.e2b.connection import Connection
from generator.sandboxes.e2b.errors import user_error
from generator.sandboxes.e2b.headers import with_headers
from generator.sandboxes.e2b.sdk import CommandExitException, Sandbox, Template
from generator.sandboxes.e2b.template.definition import Definition
from generator.sandboxes.e2b.template.dockerfile import prefetch_lines, render_dockerfile
from generator.sandboxes.e2b.template.identity import template_name, template_reference, template_tag
from generator.text import counted, plain

CHECK_SECONDS = 120
# Timeout of the sandbox that runs the checks.
SANDBOX_SECONDS = 600


def template_state(manifest: Manifest, definition: Definition, size: Size, connection: Connection) -> str:
    """Return "ready", "outdated" or "missing" for a size class; the user's error when E2B does not respond."""
    name = template_name(manifest.fleet.template, size)
    tag = template_tag(render_dockerfile(), definition, size)
    try:
        if not Template.exists(name, **connection.api_params()):
            return "missing"
        tags = {each.tag for each in Template.get_tags(name, **connection.api_params())}
    except Exception as error:
        raise user_error(error, f"the template {name} cannot be looked up") from None
    return "ready" if tag in tags else "outdated"


def check_templates(
    manifest: Manifest, definition: Definition, sizes: Sequence[Size], connection: Connection, fix: str
) -> None:
    """Raise InputError, with `fix`, for images of size classes that are missing or outdated.

    An image that E2B cannot be asked about counts as ready: the create of a sandbox tries for longer.
    """
    problems = list[str]()
    for size in sizes:
        with suppress(Unavailable):
            if (state := template_state(manifest, definition, size, connection)) != "ready":
                problems.append(f"the image {template_name(manifest.fleet.template, size)} is {state} at E2B")
    if problems:
        *others, last = problems
        raise InputError(last, problems=tuple(others), fix=fix)


def build_templates(
    manifest: Manifest,
    definition: Definition,
    connection: Connection,
    sizes: Sequence[Size],
    force: bool,
    log: Callable[[str], None],
) -> None:
    """Build and check the images that are missing or outdated, or all with `force`, and log the progress.

    InputError when a build or a check fails.
    """
    text = render_dockerfile(prefetch_lines(manifest))
    for size in sizes:
        reference = template_reference(manifest.fleet.template, render_dockerfile(), definition, size)
        if not force and template_state(manifest, definition, size, connection) == "ready":
            log(f"{reference} is already built")
            continue
        log(f"building {reference}: this takes minutes")
        _build(reference, text, definition, size, connection, force, log)
        if problems := tuple(failed_checks(reference, definition, connection)):
            _remove_tag(reference, connection)
            raise InputError(f"{reference} was built and does not work", problems=problems)
        log(f"{reference} is ready: {counted(len(definition.checks), 'check')} passed")


def _build(
    reference: str,
    text: str,
    definition: Definition,
    size: Size,
    connection: Connection,
    force: bool,
    log: Callable[[str], None],
) -> None:
    resources = definition.sizes[size]
    try:
        Template.build(
            Template().from_dockerfile(text).set_ready_cmd(definition.script(definition.health_check)),
            reference,
            cpu_count=resources.cpus,
            memory_mb=resources.memory_mib,
            min_free_disk_mb=resources.disk_mib,
            skip_cache=force,
            on_build_logs=lambda entry: log(f"  {plain(entry.message)}"),
            **connection.api_params(),
        )
    except Exception as error:
        raise user_error(error, f"{reference} cannot be built") from None


def _remove_tag(reference: str, connection: Connection) -> None:
    """Remove the tag of a broken image, so that no sandbox starts from it and the next build is not skipped."""
    name, _, tag = reference.partition(":")
    try:
        Template.remove_tags(name, [tag], **connection.api_params())
    except Exception as error:
        raise user_error(error, f"{reference} does not work, and its tag cannot be removed") from None


def failed_checks(reference: str, definition: Definition, connection: Connection) -> Iterator[str]:
    """Start a sandbox of a new image and yield one sentence for each failed check."""
    try:
        sandbox = Sandbox.create(
            template=reference,
            timeout=SANDBOX_SECONDS,
            metadata={"tool": "cratematrix", "run": "template-check"},
            idempotency_key=uuid.uuid4().hex,
            **connection.api_params(),
        )
    except Exception as error:
        raise user_error(error, f"no sandbox of {reference} can be started") from None
    try:
        commands = with_headers(sandbox, connection).commands
        for check in definition.checks:
            try:
                result = commands.run(f"{definition.script(check.run)} 2>&1", timeout=CHECK_SECONDS)
                output = str(result.stdout)
            except CommandExitException as error:
                output = f"exit code {error.exit_code}: {error.stdout}{error.stderr}"
            if check.expect not in output or output.startswith("exit code "):
                yield check.failure(output)
    except CratematrixError:
        raise
    except Exception as error:
        raise user_error(error, f"{reference} cannot be checked") from None
    finally:
        try:
            sandbox.kill()
        except Exception as error:
            raise user_error(error, f"sandbox {sandbox.sandbox_id} ends only in {SANDBOX_SECONDS} s") from None


def sizes_in_use(manifest: Manifest) -> tuple[Size, ...]:
    """Return the size classes that crates may use: their own, and the next larger one for a retry."""
    own = own_sizes(manifest, [crate.name for crate in manifest.crates])
    wanted = {*own, *(NEXT_SIZE[size] for size in own if size in NEXT_SIZE)}
    return tuple(size for size in SIZES if size in wanted)


def own_sizes(manifest: Manifest, crates: Collection[str]) -> tuple[Size, ...]:
    """Return the size classes that crates may need, by their names: for a batch those of all its crates."""
    batches = {crate.batch for crate in manifest.crates if crate.name in crates} - {None}
    needed = (crate for crate in manifest.crates if crate.name in crates or crate.batch in batches)
    own = {crate.size or manifest.fleet.size for crate in needed}
    return tuple(size for size in SIZES if size in own or "auto" in own)
