"""In Chromium: the other size without a reload, full-width digits, and the keyboard's own way to send a form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.checkin.models import CheckIn
from app.web.assets import sync_assets
from tests.conftest import Live
from tests.web.checkin.browser import count, live_key, make, outcomes, totals

pytestmark = pytest.mark.sqlite_only
WALK_IN = "form:has(#people) button[type=submit]"


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def phone(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    sync_assets()
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", java_script_enabled=request.param
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def scan(app: Flask, live: Live, page: Page, session: str) -> None:
    page.goto(f"{live.url}/s/{session}?k={live_key(app, session)}")


def has_scripts(page: Page) -> bool:
    return page.locator("[data-count] button").count() > 0


def is_large(page: Page) -> bool:
    return page.locator("html[data-size=large]").count() == 1


def test_the_other_size_loses_nothing_on_the_page_the_refusal_and_the_result(
    app: Flask, live_server: Live, phone: Page
) -> None:
    _, session = make(app)
    scan(app, live_server, phone, session)
    scripts, asked = has_scripts(phone), list[str]()
    phone.fill("#name", "王奶奶")
    phone.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    phone.click("text=大字版")
    expect(phone.locator("header .btn")).to_have_text("标准版")
    assert is_large(phone)
    assert phone.input_value("#name") == ("王奶奶" if scripts else ""), (
        "without scripts the page is new, its grant is not"
    )
    assert bool(asked) is not scripts
    phone.fill("#people", "9")
    phone.fill("#name", "王奶奶")
    phone.click(WALK_IN)  # refused: nine are too many
    expect(phone.locator(".err")).to_be_visible()
    assert is_large(phone)
    phone.click("text=标准版")
    assert not is_large(phone)
    assert phone.input_value("#name") == "王奶奶"
    phone.fill("#people", "2")
    phone.click(WALK_IN)
    expect(phone.locator("h1")).to_have_text("已签到")
    phone.click("text=大字版")
    expect(phone.locator("h1")).to_have_text("已签到")
    assert is_large(phone)
    assert outcomes(app) == ["accepted"]
    assert totals(app, session).total == 2
    scan(app, live_server, phone, session)
    assert is_large(phone), "it is kept"


KEEPING = "button:has-text('填的都留着')"


@pytest.mark.parametrize(("field", "typed"), [("#name", "王奶奶"), ("#tail", "7K4X")])
def test_without_scripts_each_form_takes_what_was_just_typed_to_the_other_size(
    app: Flask, live_server: Live, phone: Page, field: str, typed: str
) -> None:
    _, session = make(app)
    scan(app, live_server, phone, session)
    form = phone.locator(f"form:has({field})")
    if has_scripts(phone):
        assert phone.locator(KEEPING).count() == 0  # the head's button does it in place
        return
    phone.fill("#people", "二")  # no number, and the browser may not stop it
    phone.fill(field, typed)
    form.locator(KEEPING).click()
    expect(form.locator(KEEPING)).to_contain_text("标准版")
    assert is_large(phone) and phone.input_value(field) == typed
    assert phone.input_value("#people") == ("二" if field == "#name" else "1")
    phone.fill("#people", "2")
    form.locator(KEEPING).click()
    assert not is_large(phone) and phone.input_value(field) == typed
    assert outcomes(app) == []
    phone.fill("#people", "2")
    phone.press("#people", "Enter")
    expect(phone.locator("h1")).to_have_text("已签到")
    assert totals(app, session).total == 2


def test_an_address_that_names_a_size_does_not_win_over_the_choice(
    app: Flask, live_server: Live, chromium: Browser
) -> None:
    sync_assets()
    _, session = make(app)
    page = chromium.new_page()
    page.goto(f"{live_server.url}/s/{session}?size=large&k={live_key(app, session)}")
    assert is_large(page)
    page.click("text=标准版")
    assert "size=" not in page.url and "k=" in page.url
    page.reload()
    assert not is_large(page)
    page.close()


def test_full_width_digits_are_a_number(app: Flask, live_server: Live, phone: Page) -> None:
    _, session = make(app)
    scan(app, live_server, phone, session)
    phone.fill("#people", "３")
    if has_scripts(phone):
        phone.click("[data-count] button >> nth=1")
        assert phone.input_value("#people") == "4"
        phone.fill("#people", "３")
    assert phone.eval_on_selector("#people", "field => field.validity.valid")
    phone.fill("#people", "三")
    assert not phone.eval_on_selector("#people", "field => field.validity.valid")  # control
    phone.fill("#people", "３")
    phone.press("#people", "Enter")  # and Enter is the form's own button, not the size's
    expect(phone.locator("h1")).to_have_text("已签到")
    assert not is_large(phone)
    assert totals(app, session).total == 3
    assert count(app, CheckIn) == 1
