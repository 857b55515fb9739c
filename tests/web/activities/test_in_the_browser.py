"""New activity by keyboard alone and without scripts; axe on every page of the screens; weights over the wire."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, Route

from app.config import HTMX_CDN
from app.web.assets import sync_assets
from tests.browser import in_turn
from tests.factories import PASSWORD

pytestmark = pytest.mark.published
CDN_PAGES = HTMX_CDN.rsplit("/npm/", 1)[0] + "/**"

PAGES = [
    "/workbench", "/activities", "/activities/new", "/activities/new?kind=heritage_visit", "/activities/new?paper=1",
    "/activities/{own}", "/activities/{draft}", "/activities/{own}/edit", "/activities/{own}/share",
    "/activities/{own}/copy", "/activities/{own}/cancel", "/activities/listing", "/programmes", "/programmes/new",
]  # fmt: skip
PUBLIC = ["/", "/calendar", "/a/{own}", "/privacy", "/accessibility", "/my-data", "/feedback"]


@pytest.fixture(autouse=True)
def without_the_cdn(desk: Page, phone: Page) -> None:
    sync_assets()

    def dead(route: Route) -> None:
        route.abort()

    for page in (desk, phone):
        page.route(CDN_PAGES, dead)


def enter(page: Page, url: str, login: str = "fuze") -> None:
    page.goto(f"{url}/login")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/workbench")


@pytest.mark.lengthens  # test_new_activity.py publishes the same form on both databases
@pytest.mark.serial  # typing must not race with other browsers for the two cores
def test_a_lesson_is_published_by_keyboard_alone_in_under_a_minute(live_server: Any, codes: Any, desk: Page) -> None:
    enter(desk, live_server.url, "jingban")
    desk.goto(f"{live_server.url}/activities/new")
    desk.wait_for_function("window.htmx !== undefined")
    begun = time.monotonic()
    keys = desk.keyboard
    keys.press("3")
    desk.wait_for_selector("#venue_unit", state="attached")
    desk.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added", state="detached")
    assert desk.evaluate("document.activeElement.id") == "kind-heritage_visit"
    keys.press("Tab")
    keys.type("键盘上的剪纸课")
    assert desk.input_value("#title") == "键盘上的剪纸课"
    keys.press("Tab")
    keys.type((datetime.now(UTC) + timedelta(days=9)).strftime("%m%d%Y"))  # as this Chromium's date field wants it
    while desk.evaluate("document.activeElement.id") != "venue_unit":
        keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.type("示例剪纸")
    while desk.evaluate("document.activeElement.value") != "publish":
        keys.press("Tab")
    keys.press("Enter")
    desk.wait_for_url("**/share")
    assert time.monotonic() - begun < 60
    assert "键盘上的剪纸课" in desk.content()


@pytest.mark.lengthens
def test_without_scripts_the_same_form_publishes(live_server: Any, codes: Any, phone_without_scripts: Page) -> None:
    page = phone_without_scripts
    enter(page, live_server.url, "jingban")
    page.goto(f"{live_server.url}/activities/new")
    page.check("#kind-training", force=True)
    page.fill("#title", "没有脚本的宣讲")
    page.click("button[value=kind]")
    assert page.input_value("#title") == "没有脚本的宣讲"
    page.fill("#date", (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%d"))
    page.fill("#venue", "示例礼堂")
    page.click("button[value=publish]")
    assert page.url.endswith("/share")
    assert "没有脚本的宣讲" in page.input_value("#text")


def violations(page: Page) -> list[str]:
    found = Axe().run(page)
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found.response["violations"]]


@pytest.mark.sqlite_only
def test_axe_finds_nothing_on_any_page_at_either_width(
    live_server: Any, codes: dict[str, str], desk: Page, phone: Page
) -> None:
    faults = {}
    for width, page in enumerate((desk, phone)):
        for path in in_turn(PUBLIC, width):
            page.goto(live_server.url + path.format(**codes))
            if found := violations(page):
                faults[path] = found
        enter(page, live_server.url)
        for path in PAGES:
            page.goto(live_server.url + path.format(**codes))
            if path.startswith("/activities/new?kind"):
                page.click("#settings > summary")
            if path in in_turn(PAGES, width) and (found := violations(page)):
                faults[path] = found
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if wide > 0:
                faults[f"{path} sideways"] = [str(wide)]
    assert faults == {}


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("paths", "most", "login"), [(PUBLIC, 60_000, ""), (PAGES, 100_000, "fuze")])
def test_a_first_visit_stays_light_with_everything_it_loads(
    live_server: Any, chromium: Browser, codes: dict[str, str], desk: Page, paths: list[str], most: int, login: str
) -> None:
    if login:
        enter(desk, live_server.url, login)
    cookies = desk.context.storage_state()
    heavy = {}
    for path in in_turn(paths, 0):  # tests/web/journey/test_budgets.py weighs each of them, as the server sends it
        context = chromium.new_context(storage_state=cookies)
        context.route(CDN_PAGES, lambda route: route.abort())
        page = context.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer, into=answers: into.append(answer))  # type: ignore[misc]
        page.goto(live_server.url + path.format(**codes), wait_until="networkidle")
        weight = sum(_weight(answer) for answer in answers)
        context.close()
        if not 1000 < weight <= most:
            heavy[path] = weight
    assert heavy == {}


def _weight(answer: Response) -> int:
    """Compressed body and headers: what goes over the wire behind the production server."""
    return len(gzip.compress(answer.body(), 6)) + 300
