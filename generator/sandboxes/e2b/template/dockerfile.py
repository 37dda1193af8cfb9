"""Dockerfile of the image, rendered from its Jinja template and the manifest."""

from __future__ import annotations

from generator.files.templates import template_environment
from generator.manifest.fleet_models import Fleet
from generator.manifest.models import Manifest
from generator.manifest.source_models import GitSource, RegistrySource
from generator.npm.managers import default_programs, programs
from generator.recipes.prebuilt import all_zig_libraries
from generator.sandboxes.e2b.template.definition import packaged_definition
from generator.sandboxes.layout import MANAGERS, ROOT
from generator.versions import Versions, versions

TEMPLATE = "e2b/rust-napi-builder.Dockerfile.j2"
# Scratch directory in the image for the build of zig's libraries, removed afterwards.
ZIG_DIRECTORY = f"{ROOT}/zig"


def prefetch_lines(manifest: Manifest) -> tuple[str, ...]:
    """Return one line for each dependency that the last layer pre-fetches: published crates and pinned repositories.

    The manifest's models validate the values, so no line can end the heredoc that holds them.
    """
    lines = set[str]()
    for crate in manifest.crates:
        match crate.source:
            case RegistrySource(registry=name, version=version):
                lines.add(f"registry {name} {version}")
            case GitSource(git=url, rev=rev, path=path):
                lines.add(f"git {url} {rev} {path}")
    return tuple(sorted(lines))


def render_dockerfile(lines: tuple[str, ...] = (), used: Versions | None = None) -> str:
    """Return the text of the Dockerfile, with these lines to pre-fetch; `used` are other versions than the packaged."""
    glibc = Fleet.model_fields["glibc"].default
    template = template_environment().get_template(TEMPLATE)
    return template.render(
        prefetch=lines,
        versions=used or versions(),
        managers=[f"{each.name} {each.package}@{each.version} {each.digest}" for each in default_programs()],
        commands=[(each.command, each.name) for each in (programs("yarn-classic")[-1][1], programs("pnpm")[-1][1])],
        managers_directory=MANAGERS,
        zig=all_zig_libraries(packaged_definition().holds.toolchain(), glibc),
        zig_directory=ZIG_DIRECTORY,
    )
