"""The Jinja2 environments of the templates that come with this version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.package_data import package_data


def html_environment() -> Environment:
    """Return a strict environment for HTML, which escapes every value."""
    return Environment(
        loader=FileSystemLoader(package_data("templates"), encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_environment(write_value: Callable[[object], object] | None = None) -> Environment:
    """Return a strict environment whose delimiters occur neither in GitHub's expressions nor in bash.

    `write_value` turns each value into the text of the output format. Templates get prepared values only: a missing
    value is an error.
    """
    options: dict[str, Any] = {"finalize": write_value} if write_value else {}
    return Environment(
        loader=FileSystemLoader(package_data("templates"), encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  the output is YAML or a Dockerfile, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="{{%",
        block_end_string="%}}",
        variable_start_string="{{{",
        variable_end_string="}}}",
        comment_start_string="{{#",
        comment_end_string="#}}",
        **options,
    )
