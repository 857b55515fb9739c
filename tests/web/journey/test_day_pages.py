"""Every page of the day's console in Chromium at 390 and 1280 px, full: axe finds nothing, nothing scrolls sideways, and
a thumb hits every button."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from app.activities.models import Activity
from app.extensions import db
from app.kernel.database import transaction
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


def test_the_pages_of_what_was_handed_in_read_well_too(app: Flask, live_server: Live, chromium: Browser) -> None:
    sync_assets()
    day = make_day(app)
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).values(review_state="under_review"))
    base, faults = f"/activities/{day.activity}", {}
    pages = [f"{base}/console", f"{base}/held", f"{base}/console/phones", f"{base}/withdraw-submission"]
    for width, size in enumerate(SIZES):
        person = Person(chromium, live_server.url, size)
        person.sign_in("jingban")
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


def sheets(page: Page) -> int:
    """How many A4 sheets it prints on."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))


def test_the_sheet_for_a_lost_network_is_one_page_read_from_arms_length(
    app: Flask, live_server: Live, chromium: Browser
) -> None:
    sync_assets()
    day = make_day(app)
    person = Person(chromium, live_server.url, SIZES[1])
    person.sign_in("jingban")
    person.open(f"/activities/{day.activity}/console/no-network")
    assert sheets(person.page) == 1
    person.page.emulate_media(media="print")
    sizes = "[...document.querySelectorAll('article li div')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    assert min(person.page.evaluate(sizes)) >= 18  # CSS pixels: 13.5 pt
    person.page.evaluate("document.querySelector('main').append(document.querySelector('article').cloneNode(true))")
    assert sheets(person.page) == 2  # the control: what is too long is seen
    person.leave()


def test_the_tickets_of_a_drill_are_one_sheet_each_code_under_its_square(
    app: Flask, live_server: Live, chromium: Browser
) -> None:
    sync_assets()
    day = make_day(app)
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).values(kind="exchange"))  # one that a copy asks nothing more of
    person = Person(chromium, live_server.url, SIZES[1])
    person.sign_in("jingban")
    person.open(f"/activities/{day.activity}")
    person.page.locator("form[action$='/practice'] button").click()
    person.page.wait_for_url("**/console*")
    person.page.get_by_role("link", name="演练用的报名码和步骤").click()
    expect(person.page.locator(".drill .ticket-qr")).to_have_count(5)
    assert sheets(person.page) == 1
    middles = """[...document.querySelectorAll('.drill li')].map(li => [li.querySelector('svg'), li.querySelector('.song')]
      .map(e => { const r = document.createRange(); r.selectNodeContents(e); const b = e.tagName === 'P' ? r.getBoundingClientRect() : e.getBoundingClientRect(); return b.left + b.width / 2; }))"""
    assert all(abs(square - code) < 3 for square, code in person.page.evaluate(middles))
    person.leave()
