"""A pairing that is over: said at once and until it is mended; what waits goes in by itself, or is handed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.devices import revoke_device
from app.checkin.models import DeviceGrant
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.web.checkin.browser import enrol, outcomes
from tests.web.journey.test_pages import faults_of
from tests.web.journey.test_scan import looked_through
from tests.web.scan.gate import fill, until
from tests.web.scan.test_scanner import Gate, gate, reload

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
EVENTS = "**/api/v1/scan/events"
KEPT = "indexedDB.databases().then(all => all.length)"


def revoke(gate: Gate) -> None:
    with gate.app.app_context(), transaction(db.session) as tx:
        grant, activity = tx.scalars(select(DeviceGrant)).one(), tx.scalars(select(Activity)).one()
        revoke_device(tx, grant, activity, actor=ANONYMOUS, now=now())


def expire(gate: Gate) -> None:
    """Some time after what was scanned: the way of a batch to the server must not carry it past the end."""
    gate.page.wait_for_timeout(2500)
    with gate.app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(DeviceGrant)).one().expires_at = now()


def cancel(gate: Gate) -> None:
    revoke(gate)
    with gate.app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().state = "cancelled"


def reopen(gate: Gate) -> Page:
    """Closed with two walk-ins that waited, opened again: the page that pairs."""
    gate.page.goto("about:blank")
    gate.page.goto(f"{gate.live.url}/scan")
    return gate.page


def test_a_revoked_phone_says_so_with_the_first_answer_and_goes_on_saying_it(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    expect(gate.page.locator("#state")).to_have_text("都已送到")  # the control: before, all is well
    expect(gate.page.locator("#unpaired")).to_be_hidden()
    revoke(gate)
    gate.context.route("**/api/v1/scan/roster", lambda route: route.abort())
    gate.scan(secret)
    gate.verdict("warn", "这部手机已被作废")
    gate.next()
    expect(gate.page.locator("#unpaired")).to_contain_text("这部手机已被作废，请找主办单位重新配对。已扫的都在")
    expect(gate.page.locator("#state")).to_have_text("配对失效")
    gate.page.evaluate("window.dispatchEvent(new Event('online'))")
    gate.page.wait_for_timeout(500)
    expect(gate.page.locator("#state")).to_have_text("配对失效")
    assert faults_of(gate.page) == []


def test_a_pairing_that_holds_after_all_takes_the_banner_away(gate: Gate) -> None:
    """A wrong 401 of somebody's proxy, then the server itself."""
    gate.context.route(EVENTS, lambda route: route.fulfill(status=401, json={"error": "x", "message": "示例"}))
    gate.page.click("#walk-in button[value='2']")
    gate.verdict("warn", "已记录，待同步")
    expect(gate.page.locator("#state")).to_have_text("配对失效")
    gate.context.unroute(EVENTS)
    gate.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(gate.page.locator("#state")).to_have_text("都已送到")
    expect(gate.page.locator("#unpaired")).to_be_hidden()


@pytest.mark.parametrize(
    ("over", "words", "became"),
    [(revoke, "被主办单位作废", "quarantined"), (expire, "已到期", "accepted"), (cancel, "已取消", "quarantined")],
)
def test_what_waits_goes_in_by_itself_and_the_page_says_why_it_is_over(
    gate: Gate, over: Callable[[Gate], None], words: str, became: str
) -> None:
    gate.context.route(EVENTS, lambda route: route.abort())
    fill(gate.page, 2)
    over(gate)
    gate.context.unroute(EVENTS)
    page = reopen(gate)
    expect(page.locator("main")).to_contain_text(words)
    expect(page.locator("#again-done")).to_contain_text("先前的记录都已送到")
    assert outcomes(gate.app) == [became] * 2
    until(page, lambda: page.evaluate(KEPT) == 0)


def test_what_cannot_be_sent_is_handed_over_with_its_seal_and_the_phone_is_wiped(gate: Gate) -> None:
    gate.context.route(EVENTS, lambda route: route.abort())
    fill(gate.page, 2)
    expire(gate)
    page = reopen(gate)
    expect(page.locator("#again-count")).to_have_text("2")
    expect(page.locator("#again-state")).to_contain_text("还没送出去")
    expect(page.locator("#end-go")).to_be_disabled()
    assert faults_of(page) == []
    with page.expect_download() as saved:
        page.click("#end-save")
    text = Path(saved.value.path()).read_text("utf-8")
    expect(page.locator("#end-go")).to_be_disabled()  # saving may have failed unseen
    page.check("#end-sure")
    page.click("#end-go")
    expect(page.locator("#again-done")).to_contain_text("已经交了")
    until(page, lambda: page.evaluate(KEPT) == 0)
    assert looked_through(gate.app, gate.activity, text) == (True, 2)
    assert json.loads(json.loads(text)["body"])["ahead"] is not None


def test_names_are_gone_from_a_phone_that_still_holds_records(gate: Gate) -> None:
    enrol(gate.app, gate.activity, name="示例赵女士")
    reload(gate)
    gate.context.route(EVENTS, lambda route: route.abort())
    fill(gate.page, 1)
    kept = """() => new Promise((done) => { const asked = indexedDB.open('shiliu-scan');
      asked.onsuccess = () => { const all = asked.result.transaction('kept').objectStore('kept').getAll();
        all.onsuccess = () => { asked.result.close(); done(JSON.stringify(all.result)); }; }; })"""
    assert "赵" in gate.page.evaluate(kept)
    revoke(gate)
    page = reopen(gate)
    expect(page.locator("#again-count")).to_have_text("1")
    assert "赵" not in page.evaluate(kept)
