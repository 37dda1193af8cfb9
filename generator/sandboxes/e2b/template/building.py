"""Building the image through the SDK, trying it, and asking which images there are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence

from generator.errors import CratematrixError, InputError
from generator.manifest.models import Manifest
from generator.manifest.values import NEXT_SIZE, SIZES, Size
from generator.sandboxes.e2b.connection import Connection, with_headers
from generator.sandboxes.e2b.errors import user_error
from generator.sandboxes.e2b.template.definition import Definition
from generator.sandboxes.e2b.template.dockerfile import render_dockerfile, prefetch_lines
from generator.sandboxes.e2b.template.identity import template_name, template_reference, template_tag
from generator.text import plain

CHECK_SECONDS = 120
TRIAL_SECONDS = 600


def template_state(manifest: Manifest, definition: Definition, size: Size, connection: Connection) -> str:
    """Return "ready", "outdated" or "missing" for a size class; raises the user's error when E2B does not say."""
    from generator.sandboxes.e2b.sdk import Template

    name = template_name(manifest.fleet.template, size)
    tag = template_tag(render_dockerfile(), definition, size)
    try:
        if not Template.exists(name, **connection.api_params()):
            return "missing"
        tags = {each.tag for each in Template.get_tags(name, **connection.api_params())}
    except Exception as error:
        raise user_error(error, f"the template {name} cannot be looked up") from None
    return "ready" if tag in tags else "outdated"


def build_templates(
    manifest: Manifest,
    definition: Definition,
    connection: Connection,
    sizes: Sequence[Size],
    force: bool,
    say: Callable[[str], None],
) -> None:
    """Build the images that are not there as they should be, and try each; says what happens, line by line.

    InputError when a build fails or a fresh image does not answer as the definition wants.
    """
    from generator.sandboxes.e2b.sdk import Template

    text = render_dockerfile(prefetch_lines(manifest))
    for size in sizes:
        reference = template_reference(manifest.fleet.template, render_dockerfile(), definition, size)
        if not force and template_state(manifest, definition, size, connection) == "ready":
            say(f"{reference} is there already")
            continue
        say(f"building {reference}: this takes minutes")
        given = definition.sizes[size]
        try:
            Template.build(
                Template().from_dockerfile(text),
                reference,
                cpu_count=given.cpus,
                memory_mb=given.memory_mib,
                min_free_disk_mb=given.disk_mib,
                skip_cache=force,
                on_build_logs=lambda entry: say(f"  {plain(entry.message)}"),
                **connection.api_params(),
            )
        except Exception as error:
            raise user_error(error, f"{reference} cannot be built") from None
        if problems := tuple(failed_checks(reference, definition, connection)):
            _forget(reference, connection)
            raise InputError(f"{reference} was built and does not work", problems=problems)
        say(f"{reference} is ready: {len(definition.checks)} checks passed")


def _forget(reference: str, connection: Connection) -> None:
    """Take the tag from an image that does not work, so that nothing starts from it and the next build is a new one."""
    from generator.sandboxes.e2b.sdk import Template

    name, _, tag = reference.partition(":")
    try:
        Template.remove_tags(name, [tag], **connection.api_params())
    except Exception as error:
        raise user_error(error, f"{reference} does not work, and its tag cannot be removed") from None


def failed_checks(reference: str, definition: Definition, connection: Connection) -> Iterator[str]:
    """Start a sandbox of a fresh image and yield a sentence for each check that it does not pass."""
    from generator.sandboxes.e2b.sdk import CommandExitException, Sandbox

    try:
        sandbox = Sandbox.create(
            template=reference,
            timeout=TRIAL_SECONDS,
            metadata={"tool": "cratematrix", "run": "template-check"},
            idempotency_key=uuid.uuid4().hex,
            **connection.api_params(),
        )
    except Exception as error:
        raise user_error(error, f"no sandbox of {reference} can be started") from None
    try:
        shell = with_headers(sandbox, connection).commands
        for check in definition.checks:
            try:
                done = shell.run(f"export PATH={definition.env['PATH']}\n{check.run} 2>&1", timeout=CHECK_SECONDS)
                said = str(done.stdout)
            except CommandExitException as error:
                said = f"exit code {error.exit_code}: {error.stdout}{error.stderr}"
            if check.expect not in said or said.startswith("exit code "):
                yield f"{check.run}: expected {check.expect!r}, got {plain(said)[:200]!r}"
    except CratematrixError:
        raise
    except Exception as error:
        raise user_error(error, f"{reference} cannot be tried") from None
    finally:
        try:
            sandbox.kill()
        except Exception as error:
            raise user_error(error, f"sandbox {sandbox.sandbox_id} ends in {TRIAL_SECONDS} s only") from None


def sizes_in_use(manifest: Manifest) -> tuple[Size, ...]:
    """Return the size classes that crates may need: their own, and the next larger one for a second try."""
    own = {crate.size or manifest.fleet.size for crate in manifest.crates}
    wanted = own | {NEXT_SIZE[size] for size in own if size in NEXT_SIZE}
    return tuple(size for size in SIZES if size in wanted)
