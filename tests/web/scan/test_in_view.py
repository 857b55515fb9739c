"""A code that stays before the camera: one scan, however long; read again after an undo, a class, another session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import Live
from tests.web.checkin.browser import code_of, enrol, make, outcomes, totals
from tests.web.scan.gate import arrivals, camera, pair, phone_of
from tests.web.scan.party import enrol_class
from tests.web.scan.test_scanner import Gate, gate

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
# The real camera and its loop; what it sees is told by the test.
EYE = """window.inView = ''; (function wait() {
  if (!window.ZXingWASM) { setTimeout(wait, 50); return; }
  ZXingWASM.readBarcodes = () => Promise.resolve(window.inView ? [{isValid: true, text: window.inView}] : []);
})();"""


@pytest.fixture
def eye(app: Flask, live_server: Live, chromium: Browser, tmp_path: Path) -> Iterator[Gate]:
    """A phone for two sessions with a camera; a ticket and a class are on its roster."""
    activity, session = make(app, sessions=2, takes_parties=True)
    with camera(chromium, None, tmp_path) as browser:
        phone = phone_of(browser, service_workers="block")
        phone.add_init_script(EYE)
        yield Gate(app, live_server, activity, session, phone, phone.new_page())
        phone.close()


def begin(eye: Gate) -> Page:
    eye.page.close()
    eye.page = pair(eye.app, eye.live, eye.context, eye.session, every=True)
    expect(eye.page.locator("#finder.on")).to_be_visible()
    return eye.page


def show(page: Page, text: str) -> None:
    page.evaluate("text => { window.inView = text; }", text)


def test_held_in_view_it_is_one_scan_and_after_an_undo_it_is_read_again(eye: Gate) -> None:
    secret = enrol(eye.app, eye.activity)
    page = begin(eye)
    show(page, eye.ticket(secret))
    eye.verdict("good", "已签到")
    page.wait_for_timeout(4500)
    assert outcomes(eye.app) == ["accepted"]
    page.locator("#recent button").click()
    expect(page.locator("#v-title")).to_have_text("已撤销")
    page.wait_for_timeout(1000)
    assert outcomes(eye.app) == ["accepted", "undone"]  # not at once: an undo would undo itself
    eye.next()
    eye.verdict("good", "已签到")
    assert totals(eye.app, eye.session).a == 2


def test_shown_while_a_class_is_asked_for_it_is_read_once_the_form_is_closed(eye: Gate) -> None:
    party, other = enrol_class(eye.app, eye.activity, pupils=20, adults=2), enrol(eye.app, eye.activity)
    page = begin(eye)
    show(page, eye.ticket(party))
    expect(page.locator("#party")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.locator("#party-note")).to_be_hidden()  # its own ticket is no other one
    show(page, eye.ticket(other))
    expect(page.locator("#party-note")).to_be_visible()
    page.wait_for_timeout(3200)
    page.click("#party-back")
    eye.verdict("good", "已签到")
    assert totals(eye.app, eye.session).a == 2


def test_a_class_that_was_left_is_asked_for_again_while_it_stays(eye: Gate) -> None:
    party = enrol_class(eye.app, eye.activity, pupils=20, adults=2)
    page = begin(eye)
    show(page, eye.ticket(party))
    expect(page.locator("#party")).to_be_visible()
    page.click("#party-back")
    page.wait_for_timeout(700)
    expect(page.locator("#party")).to_be_hidden()  # a thumb has time to move it away
    expect(page.locator("#party")).to_be_visible()
    assert outcomes(eye.app) == []


def test_another_session_reads_what_is_still_in_view(eye: Gate) -> None:
    secret = enrol(eye.app, eye.activity)
    page = begin(eye)
    show(page, eye.ticket(secret))
    eye.verdict("good", "已签到")
    eye.next()
    second = page.locator("#session option").nth(1).get_attribute("value") or ""
    page.select_option("#session", second)
    expect(page.locator("#recent li")).to_have_count(2)
    assert len(arrivals(eye.app, eye.session)) == 1


def test_a_typed_code_is_never_swallowed(gate: Gate) -> None:
    code = code_of(gate.app, enrol(gate.app, gate.activity))
    for tone, title in (("good", "已签到"), ("warn", "已于")):
        gate.page.fill("#code", code)
        gate.page.press("#code", "Enter")
        gate.verdict(tone, title)
        gate.next()


def test_a_mark_that_every_frame_renews_is_never_read_again(eye: Gate) -> None:
    """Negative control: how it was."""

    def spoil(route: Route) -> None:
        text = route.fetch().text()
        wrong = text.replace("rests: true", "rests: false")
        assert wrong != text
        route.fulfill(body=wrong, content_type="text/javascript")

    eye.context.route("**/scan/js/*/seen.js", spoil)
    party = enrol_class(eye.app, eye.activity, pupils=20, adults=2)
    page = begin(eye)
    show(page, eye.ticket(party))
    expect(page.locator("#party")).to_be_visible()
    page.click("#party-back")
    page.wait_for_timeout(4500)
    expect(page.locator("#party")).to_be_hidden()
