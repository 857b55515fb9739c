"""The scanner's page in Chromium without a camera: scanner as keyboard, typed codes, photos, classes, walk-ins, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.database import transaction
from app.web.assets import sync_assets
from tests.conftest import Live
from tests.web.checkin.browser import code_of, enrol, make, outcomes, totals
from tests.web.journey.test_pages import faults_of
from tests.web.scan.gate import PHONE, arrivals, key_in, pair, phone_of, picture, reopen, until
from tests.web.scan.party import enrol_class

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # the API's own tests run on both databases

KEPT_MARK = """async () => {
  const store = await import(document.querySelector('link[href$="store.js"]').href);
  return ((await store.kept('roster')) || {}).mark;
}"""


@dataclass
class Gate:
    """An open activity and a helper's phone that is paired for it."""

    app: Flask
    live: Live
    activity: str
    session: str
    context: BrowserContext
    page: Page

    def ticket(self, secret: str) -> str:
        return f"{self.live.url}/t/{secret}"

    def scan(self, secret: str) -> None:
        key_in(self.page, self.ticket(secret))

    def verdict(self, tone: str, title: str) -> None:
        expect(self.page.locator(f"#verdict.v-{tone}")).to_be_visible()
        expect(self.page.locator("#v-title")).to_have_text(re.compile(title))

    def next(self) -> None:
        self.page.click("#v-next")
        expect(self.page.locator("#verdict")).to_be_hidden()


@pytest.fixture
def gate(app: Flask, live_server: Live, chromium: Browser) -> Iterator[Gate]:
    sync_assets()
    activity, session = make(app, takes_walk_in=True, takes_parties=True)
    context = phone_of(chromium)
    yield Gate(app, live_server, activity, session, context, pair(app, live_server, context, session))
    context.close()


def reload(gate: Gate) -> None:
    """The roster anew, for who registered after the phone was paired."""
    with gate.page.expect_response("**/api/v1/scan/roster") as fresh:  # the line says 名单 of the kept one already
        gate.page.reload()
    mark = fresh.value.headers["etag"]  # trap: an answer of 304 never counts as finished in Chromium
    until(gate.page, lambda: gate.page.evaluate(KEPT_MARK) == mark)
    expect(gate.page.locator("#roster-line")).to_contain_text("名单")


