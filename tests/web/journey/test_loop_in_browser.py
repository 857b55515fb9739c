"""The whole loop as people walk it, in Chromium at phone size: from new activity to risen figure, codes read from screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.demo.scenes import scene_jpeg
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.web.assets import sync_assets
from tests.cast import make_cast
from tests.conftest import Live
from tests.plan import make_plan
from tests.web.journey.people import SCREEN, Person, codes_in, move, tab_to
from tests.web.planning.conftest import find_cast, make_fact

# test_loop.py walks the same loop on both databases, without a browser; make proof walks this one on both too.
pytestmark = [pytest.mark.published, pytest.mark.lengthens]

TITLE = "石榴窗花进课堂"
EARLIER = 31  # people of the lesson that was approved before
Enter = Callable[..., Person]


@pytest.fixture
def enter(app: Flask, live_server: Live, chromium: Browser) -> Iterator[Enter]:
    """Makes a person with a browser of their own; the district has its plan, its people and one approved lesson."""
    sync_assets()
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
        make_fact(tx, find_cast(tx), day=date(business_day(now()).year, 1, 2), people=EARLIER)
    here: list[Person] = []

    def make(login: str = "", **more: object) -> Person:
        person = Person(chromium, live_server.url, **more)  # type: ignore[arg-type]
        here.append(person)
        if login:
            person.sign_in(login)
        return person

    yield make
    for person in here:
        person.leave()


def figures(leader: Person) -> dict[str, int]:
    """What the leader's page of task 10 says, by its words."""
    leader.open("/plan/tasks/10")
    return {
        block.locator("dt").inner_text(): int(block.locator(".big").inner_text().replace(",", ""))
        for block in leader.page.locator("dl.figs > div").all()
    }


def publish_by_keyboard(page: Page) -> str:
    """From the workbench to the share kit without a pointer; the activity's code."""
    keys = page.keyboard
    tab_to(page, "e.textContent.trim() === '新建活动'")
    keys.press("Enter")
    page.wait_for_url("**/activities/new")
    page.wait_for_function("window.htmx !== undefined")
    keys.press("3")
    page.wait_for_selector("#venue_unit", state="attached")
    page.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added", state="detached")
    tab_to(page, "e.id === 'title'")
    keys.insert_text(TITLE)
    tab_to(page, "e.id === 'date'")
    keys.type((now() + timedelta(days=9)).strftime("%m%d%Y"))  # as this Chromium's date field wants it
    tab_to(page, "e.id === 'venue_unit'")
    keys.press("ArrowDown")
    tab_to(page, "e.id === 'heritage'")
    keys.insert_text("示例剪纸")
    tab_to(page, "e.value === 'publish'")
    keys.press("Enter")
    page.wait_for_url("**/share")
    return page.url.split("/")[-2]


def register(phone: Person, address: str) -> str:
    """The participant's phone on the address that its camera read; what the ticket's own QR says."""
    phone.open(address)
    assert phone.page.url == address
    expect(phone.page.locator("h1")).to_have_text(TITLE)
    phone.page.fill("#name", "李女士")
    phone.page.click("[data-count] button[aria-label*='孩子，加']")
    phone.page.check("#consent")
    phone.page.click("#form button.main-act")
    expect(phone.page.locator("#flash")).to_contain_text("报名成功")
    ticket = phone.read(".ticket-qr")
    assert ticket == phone.page.url
    return ticket


def open_venue_screen(screen: Person, staff: Person, code: str) -> None:
    """By the six digits of the console; nobody signs in on the television."""
    staff.open(f"/activities/{code}/console")
    digits = staff.page.locator(".desk p.code").inner_text()
    screen.open("/screen")
    screen.page.fill("#digits", digits)
    screen.page.click("main button[type=submit]")
    expect(screen.page.locator("#count")).to_have_text("0")


def scanned(phone: Person, screen: Person) -> Person:
    """The phone opens what its camera reads on the venue screen now."""
    (address,) = codes_in(screen.page.screenshot())
    phone.open(address)
    phone.fresh()
    return phone


