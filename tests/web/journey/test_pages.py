"""Every staff page of the demo in Chromium at 390 and 1280 px: axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page

from app.web.assets import sync_assets
from tests.browser import in_turn
from tests.house import House
from tests.web.journey.district import tell_story

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # pages are the same on both databases

ROLES: dict[str, list[str]] = {
    "jingban": [
        "/workbench", "+/activities/[a-z0-9]{12}/evidence", "/establishments", "/establishments/new",
        "/plan/tasks/12/note", "/plan/safeguards", "/plan/safeguards/2/note", "/progress/mine", "/account",
        # The last of these is read at 390 px in make test; tests/web/journey/test_day_pages.py reads it at 1280.
        "/activities?state=under_review", "+/activities/[a-z0-9]{12}", "+/activities/[a-z0-9]{12}/withdraw-submission",
        "/organisation/permissions",
    ],
    "shenhe": [
        "/review", "+/review/[a-z0-9]{12}", "/metrics", "/metrics/facts?task=10", "+/metrics/facts/[a-z0-9]{12}",
        "/plan", "/plan/tasks/3", "/plan/tasks/10", "/plan/tasks/12", "/progress/review",
    ],
    "shenji": ["/audit", r"+/audit\?open=[^\"#]+"],
    "guanli": [
        "/plan/tasks/10", r"+/plan/tasks/10/indicators/[a-z0-9]{12}/target\?year=\d+", "/plan/tasks/10",
        "+/plan/targets/[a-z0-9]{12}/retire", "/organisation", "+/organisation/units/[a-z0-9]{12}", "/organisation/readers",
        "/organisation/import", "/organisation/users", "+/organisation/users/[a-z0-9]{12}", "/operations", "/privacy/data", "/privacy"],
}  # fmt: skip


@pytest.fixture
def demo(app: Flask, backend: House, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The seeded district on a live server; its address."""
    sync_assets()
    monkeypatch.setattr(app.extensions["settings"], "demo", True)
    tell_story(backend)
    return str(live_server.url)


def faults_of(page: Page, *, axe: bool = True) -> list[str]:
    """What axe finds, and whether it scrolls sideways."""
    violations = Axe().run(page).response["violations"] if axe else []
    found = [f"{v['id']}: {v['nodes'][0]['html'][:90]}" for v in violations]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("scrolls sideways")
    return found


def test_every_page_of_every_role_reads_well(demo: str, desk: Page, phone: Page) -> None:
    faults = {}
    for width, page in enumerate((desk, phone)):
        for login, paths in ROLES.items():
            page.context.clear_cookies()
            page.goto(demo + "/")
            page.locator(f'form[action="/demo/{login}"] button').click()
            page.wait_for_load_state()
            for path in paths:
                target = path
                if path.startswith("+"):  # the first such link of the page before
                    link = re.search(path[1:], page.content().replace("&amp;", "&"))
                    assert link, path
                    target = link[0]
                assert page.goto(demo + target).status == 200, target  # type: ignore[union-attr]
                if found := faults_of(page, axe=path in in_turn(paths, width)):
                    faults[f"{path} {page.viewport_size['width']}"] = found  # type: ignore[index]
    assert faults == {}


def test_a_page_that_is_too_wide_or_nameless_is_found(demo: str, phone: Page) -> None:
    """Negative control."""
    phone.goto(demo + "/login")
    assert faults_of(phone) == []
    phone.set_content('<html lang="zh"><title>x</title><main><h1>x</h1><img src="x" width="900"></main></html>')
    assert any("image-alt" in fault for fault in faults_of(phone))
    assert "scrolls sideways" in faults_of(phone)