def test_a_usb_scanner_signs_in_and_a_repeat_is_amber_with_the_first_time(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    gate.page.keyboard.type(gate.ticket(secret))  # real keys, one by one
    gate.page.keyboard.press("Enter")
    gate.verdict("good", "已签到")
    expect(gate.page.locator("#v-who")).to_contain_text("2人")
    gate.next()
    gate.page.wait_for_timeout(3200)
    gate.scan(secret)
    gate.verdict("warn", r"已于\d\d:\d\d签到")
    assert totals(gate.app, gate.session).a == 2
    assert "138" not in gate.page.content()


def test_the_same_code_twice_within_seconds_is_one_scan(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    for _ in range(4):
        gate.scan(secret)
    gate.verdict("good", "已签到")
    expect(gate.page.locator("#waiting")).to_have_text("0")
    gate.page.wait_for_timeout(300)
    assert outcomes(gate.app) == ["accepted"]


def test_what_is_no_ticket_is_red_in_words_and_nothing_is_sent(gate: Gate) -> None:
    sent: list[str] = []
    gate.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    cases = {
        f"https://example.cn/t/{'a' * 22}": "不是本站的报名码",
        f"{gate.live.url}/s/{gate.session}?k={'a' * 22}": "这是现场码",
        f"{gate.live.url}/scan/pair?s={gate.session}": "这是配对码",
        f"{gate.live.url}/a/{gate.activity}": "不是报名码",
        "WIFI:S:example;P:12345678;;": "不是本站的报名码",
    }
    for text, title in cases.items():
        key_in(gate.page, text)
        gate.verdict("bad", title)
        gate.next()
    assert sent == [] and outcomes(gate.app) == []
    expect(gate.page.locator("#recent li")).to_have_count(0)


def test_a_typed_code_signs_in_and_a_slip_keeps_what_was_typed(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    code = code_of(gate.app, secret)
    gate.page.fill("#code", "ABC")
    gate.page.press("#code", "Enter")
    gate.verdict("bad", "不是报名码")
    gate.next()
    assert gate.page.input_value("#code") == "ABC"
    assert gate.page.evaluate("document.activeElement.id") == "code"
    gate.page.fill("#code", f"{code[:4].lower()} {code[4:]}")
    gate.page.press("#code", "Enter")
    gate.verdict("good", "已签到")
    assert totals(gate.app, gate.session).a == 2


def test_slow_typing_outside_the_field_is_no_scan(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    gate.page.keyboard.type(gate.ticket(secret)[-12:], delay=150)
    gate.page.keyboard.press("Enter")
    gate.page.wait_for_timeout(300)
    expect(gate.page.locator("#verdict")).to_be_hidden()


def test_a_photo_of_a_ticket_signs_in_and_one_without_says_so(gate: Gate, tmp_path: Path) -> None:
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    picture(gate.ticket(secret)).save(tmp_path / "ticket.jpg")
    picture("", side=10).save(tmp_path / "none.jpg")
    gate.page.set_input_files("#photo", tmp_path / "none.jpg")
    gate.verdict("bad", "照片里没有看清码")
    gate.next()
    gate.page.set_input_files("#photo", tmp_path / "ticket.jpg")
    gate.verdict("good", "已签到")


def test_a_class_is_asked_for_its_number_before_anything_is_recorded(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    reload(gate)
    gate.scan(secret)
    expect(gate.page.locator("#party")).to_be_visible()
    expect(gate.page.locator("#party-people")).to_have_value("22")
    expect(gate.page.locator("#party-who")).to_contain_text("三年级2班")
    assert outcomes(gate.app) == []
    gate.page.click("#party-less")
    gate.page.click("#party-less")
    gate.page.click("#party button[type=submit]")
    gate.verdict("good", "已签到")
    expect(gate.page.locator("#v-who")).to_contain_text("20人")
    gate.next()
    # The second bus: the rest is offered, the sum is shown.
    gate.page.wait_for_timeout(3200)
    gate.scan(secret)
    expect(gate.page.locator("#party-text")).to_contain_text("已报20人")
    expect(gate.page.locator("#party-people")).to_have_value("20")
    gate.page.get_by_text("又来了几人").first.click()
    expect(gate.page.locator("#party-people")).to_have_value("2")
    gate.page.press("#party-people", "Enter")
    expect(gate.page.locator("#v-text")).to_have_text("一共到了22人")
    assert totals(gate.app, gate.session).a == 22


def test_a_school_of_four_hundred_is_stepped_typed_and_kept_within_reason(gate: Gate) -> None:
    with gate.app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().sessions[0].capacity = 500
    secret = enrol_class(gate.app, gate.activity, pupils=100, adults=1, classes=4)
    reload(gate)
    gate.scan(secret)
    field, page = gate.page.locator("#party-people"), gate.page
    expect(field).to_have_value("404")
    for _ in range(3):
        page.click("#party-less")
    expect(field).to_have_value("401")
    assert field.evaluate("e => e.scrollWidth <= e.clientWidth"), "three digits are seen whole"
    for wrong in ("0", ""):
        field.fill(wrong)
        page.click("#party button[type=submit]")
        expect(page.locator("#party")).to_be_visible()
    assert outcomes(gate.app) == []
    field.fill("999")
    page.click("#party-more")
    expect(field).to_have_value("999")
    field.fill("400")
    page.click("#party button[type=submit]")
    gate.verdict("good", "已签到")
    expect(page.locator("#v-who")).to_contain_text("400人")
    assert totals(gate.app, gate.session).a == 400


def test_a_class_that_registers_during_the_shift_is_asked_for_its_number_too(gate: Gate) -> None:
    gate.scan(enrol_class(gate.app, gate.activity, pupils=20, adults=2))  # the phone's roster has not heard of it
    expect(gate.page.locator("#party-people")).to_have_value("22")
    assert outcomes(gate.app) == []


def test_walk_ins_take_one_touch_and_an_undo_takes_them_back(gate: Gate) -> None:
    gate.page.click("#walk-in button[value='3']")
    gate.verdict("good", "已签到")
    assert totals(gate.app, gate.session).total == 3
    gate.page.click("#v-undo")
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert totals(gate.app, gate.session).total == 0


def test_an_undo_from_the_list_is_one_event_however_often_it_is_pressed(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    gate.scan(secret)
    gate.verdict("good", "已签到")
    gate.next()
    gate.page.locator("#recent button").dblclick()
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert outcomes(gate.app) == ["accepted", "undone"]
    assert arrivals(gate.app, gate.session) == []


def test_the_phones_own_scanner_hands_a_ticket_over_behind_the_hash(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    seen: list[str] = []
    gate.page.on("request", lambda request: seen.append(request.url + (request.post_data or "")))
    gate.page.goto("about:blank")
    gate.page.goto(f"{gate.live.url}/scan#t={secret}")
    gate.verdict("good", "已签到")
    assert [address for address in seen if secret in address.split("#")[0]] == []
    assert secret not in gate.page.url


def test_a_ticket_opened_on_a_paired_phone_offers_the_scanner_and_no_data(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity, phone="13800131234")
    reload(gate)
    gate.page.goto(gate.ticket(secret))
    assert "示例李女士" not in gate.page.content() and "1234" not in gate.page.content()
    gate.page.get_by_role("link", name="签到", exact=True).click()
    gate.verdict("good", "已签到")
    assert totals(gate.app, gate.session).a == 2


def test_a_thumb_that_presses_twice_counts_one_walk_in(gate: Gate) -> None:
    gate.page.evaluate("() => [1, 2].forEach(() => document.querySelector('#walk-in button[value=\"2\"]').click())")
    gate.verdict("good", "已签到")
    gate.page.wait_for_timeout(300)
    assert totals(gate.app, gate.session).total == 2


def test_a_phone_for_every_session_asks_for_which(app: Flask, live_server: Live, chromium: Browser) -> None:
    activity, first = make(app, sessions=2)
    secret = enrol(app, activity)
    context = phone_of(chromium, service_workers="block")
    page = pair(app, live_server, context, first, every=True)
    expect(page.locator("#session option")).to_have_count(2)
    expect(page.locator("#session")).to_have_value(first)  # the one that is open
    second = page.locator("#session option").nth(1).get_attribute("value")
    assert second is not None and second != first
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-good")).to_be_visible()
    page.click("#v-next")
    page.select_option("#session", second)
    reopen(page)
    expect(page.locator("#session")).to_have_value(second)  # a reload does not move the gate
    assert len(arrivals(app, first)) == 1 and arrivals(app, second) == []
    context.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "要 https"),
        ("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))", "许可"),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))",
            "没有摄像头",
        ),
    ],
)
def test_without_a_camera_the_page_says_what_else_works(
    app: Flask, live_server: Live, chromium: Browser, script: str, words: str
) -> None:
    activity, session = make(app)
    secret = enrol(app, activity)
    context = phone_of(chromium, service_workers="block")
    context.add_init_script(f"{script}; delete Navigator.prototype.serviceWorker")
    page = pair(app, live_server, context, session)
    expect(page.locator("#finder-word")).to_contain_text(words)
    expect(page.locator("#no-worker")).to_be_visible()  # and that the open page holds the queue
    page.fill("#code", code_of(app, secret))
    page.press("#code", "Enter")
    expect(page.locator("#verdict.v-good")).to_be_visible()
    context.close()


def test_over_plain_http_the_hash_is_made_by_hand(app: Flask, live_server: Live, chromium: Browser) -> None:
    """A local network while developing: the browser gives no crypto.subtle there."""
    activity, session = make(app)
    secret = enrol(app, activity)
    context = phone_of(chromium, service_workers="block")
    context.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    page = pair(app, live_server, context, session)
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-good")).to_be_visible()
    assert arrivals(app, session) == [(1, 2)]
    context.close()


def test_names_do_not_outlive_the_pairing(gate: Gate) -> None:
    names = "indexedDB.databases().then(all => all.map(one => one.name))"
    assert gate.page.evaluate(names) == ["shiliu-scan"]
    gate.context.clear_cookies()
    gate.page.goto(f"{gate.live.url}/scan")
    expect(gate.page.locator("#digits")).to_be_visible()
    until(gate.page, lambda: gate.page.evaluate(names) == [])


def test_axe_finds_nothing_in_any_state(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    reload(gate)
    page = gate.page
    page.set_viewport_size({"width": 1280, "height": 900})
    assert faults_of(page) == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    assert faults_of(page) == []
    gate.scan("b" * 22)
    expect(page.locator("#verdict")).to_be_visible()
    assert faults_of(page) == []
    gate.next()
    gate.scan(secret)
    expect(page.locator("#party")).to_be_visible()
    assert faults_of(page) == []
    page.click("#party-back")
    page.click("#end-open")
    expect(page.locator("#end")).to_be_visible()
    assert faults_of(page) == []
    page.click("#end-back")
    small = page.evaluate(
        "[...document.querySelectorAll('#work button, #work select, #work label.btn, #work input:not([type=file])')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 56).map(e => e.id || e.textContent)"
    )
    assert small == []
