"""A helper's slip: taken back within two minutes, seen as gone in its own row, and nobody's work; what to do is said."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.models import HeldScan
from app.extensions import db
from app.kernel.database import transaction
from tests.web.checkin.browser import code_of, enrol, totals
from tests.web.scan.gate import arrivals, reopen
from tests.web.scan.test_scanner import Gate, gate, reload

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database


def test_what_was_taken_back_is_green_no_more_and_says_who_it_was(gate: Gate) -> None:
    gate.page.click("#walk-in button[value='2']")
    gate.verdict("good", "已签到")
    gate.page.click("#v-undo")
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    expect(gate.page.locator("#v-who")).to_have_text("没报名的，2人")
    expect(gate.page.locator("#recent li")).to_have_count(1)
    row = gate.page.locator("#recent li.r-warn")
    expect(row.locator("b")).to_have_text("没报名的，2人")
    expect(row.locator("small")).to_contain_text("已撤销")
    reopen(gate.page)
    expect(gate.page.locator("#recent li.r-warn small")).to_contain_text("已撤销")


FORGET_ROWS = """async () => {
  const store = await import(document.querySelector('link[href$="store.js"]').href);
  const known = await store.kept('recent');
  await store.keep('recent', { device: known.device, rows: [] });
}"""


def test_closed_before_its_row_was_kept_what_waits_is_listed_and_may_be_taken_back(gate: Gate) -> None:
    page, rows = gate.page, gate.page.locator("#recent li")
    gate.context.route("**/api/v1/scan/events", lambda route: route.abort())
    page.click("#walk-in button[value='2']")
    expect(page.locator("#v-title")).to_have_text("已记录，待同步")
    page.evaluate(FORGET_ROWS)
    page.reload()
    expect(rows.locator("b")).to_have_text("没报名的，2人")
    expect(rows.locator("small")).to_contain_text("已记录，待同步")
    gate.context.unroute("**/api/v1/scan/events")
    rows.get_by_role("button", name="撤销").click()
    expect(rows.locator("small")).to_contain_text("已撤销")
    expect(page.locator("#waiting")).to_have_text("0", timeout=20_000)
    assert arrivals(gate.app, gate.session) == []
    page.evaluate(FORGET_ROWS)  # control: nothing waits, and nothing else tells a row
    page.reload()
    expect(page.locator("#roster-line")).to_contain_text("名单")
    page.wait_for_timeout(300)
    expect(rows).to_have_count(0)


def test_an_undo_that_the_server_refuses_says_so_in_its_row(gate: Gate) -> None:
    gate.page.click("#walk-in button[value='2']")
    gate.verdict("good", "已签到")
    with gate.app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().review_state = "under_review"
    gate.page.click("#v-undo")
    expect(gate.page.locator("#v-title")).to_contain_text("已提交审核")
    expect(gate.page.locator("#recent li small")).to_contain_text("没有撤销")
    assert totals(gate.app, gate.session).total == 2


def test_a_mistyped_code_is_the_helpers_to_take_back(gate: Gate) -> None:
    for code in ("ABCD2345", "EFGH6789"):
        gate.page.fill("#code", code)
        gate.page.press("#code", "Enter")
        gate.verdict("bad", "没有这个报名码")
        expect(gate.page.locator("#v-who")).to_have_text(f"报名码 {code}")
        expect(gate.page.locator("#v-text")).to_contain_text("请他到签到台")
        if code == "ABCD2345":
            gate.page.click("#v-undo")
            expect(gate.page.locator("#v-title")).to_have_text("已撤销")
        gate.next()
    with gate.app.app_context():  # the other one, which was not taken back, is the control
        assert [row.state for row in db.session.scalars(select(HeldScan).order_by(HeldScan.id))] == [
            "withdrawn",
            "open",
        ]


def test_who_is_let_in_and_who_is_sent_to_the_desk_is_said(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    for number in range(2):
        gate.page.fill("#code", code_of(gate.app, secret))
        gate.page.press("#code", "Enter")
        if number == 0:
            gate.verdict("good", "已签到")
    gate.verdict("warn", "已于")
    expect(gate.page.locator("#v-text")).to_have_text("请进。不用再扫，没有重复计数")
    gate.next()
    gate.context.set_offline(True)
    gate.page.click("#walk-in button[value='2']")
    gate.verdict("warn", "已记录，待同步")
    expect(gate.page.locator("#v-text")).to_have_text("请进。没有网，先存在这台手机里")


def test_every_scan_of_two_minutes_can_be_taken_back_also_after_a_reload(gate: Gate) -> None:
    secrets = [enrol(gate.app, gate.activity) for _ in range(15)]
    reload(gate)
    for number, secret in enumerate(secrets):
        gate.scan(secret)
        expect(gate.page.locator("#recent li")).to_have_count(number + 1)
    expect(gate.page.locator("#recent .r-good")).to_have_count(15)
    gate.next()
    oldest = gate.page.locator("#recent li button").last
    oldest.click()
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    gate.next()
    reload(gate)
    expect(gate.page.locator("#recent .r-good")).to_have_count(14)
    expect(gate.page.locator("#recent li button:visible")).to_have_count(14)
    gate.page.locator("#recent li button:visible").last.click()
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert len(arrivals(gate.app, gate.session)) == 13
    gate.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 130000; }")
    gate.next()
    gate.scan(secrets[0])
    expect(gate.page.locator("#recent li")).to_have_count(12)  # what can no more be taken back makes room
    gate.verdict("good", "已签到")
    gate.next()
    expect(gate.page.locator("#recent li button:visible")).to_have_count(1)
