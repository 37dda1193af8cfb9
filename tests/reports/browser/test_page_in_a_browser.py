"""What a reader sees of a fleet's page and does with it: search, filters, order, keys, colours, small screens, paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.reports.browser.conftest import PHONE, Show
from tests.reports.browser.sample import LOG, PLATFORMS, SKIPPED

ROWS = "#grid tbody tr:visible"
A4 = {"width": 1123, "height": 794}
"""Landscape, in CSS pixels: 96 an inch."""
NARROWEST = {"width": 320, "height": 640}
"""WCAG 2.2, 1.4.10: text is read at this width without moving to the side."""


def names(page: Page) -> list[str]:
    """Return the names of the crates that the table shows, in its order."""
    found: list[str] = page.locator(ROWS).evaluate_all("rows => rows.map(row => row.dataset.name)")
    return found


def numbers(page: Page, key: str) -> list[float]:
    found: list[float] = page.locator(ROWS).evaluate_all(f"rows => rows.map(row => Number(row.dataset.{key}))")
    return found


def cell(page: Page, crate: str, platform: str) -> Locator:
    return page.locator(f'tr[data-name="{crate}"] td.cell').nth(list[str](PLATFORMS).index(platform)).locator("button")


def fits(page: Page) -> bool:
    """Return whether nothing of the page is beyond its right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_search_finds_names_and_kinds_and_says_how_many(fleet: Path, show: Show) -> None:
    page = show(fleet)
    expect(page.locator(ROWS)).to_have_count(110)
    page.get_by_label("Search").fill("CRATE-00")
    expect(page.locator(ROWS)).to_have_count(10)
    expect(page.locator("#shown")).to_have_text("10 of 110 shown")
    page.get_by_label("Search").fill("wasm")
    expect(page.locator("#shown")).to_have_text("28 of 110 shown")
    page.get_by_label("Search").fill("no such crate")
    expect(page.locator(ROWS)).to_have_count(0)
    page.get_by_role("button", name="Show all crates").click()
    expect(page.locator(ROWS)).to_have_count(110)
    expect(page.get_by_label("Search")).to_be_focused()


def test_filters_of_state_and_platform_go_together(fleet: Path, show: Show) -> None:
    page = show(fleet)
    page.get_by_label("State").select_option("failed")
    assert names(page) == [f"crate-{number:03}" for number in range(3, 110, 16)]
    page.get_by_label("Platform").select_option(label="win32-x64-msvc")
    expect(page.locator(ROWS)).to_have_count(0)
    page.get_by_label("State").select_option("skipped")
    expect(page.locator(ROWS)).to_have_count(110)
    page.get_by_label("Platform").select_option(label="linux-x64-gnu")
    assert names(page) == ["crate-008"]


def test_headings_sort_by_pointer_and_by_key_and_say_so(fleet: Path, show: Show) -> None:
    page = show(fleet)
    assert names(page)[:8] == [*(f"crate-{number:03}" for number in range(3, 110, 16)), "crate-009"]
    heading = page.get_by_role("columnheader", name="Time")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert numbers(page, "seconds") == sorted(numbers(page, "seconds"), reverse=True)
    heading.get_by_role("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert numbers(page, "seconds") == sorted(numbers(page, "seconds"))
    page.get_by_label("State").select_option("built")
    page.get_by_role("columnheader", name="Crate").get_by_role("button").press("Space")
    assert names(page) == sorted(names(page))
    assert len(names(page)) == 101
    assert page.locator("[aria-sort]").count() == 1


def test_every_other_heading_sorts_too(small: Path, show: Show) -> None:
    page = show(small)
    before = names(page)
    for heading in ("Prediction", "Size", "Cost", "Tests", "Kind", "State"):
        button = page.get_by_role("columnheader", name=heading).get_by_role("button")
        button.click()
        first = names(page)
        button.click()
        assert sorted(first) == sorted(before), heading
        assert names(page) != first, heading


def test_one_cell_is_reached_by_tab_and_the_others_by_arrows(fleet: Path, show: Show) -> None:
    page = show(fleet)
    assert page.locator('#grid td button[tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the crates")).to_be_in_viewport()
    cell(page, "crate-003", "linux-x64-gnu").focus()
    expect(page.locator("#details")).to_have_text(
        "crate-003 for linux-x64-gnu: not run; an earlier step failed", use_inner_text=True
    )
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(cell(page, "crate-003", PLATFORMS[6])).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "crate-019", PLATFORMS[6])).to_be_focused()
    page.get_by_label("State").select_option("built")
    expect(page.locator('#grid td button[tabindex="0"]')).to_be_visible()
    page.get_by_label("Search").fill("crate-00")
    cell(page, "crate-002", "linux-x64-gnu").focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, "crate-004", "linux-x64-gnu")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(cell(page, "crate-002", "linux-x64-gnu")).to_be_focused()
    assert page.locator('#grid td button[tabindex="0"]').count() == 1


