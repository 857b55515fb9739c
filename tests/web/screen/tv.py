"""A television at the venue: its two clocks run as the test says, and it polls when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from flask import Flask
from playwright.sync_api import Browser, Error, Page, Route

from app.checkin import codes
from app.kernel.clock import now
from tests.conftest import Live
from tests.web.screen.test_screen_in_browser import open_screen

CLOCKS = """(function () {
  var date = Date.now, even = performance.now.bind(performance);
  window.wall = 0; window.even = Number(sessionStorage.late || 0);
  Date.now = function () { return date() + window.wall; };
  performance.now = function () { return even() + window.even; };
})()"""


class Television:
    """One venue screen with Chromium's clocks in our hand."""

    def __init__(self, page: Page) -> None:
        self.page, self.hung = page, list[Route]()
        page.context.add_init_script(CLOCKS)
        page.reload()
        page.wait_for_function("document.getElementById('net-good').hidden === false")
        page.evaluate("window.kept = true")

    def after(self, seconds: float) -> None:
        """So much time passes at once."""
        self.page.evaluate(f"window.even += {seconds * 1000}; window.wall += {seconds * 1000}")

    def set_clock(self, seconds: float) -> None:
        """Somebody, or the TV itself, sets its time of day; or it slept, and only the time of day went on."""
        self.page.evaluate(f"window.wall += {seconds * 1000}")

    def poll(self) -> None:
        """Ask now, not in four seconds."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def sees(self, *wanted: str) -> None:
        """Wait until exactly these of the words about the network stand there."""
        self.page.wait_for_function(
            """wanted => ['net-good', 'net-weak', 'net-lost', 'net-stale'].every(
                 id => (document.getElementById(id).offsetParent !== null) === wanted.includes(id))""",
            arg=list(wanted),
        )

    def says(self) -> str:
        return self.page.inner_text("main")

    @property
    def is_same_page(self) -> bool:
        """Whether it has not been loaded anew."""
        return bool(self.page.evaluate("window.kept === true"))

    @property
    def shows_code(self) -> bool:
        return self.page.locator(".dial .plate").is_visible() and self.page.locator("#digits").is_visible()

    def fits(self, app: Flask, session: str, *, seconds: float = 0) -> bool:
        """Whether a server whose clock is so far off takes the digits that stand there."""
        moment, typed = now() + timedelta(seconds=seconds), self.page.inner_text("#digits").replace(" ", "")
        return self.shows_code and codes.venue_digits_hold(app.extensions["keys"], session, typed, moment)

    def wait_for(self, app: Flask, session: str, *, seconds: float = 0) -> None:
        """Until they fit."""
        for _ in range(50):
            if self.fits(app, session, seconds=seconds):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{self.page.inner_text('#digits')} is not the code of this moment")

    def answer(self, **how: object) -> None:
        """From now on every poll is answered like this; without anything, never."""

        def handle(route: Route) -> None:
            if how.get("abort"):
                route.abort()
            elif how:
                route.fulfill(**how)  # type: ignore[arg-type]
            else:
                self.hung.append(route)

        self.page.unroute("**/steps.json*")
        self.page.route("**/steps.json*", handle)

    def let_go(self) -> None:
        """Playwright waits for what was never answered."""
        while self.hung:
            with suppress(Error):  # the page has given it up
                self.hung.pop().abort()

    def reach_server(self) -> None:
        self.page.unroute("**/steps.json*")
        self.poll()


@contextmanager
def television(app: Flask, server: Live, browser: Browser, session: str) -> Iterator[Television]:
    page = open_screen(app, server, browser, session)
    found = Television(page)
    yield found
    found.let_go()
    page.context.close()
