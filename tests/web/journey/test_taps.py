"""From the scan to “已签到” on a phone of 390 px: one tap for who is known, two for who is not, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.web.assets import sync_assets
from tests.conftest import Live
from tests.web.checkin.browser import digits, live_key, make, outcomes, totals

pytestmark = pytest.mark.published
# Trusted clicks only, in the capture phase: what a finger did, however the page's own scripts answer it. A form that is
# sent by the keyboard comes as a click of its button with no finger (detail 0); it counts like one.
COUNTER = "addEventListener('click', event => { if (event.isTrusted) oneTap(); }, true)"


@dataclass
class Hand:
    """A phone in a hand. `taps` are clicks that the page itself saw; without scripts, those that the finger made.

    `sent` are the pages that were asked for since the scan: a second page on the way would show there.
    """

    page: Page
    scripts: bool
    taps: int = 0
    sent: list[str] = field(default_factory=list)

    def scan(self, address: str) -> None:
        """The camera opens it; from here on everything counts."""
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == 200
        self.page.wait_for_timeout(50)
        self.taps, self.sent = 0, []

    def tap(self, selector: str) -> None:
        self.page.tap(selector)
        if not self.scripts:
            self.taps += 1

    def done(self) -> tuple[int, list[str]]:
        expect(self.page.locator("h1")).to_have_text("已签到")
        self.page.wait_for_timeout(50)  # a binding reports by itself
        return self.taps, self.sent

    def saw(self, _source: Any) -> None:
        self.taps += 1


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def hand(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Hand]:
    sync_assets()
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True, is_mobile=True, java_script_enabled=request.param
    )  # fmt: skip
    context.set_default_timeout(10_000)
    found = Hand(context.new_page(), request.param)
    if request.param:
        context.expose_binding("oneTap", found.saw)
        context.add_init_script(COUNTER)
    found.page.on("request", lambda asked: found.sent.append(asked.method) if asked.is_navigation_request() else None)
    yield found
    context.close()


def know(hand: Hand, url: str, code: str) -> None:
    """This browser registers two, by its own form."""
    hand.page.goto(f"{url}/a/{code}")
    hand.page.fill("#name", "示例李女士")
    hand.page.fill("#adults", "2")
    hand.page.check("#consent")
    hand.page.click("#form button[type=submit]")
    expect(hand.page.locator("#flash")).to_contain_text("报名成功")


def test_a_known_browser_signs_in_with_one_tap(app: Flask, live_server: Live, hand: Hand) -> None:
    code, session = make(app)
    know(hand, live_server.url, code)
    hand.scan(f"{live_server.url}/s/{session}?k={live_key(app, session)}")
    hand.tap("button:has-text('签到，2人')")
    assert hand.done() == (1, ["POST"])
    assert totals(app, session).total == 2


def test_who_has_not_registered_signs_two_in_with_two_taps(app: Flask, live_server: Live, hand: Hand) -> None:
    _code, session = make(app, takes_walk_in=True)
    hand.scan(f"{live_server.url}/s/{session}?k={live_key(app, session)}")
    if hand.scripts:
        hand.tap("[data-count] button[aria-label*='加']")
    else:
        hand.tap("#people")
        hand.page.keyboard.press("Control+a")
        hand.page.keyboard.type("2")
    hand.tap("form:has(#people) button[type=submit]")
    assert hand.done() == (2, ["POST"])
    assert totals(app, session).total == 2


def test_one_who_comes_alone_signs_in_with_one_tap(app: Flask, live_server: Live, hand: Hand) -> None:
    _code, session = make(app, takes_walk_in=True)
    hand.scan(f"{live_server.url}/s/{session}?k={live_key(app, session)}")
    hand.tap("form:has(#people) button[type=submit]")
    assert hand.done() == (1, ["POST"])
    assert totals(app, session).total == 1


def test_a_step_on_the_way_is_counted(app: Flask, live_server: Live, hand: Hand) -> None:
    """Negative control: without the code of the screen the six digits come first, and a stray tap is one too."""
    code, session = make(app)
    know(hand, live_server.url, code)
    hand.scan(f"{live_server.url}/s/{session}")
    hand.page.fill("#digits", digits(app, session))
    hand.tap("main form:has(#digits) button[type=submit]")
    hand.tap("h1")
    hand.tap("button:has-text('签到，2人')")
    taps, sent = hand.done()
    assert taps == 3
    assert sent.count("POST") == 2
    assert outcomes(app) == ["accepted"]
