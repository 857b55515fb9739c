"""The participant's whole way with scripts off, in Chromium at phone size: register, change, cancel, come, delete."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.checkin import codes
from app.checkin.models import CheckIn
from app.kernel.clock import now
from app.registration.models import PersonalDetail, Registration
from tests.conftest import Live
from tests.web.checkin.browser import count, totals
from tests.web.checkin.browser import make as make_open
from tests.web.journey.people import codes_in, move

pytestmark = pytest.mark.published


def _register(page: Page, *, adults: str, name: str) -> str:
    page.fill("#name", name)
    page.fill("#adults", adults)
    page.fill("#phone", "13800131234")
    page.check("#consent")
    page.click("#form button[type=submit]")
    expect(page.locator("#flash")).to_contain_text("报名成功")
    (ticket,) = codes_in(page.screenshot(full_page=True))
    assert ticket == page.url
    return ticket


def _press(page: Page, link: str, button: str, told: str) -> None:
    page.click(f"a:has-text('{link}')")
    page.click(f"main button:has-text('{button}')")
    expect(page.locator("#flash")).to_contain_text(told)


def test_register_change_cancel_come_and_delete(app: Flask, live_server: Live, phone_without_scripts: Page) -> None:
    page = phone_without_scripts
    code, session = make_open(app, starts_at=now() + timedelta(days=2))
    page.goto(f"{live_server.url}/a/{code}")
    first = _register(page, adults="2", name="示例李女士")

    page.click("a:has-text('改人数')")
    page.fill("#adults", "0")
    page.click("main button:has-text('改好了')")  # refused beside the field, what was typed stays
    assert page.input_value("#adults") == "0"
    page.fill("#adults", "3")
    page.click("main button:has-text('改好了')")
    expect(page.locator("main")).to_contain_text("3人：3位大人")

    _press(page, "取消报名", "取消报名", "已取消")
    page.click("a:has-text('重新报名')")
    folded = page.locator("summary:has-text('再报一份')")
    if folded.count():  # this browser still keeps the cancelled ticket
        folded.click()
    second = _register(page, adults="2", name="示例李女士")
    assert second != first
    assert count(app, Registration) == 2

    move(app, code, now() - timedelta(minutes=5))
    key = codes.live_key(app.extensions["keys"], session, codes.step_of(now()))
    page.goto(f"{live_server.url}/s/{session}?k={key}")
    page.click("button:has-text('签到，2人')")
    expect(page.locator("h1")).to_have_text("已签到")
    assert totals(app, session).total == 2

    page.goto(f"{live_server.url}/my-data")
    page.click("main .menu a >> nth=0")
    page.click("a:has-text('看看存了我什么')")
    expect(page.locator("dl.facts")).to_contain_text("13800131234")
    page.click("a:has-text('现在就删除')")
    page.click("main button:has-text('删除')")
    expect(page.locator("dl.facts")).to_contain_text("已删除")
    assert "13800131234" not in page.content()
    assert "示例李女士" not in page.content()
    assert totals(app, session).total == 2  # the head-count stays
    assert count(app, CheckIn) == 1
    assert count(app, PersonalDetail) == 1  # that of the cancelled registration, which has its own page