def arrive_known(phone: Person, screen: Person) -> None:
    known = scanned(phone, screen)
    known.page.click("button:has-text('签到，2人')")
    expect(known.page.locator("h1")).to_have_text("已签到")
    assert known.taps == 1
    again = scanned(phone, screen)
    expect(again.page.locator("h2.h1")).to_contain_text("已于")


def arrive_unknown(phone: Person, screen: Person) -> None:
    walk_in = scanned(phone, screen)
    walk_in.page.click("[data-count] button[aria-label*='加']")
    walk_in.page.click("form:has(#people) button[type=submit]")
    expect(walk_in.page.locator("h1")).to_have_text("已签到")
    expect(walk_in.page.locator(".result")).to_contain_text("2人")
    assert walk_in.taps == 2


def hand_in(staff: Person, code: str) -> None:
    """Two photos, the two questions, the checklist."""
    staff.open(f"/activities/{code}/evidence")
    drawn = [scene_jpeg("heritage_visit", seed=seed, taken_at=now(), size=(1200, 900)) for seed in (1, 2)]
    staff.page.set_input_files(
        "[name=photos] >> nth=0",
        [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": jpeg} for n, jpeg in enumerate(drawn, 1)],
    )
    staff.page.click("button:has-text('上传') >> nth=0")
    expect(staff.page.locator("#flash")).to_contain_text("收下2张照片")
    assert staff.page.locator("ol.photos img").count() == 2
    staff.page.click("button:has-text('保存照片说明')")
    expect(staff.page.locator("#flash")).to_contain_text("已保存照片说明")
    staff.page.click("a:has-text('去提交审核')")
    assert staff.page.input_value("#claimed") == "4"
    staff.page.click("button:has-text('提交审核')")
    expect(staff.page.locator("#flash")).to_contain_text("已提交")


def approve(reviewer: Person) -> None:
    reviewer.open("/review")
    reviewer.page.click(f"a:has-text('{TITLE}')")
    expect(reviewer.page.locator("ol.photos img")).to_have_count(2)
    reviewer.page.click("button:has-text('通过')")
    expect(reviewer.page.locator("#flash")).to_contain_text("已通过，计入台账")


def two_taps_to_the_photo(leader: Person) -> None:
    leader.fresh()
    leader.page.click(f"#facts a.t:has-text('{TITLE}')")
    expect(leader.page.locator("#main")).to_contain_text("签到")
    with leader.page.expect_response(lambda answer: answer.url.endswith(".jpg")) as opened:
        leader.page.click("ol.photos a >> nth=0")
    assert opened.value.status == 200
    assert opened.value.headers["content-type"] == "image/jpeg"
    assert leader.taps == 2


def test_from_new_activity_to_risen_figure(app: Flask, enter: Enter) -> None:
    leader = enter("lingdao")
    before = figures(leader)
    assert (before["活动"], before["参与"], before["已核验"], before["非遗项目"]) == (1, EARLIER, EARLIER, 0)

    staff = enter("jingban")
    code = publish_by_keyboard(staff.page)
    assert staff.taps == 0
    participant = enter()
    ticket = register(participant, staff.read(".ticket-qr"))

    move(app, code, now() - timedelta(minutes=30))
    screen = enter(size=SCREEN)
    open_venue_screen(screen, staff, code)
    arrive_known(participant, screen)
    arrive_unknown(enter(), screen)
    expect(screen.page.locator("#count")).to_have_text("4", timeout=9000)
    expect(staff.page.locator(".huge-fig")).to_contain_text("4", timeout=9000)
    participant.open(ticket)
    expect(participant.page.locator("article")).to_contain_text("已于")

    move(app, code, now() - timedelta(minutes=61))
    hand_in(staff, code)
    assert figures(leader) == before  # handed in is not counted
    approve(enter("shenhe"))
    people = EARLIER + 4
    assert figures(leader) == before | {"活动": 2, "参与": people, "已核验": people, "非遗项目": 1}
    two_taps_to_the_photo(leader)
