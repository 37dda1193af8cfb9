"""The Dockerfile, from its Jinja template and the fleet."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.files.package_data import packaged
from generator.manifest.models import Fleet, GitSource, Manifest, RegistrySource
from generator.recipes.prebuilt import all_zig_libraries
from generator.sandboxes.e2b.template.definition import packaged_definition
from generator.sandboxes.layout import ROOT

TEMPLATE = "e2b/rust-napi-builder.Dockerfile.j2"
# Where the image is made to compile zig's libraries; nothing of it is left there.
ZIG_PLACE = f"{ROOT}/zig"


def prefetch(manifest: Manifest) -> tuple[str, ...]:
    """Return what the last layer fetches, one line each: published crates, and directories of pinned repositories.

    What these values may look like is bounded by the manifest's models: no line of them can end the list.
    """
    lines = set[str]()
    for crate in manifest.crates:
        match crate.source:
            case RegistrySource(registry=name, version=version):
                lines.add(f"registry {name} {version}")
            case GitSource(git=url, rev=rev, path=path):
                lines.add(f"git {url} {rev} {path}")
    return tuple(sorted(lines))


def dockerfile(lines: tuple[str, ...] = ()) -> str:
    """Return the text of the Dockerfile, with these lines to pre-fetch."""
    environment = Environment(
        loader=FileSystemLoader(packaged("templates"), encoding="utf-8"),
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
    zig = all_zig_libraries(ZIG_PLACE, packaged_definition().holds.toolchain(), glibc)
    return environment.get_template(TEMPLATE).render(prefetch=lines, zig=zig, zig_place=ZIG_PLACE)
