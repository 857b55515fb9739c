"""The people of a journey in Chromium: each with a browser of their own, whose taps the page itself counts."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.database import transaction
from tests.factories import PASSWORD

PHONE = (390, 844)
SCREEN = (1280, 720)


class Person:
    """A browser context of its own. `taps` counts what was touched or clicked since `fresh()`."""

    def __init__(self, chromium: Browser, url: str, size: tuple[int, int] = PHONE, *, scripts: bool = True) -> None:
        self.url = url
        self._taps = 0
        self.context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="zh-CN", java_script_enabled=scripts
        )
        self.context.set_default_timeout(10_000)
        if scripts:
            self.context.expose_binding("oneTap", self._tapped)
            self.context.add_init_script("addEventListener('pointerdown', () => oneTap(), true)")
        self.page = self.context.new_page()

    def _tapped(self, _source: dict[str, Any]) -> None:
        self._taps += 1

    def fresh(self) -> None:
        self._taps = 0

    @property
    def taps(self) -> int:
        self.page.wait_for_timeout(50)  # a binding reports by itself
        return self._taps

    def open(self, address: str) -> None:
        """An address, as the camera read it or below the site."""
        answer = self.page.goto(address if address.startswith("http") else self.url + address)
        assert answer is not None
        assert answer.status == 200, (address, answer.status)

    def sign_in(self, login: str) -> None:
        """By keyboard alone."""
        self.open("/login")
        self.page.focus("#login")
        for word in (login, PASSWORD):
            self.page.keyboard.insert_text(word)
            self.page.keyboard.press("Tab" if word == login else "Enter")
        self.page.wait_for_url(lambda found: not found.endswith("/login"))

    def read(self, selector: str) -> str:
        """The one code that another phone's camera sees on this screen."""
        self.page.locator(selector).scroll_into_view_if_needed()
        found = codes_in(self.page.screenshot())
        assert len(found) == 1, found
        return found[0]

    def leave(self) -> None:
        self.context.close()


def codes_in(picture: bytes) -> list[str]:
    """Every QR code in a screenshot."""
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("L"))]


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the focused element fits the expression `what` (over `e`)."""
    for _ in range(60):
        if page.evaluate(f"(e => {what})(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no amount of Tab leads to {what}")


def move(app: Flask, code: str, starts_at: datetime) -> None:
    """The day has come: the activity, an hour long, begins at this moment."""
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        for row in (activity, *activity.sessions):
            row.starts_at, row.ends_at = starts_at, starts_at + timedelta(hours=1)
