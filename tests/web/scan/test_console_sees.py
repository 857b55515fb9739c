"""From a helper's phone in Chromium to the organizer's console: how many still wait on it, and that it is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from sqlalchemy import select

from app.checkin.models import DeviceGrant
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.conftest import Live
from tests.factories import make_activity
from tests.web.checkin.browser import enrol
from tests.web.scan.gate import fill, key_in, pair, phone_of, until

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
EVENTS = "**/api/v1/scan/events"


@dataclass
class Shift:
    """A paired phone, and the console's list of phones as the organizer reads it."""

    app: Flask
    url: str
    activity: str
    phone: BrowserContext
    page: Page
    desk: FlaskClient

    def console(self) -> str:
        text = self.desk.get(f"/activities/{self.activity}/console/phones").text
        return re.sub(r"<[^>]+>|\s", "", text[text.index("已配对") :])

    def quiet(self, minutes: int) -> None:
        """As if the server had not heard of the phone for so long."""
        with self.app.app_context(), transaction(db.session) as tx:
            tx.scalars(select(DeviceGrant)).one().last_seen_at = now() - timedelta(minutes=minutes)


@pytest.fixture
def shift(
    app: Flask, live_server: Live, chromium: Browser, sign_in: Callable[[FlaskClient, str], None]
) -> Iterator[Shift]:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() + timedelta(minutes=10))
        code, session = activity.code, activity.sessions[0].code
    phone, desk = phone_of(chromium, service_workers="block"), app.test_client()
    sign_in(desk, "jingban")
    phone.clock.install()
    yield Shift(app, live_server.url, code, phone, pair(app, live_server, phone, session), desk)
    phone.close()


def test_after_the_queue_is_sent_the_console_says_that_nothing_waits(shift: Shift) -> None:
    shift.phone.route(EVENTS, lambda route: route.abort())
    for _ in range(3):
        key_in(shift.page, f"{shift.url}/t/{enrol(shift.app, shift.activity)}")
    expect(shift.page.locator("#waiting")).to_have_text("3")
    shift.phone.unroute(EVENTS)
    shift.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(shift.page.locator("#waiting")).to_have_text("0")
    assert "刚刚联系过" in shift.console() and "待同步" not in shift.console()


def test_the_console_says_what_still_waits_after_a_batch(shift: Shift) -> None:
    """Negative control: of 52 events the first fifty arrive, then the line breaks."""
    answers = iter([True])
    shift.phone.route(EVENTS, lambda route: route.continue_() if next(answers, False) else route.abort())
    fill(shift.page, 52)
    shift.page.evaluate("window.dispatchEvent(new Event('online'))")
    until(shift.page, lambda: "待同步2条" in shift.console())


def test_an_idle_phone_stays_just_contacted_with_one_small_request_a_minute(shift: Shift) -> None:
    sent: list[Request] = []
    shift.page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    shift.quiet(9)
    assert "9分钟前联系过" in shift.console()
    for _ in range(5):
        shift.page.clock.run_for(60_000)
        shift.page.wait_for_timeout(50)
    until(shift.page, lambda: "刚刚联系过" in shift.console())
    assert 4 <= len(sent) <= 5
    assert all(len(request.post_data or "") < 200 for request in sent)


def test_a_phone_that_nobody_looks_at_asks_for_nothing(shift: Shift) -> None:
    shift.page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    sent: list[Request] = []
    shift.page.on("request", lambda request: sent.append(request) if "/api/" in request.url else None)
    shift.page.clock.run_for(300_000)
    shift.page.wait_for_timeout(200)
    assert sent == []
