"""A phone for every session in Chromium with a shifted clock: it scans for the session whose time it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from app.activities.models import ActivitySession
from app.extensions import db
from app.kernel.database import transaction
from tests.conftest import Live
from tests.web.checkin.browser import enrol, make
from tests.web.journey.test_pages import faults_of
from tests.web.scan.gate import arrivals, key_in, pair, phone_of, reopen

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
ROSTER = "**/api/v1/scan/roster"


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = phone_of(chromium, service_workers="block")
    yield context
    context.close()


def sessions_of(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(ActivitySession.code).order_by(ActivitySession.position)))


def later(app: Flask, page: Page, hours: float) -> None:
    """The time passes: the phone's clocks jump, its roster stays, and the server's sessions are so much nearer."""
    page.context.route(ROSTER, lambda route: route.abort())
    with app.app_context(), transaction(db.session) as tx:
        for row in tx.scalars(select(ActivitySession)):
            row.starts_at -= timedelta(hours=hours)
            row.ends_at -= timedelta(hours=hours)
    page.clock.fast_forward(round(hours * 3_600_000))


def paired(app: Flask, live: Live, phone: BrowserContext, session: str) -> Page:
    phone.clock.install()
    return pair(app, live, phone, session, every=True)


def scan_through(page: Page, live: Live, secret: str) -> None:
    key_in(page, f"{live.url}/t/{secret}")
    expect(page.locator("#verdict.v-good")).to_be_visible()


def test_the_morning_ends_and_the_phone_scans_for_the_afternoon_by_itself(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    activity, first = make(app, sessions=2)
    secret, second = enrol(app, activity), sessions_of(app)[1]
    page = paired(app, live_server, phone, first)
    expect(page.locator("#session")).to_have_value(first)
    expect(page.locator("#session-word")).to_be_empty()
    scan_through(page, live_server, secret)
    later(app, page, 1.2)
    expect(page.locator("#session")).to_have_value(second)
    expect(page.locator("#voice")).to_contain_text("换了一场")
    expect(page.locator("#v-session")).not_to_be_empty()
    expect(page.locator("#session-news")).to_be_visible()
    size = page.locator("#session").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 20, "which session it is has to be seen at arm's length"
    assert faults_of(page) == []
    scan_through(page, live_server, secret)
    assert len(arrivals(app, first)) == len(arrivals(app, second)) == 1


def test_a_choice_for_the_morning_does_not_bind_the_afternoon(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    """Three sessions: the helper chooses the second while it is the first's time; then it is the third's."""
    _, first = make(app, sessions=3)
    codes = sessions_of(app)
    page = paired(app, live_server, phone, first)
    page.select_option("#session", codes[1])
    expect(page.locator("#session-word")).not_to_be_empty()
    reopen(page)
    expect(page.locator("#session")).to_have_value(codes[1])  # a reload does not move the gate
    later(app, page, 2.4)
    expect(page.locator("#session")).to_have_value(codes[2])


def test_where_windows_overlap_the_helpers_choice_stands_until_it_is_over(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    _, first = make(app, sessions=2)
    page = paired(app, live_server, phone, first)
    later(app, page, 1.2)
    expect(page.locator("#session")).not_to_have_value(first)
    page.select_option("#session", first)  # those who come late
    page.clock.fast_forward(60_000)
    expect(page.locator("#session")).to_have_value(first)
    expect(page.locator("#session-word")).to_contain_text("现在是")
    expect(page.locator("#session-news")).to_be_hidden()
    page.clock.fast_forward(30 * 60_000)
    expect(page.locator("#session")).not_to_have_value(first)  # its window has closed


def test_a_usb_scanner_is_heard_after_and_while_a_session_is_chosen(
    app: Flask, live_server: Live, phone: BrowserContext
) -> None:
    activity, first = make(app, sessions=2)
    secrets = [enrol(app, activity) for _ in range(2)]
    page = pair(app, live_server, phone, first, every=True)
    page.select_option("#session", first)
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.type(f"{live_server.url}/t/{secrets[0]}")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict.v-good")).to_be_visible()
    page.click("#v-next")
    # An option that the first key of an address would choose.
    page.evaluate("document.querySelectorAll('#session option')[1].textContent = 'http'")
    page.focus("#session")
    page.keyboard.type(f"{live_server.url}/t/{secrets[1]}")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict.v-good")).to_be_visible()
    assert len(arrivals(app, first)) == 2
    # By hand the list is walked through as ever, and the focus stays for the next step.
    page.click("#v-next")
    page.focus("#session")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#session")).not_to_have_value(first)
    assert page.evaluate("document.activeElement.id") == "session"
