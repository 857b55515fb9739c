"""The venue screen and the phone in Chromium: the picture is read back, a lost minute does not blank it, no script is needed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.checkin import codes
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.conftest import Live
from tests.factories import make_activity
from tests.web.checkin.browser import enrol, make, totals

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]


def read(picture: bytes, scale: float = 1) -> list[str]:
    image = Image.open(io.BytesIO(picture)).convert("L")
    size = (round(image.width * scale), round(image.height * scale))
    return [found.text for found in zxingcpp.read_barcodes(image.resize(size, Image.Resampling.LANCZOS))]


def open_screen(app: Flask, server: Live, browser: Browser, session: str, *, moves_clock: bool = False) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN").new_page()
    if moves_clock:
        page.clock.install()
    page.goto(f"{server.url}/screen")
    page.fill("#digits", codes.screen_code(app.extensions["keys"], session, now()))
    page.click("main button")
    expect(page.locator("#count")).to_be_visible()
    return page


def test_the_code_is_read_from_the_screen_also_at_a_quarter_of_its_size(
    app: Flask, live_server: Live, browser: Browser, phone_without_scripts: Page
) -> None:
    _, session = make(app)
    page = open_screen(app, live_server, browser, session)
    picture = page.screenshot()
    (address,) = read(picture)
    assert address.startswith(f"{live_server.url}/s/{session}?k=")
    assert read(picture, 0.25) == [address]
    assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    # The participant: what the camera read, one more field at most, no script.
    phone_without_scripts.goto(address)
    phone_without_scripts.fill("#people", "2")
    phone_without_scripts.click("form:has(#people) button")
    expect(phone_without_scripts.locator("h1")).to_have_text("已签到")
    expect(page.locator("#count")).to_have_text("2", timeout=8000)
    assert totals(app, session).b == 2
    page.context.close()


def shown(app: Flask, page: Page, session: str, step: int) -> list[str]:
    """What is read from the screen in the middle of that step, by the page's own clock; the digits beside it fit."""
    expect(page.locator("#digits")).to_have_text(digits_at(app, session, step), timeout=10_000)
    return read(page.screenshot())


def digits_at(app: Flask, session: str, step: int) -> str:
    found = codes.venue_digits(app.extensions["keys"], session, step)
    return f"{found[:3]} {found[3:]}"


def test_a_lost_network_is_said_and_the_code_goes_on_for_every_step_in_hand(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    """The page's own timers run, on a clock that is moved on from step to step."""
    _, session = make(app)
    page = open_screen(app, live_server, browser, session, moves_clock=True)
    while now().timestamp() % codes.STEP_SECONDS > codes.STEP_SECONDS / 2:
        page.wait_for_timeout(500)  # so that the cut falls into the step of the last answer
    with page.expect_response("**/steps.json*"):
        pass
    page.wait_for_timeout(200)
    first, ahead = codes.step_of(now()), 0.0  # seconds that the page's clock is ahead of ours
    page.context.set_offline(True)
    for step in range(first, first + codes.AHEAD + 1):
        middle = (step + 0.5) * codes.STEP_SECONDS - (now().timestamp() + ahead)
        ahead += max(0, middle)
        page.clock.run_for(int(1000 * max(0, middle)))
        address = f"{live_server.url}/s/{session}?k={codes.live_key(app.extensions['keys'], session, step)}"
        assert shown(app, page, session, step) == [address]
        if step > first:
            expect(page.locator("#net-weak")).to_be_visible()
            expect(page.locator("#net-weak")).to_contain_text("网络断了，这张码还能用到")
    page.clock.run_for(1000 * codes.STEP_SECONDS)  # no step is left: no code rather than an old one
    expect(page.locator("#digits")).to_have_text("··· ···")
    expect(page.locator("#net-lost")).to_contain_text("网络断了，请到签到台")
    expect(page.locator("#net-lost")).to_be_visible()
    assert read(page.screenshot()) == []
    with time_machine.travel(now() + timedelta(seconds=ahead + codes.STEP_SECONDS)):  # so late it is for the server too
        page.context.set_offline(False)
        expect(page.locator("#net-good")).to_be_visible(timeout=10_000)
        (back,) = read(page.screenshot())
        key = re.search(r"k=(.+)$", back)
        assert key and codes.live_key_holds(app.extensions["keys"], session, key[1], now())
    page.context.close()


def test_without_scripts_the_screen_renews_itself(app: Flask, live_server: Live, browser: Browser) -> None:
    _, session = make(app)
    context = browser.new_context(viewport={"width": 1280, "height": 720}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/screen")
    page.fill("#digits", codes.screen_code(app.extensions["keys"], session, now()))
    page.click("main button")
    with page.expect_navigation(timeout=15_000):
        pass
    assert len(read(page.screenshot())) == 1
    context.close()


def _violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found]


def test_axe_finds_nothing_on_any_sign_in_page(
    app: Flask, live_server: Live, browser: Browser, phone: Page, sign_in: Callable[..., None]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() - timedelta(minutes=5))
        code, session = activity.code, activity.sessions[0].code
    secret = enrol(app, code)
    key = codes.live_key(app.extensions["keys"], session, codes.step_of(now()))
    faults: dict[str, list[str]] = {}
    for address in (f"/s/{session}?k={key}", f"/s/{session}?k=old", "/s", "/screen"):
        phone.goto(live_server.url + address)
        faults[address] = _violations(phone)
    phone.goto(f"{live_server.url}/s/{session}?k={key}")
    phone.click("form:has(#people) button")
    faults["result"] = _violations(phone)
    screen = open_screen(app, live_server, browser, session)
    faults["screen"] = _violations(screen)
    desk = staff_page(app, live_server, browser, sign_in)
    for address in (f"/activities/{code}/console?missing=1", f"/t/{secret}"):
        desk.goto(live_server.url + address)
        faults[address] = _violations(desk)
    desk.click("#staff-ticket button[type=submit]")
    faults["verdict"] = _violations(desk)
    assert {where: found for where, found in faults.items() if found} == {}
    screen.context.close()
    desk.context.close()


def staff_page(app: Flask, server: Live, browser: Browser, sign_in: Callable[..., None]) -> Page:
    client = app.test_client()
    sign_in(client, "jingban")
    kept = client.get_cookie("shiliu")
    assert kept is not None
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": "shiliu", "value": kept.value, "url": server.url}])
    return context.new_page()


def test_the_console_counts_along_without_a_reload(
    app: Flask, live_server: Live, browser: Browser, sign_in: Callable[..., None]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() - timedelta(minutes=5))
        code, session = activity.code, activity.sessions[0].code
    desk = staff_page(app, live_server, browser, sign_in)
    desk.goto(f"{live_server.url}/activities/{code}/console")
    expect(desk.locator(".huge-fig")).to_contain_text("0")
    key = codes.live_key(app.extensions["keys"], session, codes.step_of(now()))
    guest = browser.new_context(java_script_enabled=False).new_page()
    guest.goto(f"{live_server.url}/s/{session}?k={key}")
    guest.fill("#people", "5")
    guest.fill("#name", "李女士")
    guest.click("form:has(#people) button")
    expect(desk.locator(".huge-fig")).to_contain_text("5", timeout=9000)
    expect(desk.locator("#list")).to_contain_text("李女士", timeout=9000)
    desk.click("#list a")
    desk.click("text=扫错了人")
    desk.click("dialog button[type=submit]")
    expect(desk.locator("#flash")).to_contain_text("已撤销")
    assert totals(app, session).total == 0
    guest.context.close()
    desk.context.close()
