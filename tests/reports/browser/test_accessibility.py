"""axe finds no barrier on the page: WCAG A and AA and axe's own practices, in both colours, wide and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.reports.browser.conftest import PHONE, WIDE, Show


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(
    small: Path, axe: Path, show: Show, scheme: Literal["light", "dark"], viewport: dict[str, int]
) -> None:
    page = show(small, color_scheme=scheme, viewport=viewport, scripts=[axe])
    for each in page.locator("summary").all():
        each.click()
    found = page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert "color-contrast" in [each["id"] for each in found["passes"]]
    page.get_by_label("Search").fill("nothing has this name")
    found = page.evaluate("axe.run('#none')")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