def test_the_pointer_shows_why_a_platform_was_left_out(small: Path, show: Show) -> None:
    page = show(small)
    cell(page, "crate-001", "win32-x64-msvc").hover()
    expect(page.locator("#details")).to_have_text(f"crate-001 for win32-x64-msvc: skipped; {SKIPPED}")
    cell(page, "crate-001", "linux-arm64-gnu").hover()
    expect(page.locator("#details")).to_contain_text("no emulator for it is installed")


def test_a_failed_crate_leads_to_its_words_and_the_end_of_its_log(small: Path, show: Show) -> None:
    page = show(small)
    page.locator("#grid").get_by_role("link", name="crate-003").click()
    failure = page.locator("#failure-crate-003")
    expect(failure).to_be_in_viewport()
    expect(failure.get_by_role("link")).to_have_attribute(
        "href",
        "https://github.example/octo-org/crates/blob/0123456789abcdef0123456789abcdef01234567/"
        "crates/crate-003/src/lib.rs#L7",
    )
    expect(failure.locator("pre")).to_be_hidden()
    failure.locator("summary").press("Enter")
    expect(failure.locator("pre")).to_have_text(LOG)


def test_without_a_script_the_page_shows_everything(small: Path, show: Show) -> None:
    page = show(small, java_script_enabled=False)
    expect(page.locator(ROWS)).to_have_count(12)
    expect(page.locator("#controls")).to_be_hidden()
    expect(cell(page, "crate-001", "win32-x64-msvc")).to_have_attribute(
        "title", f"crate-001 for win32-x64-msvc: skipped; {SKIPPED}"
    )


def test_the_run_is_told_in_numbers(fleet: Path, show: Show) -> None:
    page = show(fleet)
    expect(page.locator("h1")).to_have_text("Fleet report")
    expect(page.locator(".headline")).to_have_text("110 crates: 7 failed, 1 not run, 101 built, 1 skipped")
    for subject in ("Time", "Packages", "Tests", "Cost", "Retries", "Reused"):
        expect(page.locator(".subject", has_text=subject)).to_be_visible()
    expect(page.get_by_role("link", name="0123456789ab")).to_be_visible()
    expect(page.locator(".timeline g.bar")).to_have_count(108)
    expect(page.locator(".timeline .idle")).to_have_count(10)
    expect(page.get_by_role("region", name="Table of the predicted times").locator("tbody tr")).to_have_count(12)
    expect(page.get_by_role("region", name="Table of the sizes").locator("tbody tr")).to_have_count(20)
    expect(page.locator('tr[data-name="crate-001"] .trend svg')).to_be_visible()


def test_colours_follow_the_system(small: Path, show: Show) -> None:
    def lightness(scheme: str) -> tuple[int, int]:
        page = show(small, color_scheme=scheme)
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        back, text = (sum(map(int, colour[4:-1].split(","))) for colour in colours)
        return back, text

    light, dark = lightness("light"), lightness("dark")
    assert light[0] > light[1]
    assert dark[0] < dark[1]


@pytest.mark.parametrize("viewport", [PHONE, NARROWEST], ids=["phone", "narrowest"])
def test_on_a_phone_only_tables_move_to_the_side(fleet: Path, show: Show, viewport: dict[str, int]) -> None:
    page = show(fleet, viewport=viewport, is_mobile=True, has_touch=True)
    assert fits(page)
    table = page.get_by_role("region", name="Table of the crates")
    assert table.evaluate("each => each.scrollWidth > each.clientWidth")
    cell(page, "crate-001", "win32-x64-msvc").tap()
    expect(page.locator("#details")).to_contain_text(SKIPPED)
    name = page.locator('tr[data-name="crate-001"] th')
    expect(name).to_be_in_viewport()
    assert fits(page)


def test_on_paper_everything_is_there_and_nothing_is_cut(fleet: Path, show: Show) -> None:
    page = show(fleet, viewport=A4)
    page.emulate_media(media="print")
    expect(page.locator(ROWS)).to_have_count(110)
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator(".hint")).to_be_hidden()
    assert fits(page)
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF-")


def test_110_crates_for_nine_platforms_are_below_a_megabyte(fleet: Path) -> None:
    assert fleet.stat().st_size < 1_000_000
