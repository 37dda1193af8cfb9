"""The fleet's page as one HTML file, which asks for nothing outside of it."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from markupsafe import Markup

from generator.files.templates import html_environment
from generator.package_data import package_data
from generator.reports.page.timeline import Timeline
from generator.reports.page.values import Page

_TEMPLATE: Final = "report/page.html.j2"


def render_page(page: Page, timeline: Timeline | None) -> str:
    """Return the HTML. Its policy lets a browser run this script and these styles alone, whatever a value holds."""
    style, script = (_file(name) for name in ("page.css", "page.js"))
    template = html_environment().get_template(_TEMPLATE)
    return template.render(
        page=page,
        timeline=timeline,
        style=Markup(style),  # noqa: S704  a file of this package
        script=Markup(script),  # noqa: S704  a file of this package
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'",
    )


def _file(name: str) -> str:
    return (package_data("templates") / "report" / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return the source expression of an inline element: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
