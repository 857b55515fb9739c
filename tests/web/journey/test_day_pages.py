"""Every page of the day's console in Chromium at 390 and 1280 px, full: axe finds nothing, nothing scrolls sideways, and
a thumb hits every button."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.web.assets import sync_assets
from tests.browser import in_turn
from tests.conftest import Live
from tests.web.journey.people import Person
from tests.web.journey.test_pages import faults_of
from tests.web.scan.day import Day, make_day

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # pages are the same on both databases
SIZES = ((390, 844), (1280, 900))
SMALL = """[...document.querySelectorAll('main button, main a.btn, main a.go, main select, main input:not([type=hidden])')]
  .filter(e => e.offsetParent && !['radio', 'checkbox', 'file'].includes(e.type) && e.getBoundingClientRect().height < 44)
  .map(e => e.outerHTML.slice(0, 90))"""

CUT = (
    "[...document.querySelectorAll('[data-count] input')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.value)"
)


def pages_of(day: Day) -> list[str]:
    """Addresses of everything that the organizer opens on the day."""
    base = f"/activities/{day.activity}"
    return [
        f"{base}/console",
        f"{base}/console?missing=1",
        f"{base}/console/phones",
        f"{base}/console/phones?all=1",
        f"{base}/console/phones/{day.phone}/revoke",
        f"{base}/held",
        f"{base}/console/handover",
        f"{base}/console/no-network",
        f"{base}/console/{day.session}/undo/{day.uid}",
        f"{base}/console/{day.session}/printed",
    ]


def wrong_with(page: Page, *, axe: bool = True) -> list[str]:
    """Axe, sideways, too small for a thumb; and a number of which one sees a part only."""
    found = faults_of(page, axe=axe) + [f"small: {each}" for each in page.evaluate(SMALL)]
    return found + [f"cut: {each}" for each in page.evaluate(CUT)]


def test_every_page_of_the_day_reads_well(app: Flask, live_server: Live, chromium: Browser) -> None:
    sync_assets()
    day = make_day(app)
    faults = {}
    for width, size in enumerate(SIZES):
        person = Person(chromium, live_server.url, size)
        person.sign_in("jingban")
        pages = pages_of(day)
        for address in pages:
            person.open(address)
            if found := wrong_with(person.page, axe=address in in_turn(pages, width)):
                faults[f"{address} {size[0]}"] = found
        person.leave()
    assert faults == {}


def test_a_hand_over_file_is_chosen_looked_at_and_read_in(
    app: Flask, live_server: Live, chromium: Browser, tmp_path: Path
) -> None:
    """The whole way in the browser, each of its pages looked at; the changed file leads to 待核实."""
    sync_assets()
    day = make_day(app)
    person = Person(chromium, live_server.url)
    person.sign_in("jingban")
    page = person.page
    person.open(f"/activities/{day.activity}/console/phones")
    page.get_by_role("link", name="读入交接文件").click()
    page.get_by_role("button", name="看里面有什么").click()
    expect(page.locator("#file-e")).to_contain_text("还没有选文件")
    assert wrong_with(page) == []
    page.fill("#text", day.sealed[:-20])
    page.get_by_role("button", name="看里面有什么").click()
    expect(page.locator("#file-e")).to_contain_text("不完整")
    expect(page.locator("#text")).to_have_value(day.sealed[:-20])
    (tmp_path / "scan-a.json").write_text(day.changed, "utf-8")
    page.set_input_files("#file", tmp_path / "scan-a.json")
    page.get_by_role("button", name="看里面有什么").click()
    expect(page.locator(".note.warn")).to_contain_text("没有通过校验")
    assert wrong_with(page) == []
    page.get_by_role("link", name="换一个文件").click()
    (tmp_path / "scan-b.json").write_text(day.sealed, "utf-8")
    page.set_input_files("#file", tmp_path / "scan-b.json")
    page.get_by_role("button", name="看里面有什么").click()
    expect(page.locator(".note.good")).to_contain_text("校验过")
    expect(page.locator("main h1")).to_contain_text("三楼报告厅门口备用")
    assert wrong_with(page) == []
    page.get_by_role("button", name="读入", exact=True).click()
    expect(page.locator(".flashes")).to_contain_text("计入3条")
    person.leave()


def test_the_sheet_for_a_lost_network_is_one_page(app: Flask, live_server: Live, chromium: Browser) -> None:
    sync_assets()
    day = make_day(app)
    person = Person(chromium, live_server.url, SIZES[1])
    person.sign_in("jingban")

    def sheets() -> int:
        return len(re.findall(rb"/Type\s*/Page\b", person.page.pdf(format="A4")))

    person.open(f"/activities/{day.activity}/console/no-network")
    assert sheets() == 1
    person.page.evaluate("document.querySelector('main').append(document.querySelector('article').cloneNode(true))")
    assert sheets() == 2  # the control: what is too long is seen
    person.leave()


def test_a_small_button_and_a_number_that_is_cut_are_found(chromium: Browser) -> None:
    """Negative control."""
    person = Person(chromium, "")
    person.page.set_content(
        '<html lang="zh"><title>x</title><main><h1>x</h1><button>x</button>'
        '<p data-count><input size="1" value="404404"></p></main></html>'
    )
    assert {found.split(":")[0] for found in wrong_with(person.page, axe=False)} == {"small", "cut"}
    person.leave()
