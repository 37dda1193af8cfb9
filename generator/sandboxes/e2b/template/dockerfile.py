"""Dockerfile of the image, rendered from its Jinja template and the manifest."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.files.package_data import package_data
from generator.manifest.models import Fleet, GitSource, Manifest, RegistrySource
from generator.recipes.prebuilt import all_zig_libraries
from generator.sandboxes.e2b.template.definition import packaged_definition
from generator.sandboxes.layout import ROOT

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


def render_dockerfile(lines: tuple[str, ...] = ()) -> str:
    """Return the Dockerfile, with these lines to pre-fetch."""
    environment = Environment(
        loader=FileSystemLoader(package_data("templates"), encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  a Dockerfile, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="{{%",
        block_end_string="%}}",
        variable_start_string="{{{",
        variable_end_string="}}}",
        comment_start_string="{{#",
        comment_end_string="#}}",
    )
    glibc = Fleet.model_fields["glibc"].default
    zig = all_zig_libraries(ZIG_DIRECTORY, packaged_definition().holds.toolchain(), glibc)
    return environment.get_template(TEMPLATE).render(prefetch=lines, zig=zig, zig_directory=ZIG_DIRECTORY)
