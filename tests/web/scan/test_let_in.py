"""Who was let in on amber: held when the server refuses it later, or the helper sees its red however late it comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Route, expect
from sqlalchemy import select

from app.checkin.models import HeldScan
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from tests.conftest import Live
from tests.web.checkin.browser import enrol, make, outcomes
from tests.web.scan.gate import key_in, pair, phone_of, until

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
EVENTS = "**/api/v1/scan/events"


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = phone_of(chromium, service_workers="block")
    yield context
    context.close()


def in_line(app: Flask, activity: str) -> str:
    """The secret of somebody who waits for a place."""
    secret = enrol(app, activity, name="示例赵女士")
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Registration).order_by(Registration.id.desc()).limit(1)).one().state = "waitlisted"
    return secret


def held(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(HeldScan.reason)))


def test_who_was_let_in_without_network_is_held_and_who_is_seen_red_is_not(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    activity, session = make(app)
    secret = in_line(app, activity)
    page = pair(app, live_server, phone, session)
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-bad")).to_be_visible()
    page.click("#v-next")
    assert (held(app), outcomes(app)) == ([], ["not_confirmed"])
    page.wait_for_timeout(3100)  # the same code again is another scan
    phone.route(EVENTS, lambda route: route.abort())
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-warn")).to_be_visible()
    page.wait_for_timeout(300)
    phone.unroute(EVENTS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#v-text")).to_contain_text("已交主办单位核实")
    assert held(app) == ["refused"]


def test_a_red_that_comes_after_the_next_scan_is_still_shown(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    activity, session = make(app)
    other = enrol(app, activity)
    secret = in_line(app, activity)
    page = pair(app, live_server, phone, session)
    slow: list[Route] = []
    phone.route(EVENTS, lambda route: route.continue_() if slow else slow.append(route))
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-warn")).to_be_visible()
    key_in(page, f"{live_server.url}/t/{other}")
    expect(page.locator("#recent li")).to_have_count(2)
    slow[0].continue_()
    until(page, lambda: sorted(outcomes(app)) == ["accepted", "not_confirmed"])
    expect(page.locator("#verdict.v-bad")).to_be_visible(timeout=15_000)
    expect(page.locator("#v-title")).to_have_text("这个报名没有留名额")
    page.wait_for_timeout(7000)
    expect(page.locator("#verdict.v-bad")).to_be_visible()  # until it is seen


@pytest.mark.parametrize("is_late", [False, True])
def test_a_green_for_somebody_who_has_gone_in_long_ago_takes_no_screen(
    app: Flask, live_server: Live, phone: BrowserContext, is_late: bool
) -> None:
    activity, session = make(app)
    secret = enrol(app, activity)
    page = pair(app, live_server, phone, session)
    phone.route(EVENTS, lambda route: route.abort())
    key_in(page, f"{live_server.url}/t/{secret}")
    expect(page.locator("#verdict.v-warn")).to_be_visible()
    page.click("#v-next")
    if is_late:
        page.evaluate("() => { const even = Date.now; Date.now = () => even() + 30000; }")
    phone.unroute(EVENTS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#recent li.r-good")).to_have_count(1)
    expect(page.locator("#verdict.v-good")).to_be_visible(visible=not is_late)
