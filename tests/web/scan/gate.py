"""A helper at the gate in tests: a paired phone whose camera shows what Pillow drew."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qrcode
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize, expect
from sqlalchemy import select

from app.activities.models import ActivitySession
from app.checkin import devices
from app.checkin.models import CheckIn, CheckInEvent
from app.extensions import db
from app.kernel.clock import now
from tests.browser import FLAGS, chromium_path, font_environment, has_chinese_font
from tests.conftest import Live

PHONE: ViewportSize = {"width": 390, "height": 844}
FRAME = (640, 480)


def picture(text: str, *, side: int = 300) -> Image.Image:
    """A QR code held before a camera."""
    code = qrcode.make(text, border=4).convert("RGB").resize((side, side), Image.Resampling.NEAREST)
    frame = Image.new("RGB", FRAME, (120, 110, 100))
    frame.paste(code, ((FRAME[0] - side) // 2, (FRAME[1] - side) // 2))
    return frame


def blank() -> Image.Image:
    """Nobody before the camera."""
    return Image.new("RGB", FRAME, (120, 110, 100))


def film(path: Path, frames: Sequence[Image.Image], *, each: int = 25) -> Path:
    """The frames as a video that Chromium's fake camera plays in a circle: JPEGs one after the other."""
    parts = []
    for frame in frames:
        held = io.BytesIO()
        frame.save(held, "JPEG", quality=92)
        parts += [held.getvalue()] * each
    path.write_bytes(b"".join(parts))
    return path


@contextmanager
def camera(browser: Browser, video: Path | None, home: Path, *, cameras: int = 1) -> Iterator[Browser]:
    """Another Chromium, with this film for a camera (without one, Chromium's own pictures) and the permission given."""
    flags = [
        *FLAGS, "--use-fake-ui-for-media-stream", f"--use-fake-device-for-media-stream=device-count={cameras}",
        *([f"--use-file-for-fake-video-capture={video}"] if video else []),
    ]  # fmt: skip
    fonts = None if has_chinese_font() else {**os.environ, **font_environment(home)}
    found = browser.browser_type.launch(executable_path=chromium_path(is_whole=True), args=flags, env=fonts)
    yield found
    found.close()


def phone_of(browser: Browser, **more: Any) -> BrowserContext:
    """A phone of a helper's own."""
    context = browser.new_context(viewport=PHONE, locale="zh-CN", permissions=["camera"], **more)
    context.set_default_timeout(10_000)
    return context


def pairing_address(app: Flask, server: Live, session: str, *, every: bool = False) -> str:
    """What the console's QR holds."""
    key = devices.pairing_key(app.extensions["keys"], session, all_sessions=every, now=now(), revoked=0)
    return f"{server.url}/scan/pair?s={session}&a={int(every)}&k={key}"


def pair(app: Flask, server: Live, context: BrowserContext, session: str, *, label: str = "东门1", **more: Any) -> Page:
    """Scans the pairing QR, presses the button, and waits for the scanner to have its roster."""
    page = context.new_page()
    page.goto(pairing_address(app, server, session, **more))
    page.fill("#label", label)
    page.click("main button")
    page.wait_for_url(f"{server.url}/scan")
    expect(page.locator("#roster-line")).to_contain_text("名单")
    return page


def held(page: Page) -> None:
    """The service worker keeps the page, reader included."""
    expect(page.locator("#held")).to_be_visible(timeout=20_000)


KEYS = """text => {
  for (const key of [...text, 'Enter']) {
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  }
}"""


def key_in(page: Page, text: str) -> None:
    """A USB scanner: fast keys, Enter at the end, no field in focus. As one step, so that a busy machine is no slow typist."""
    page.evaluate(KEYS, text)


FILL = """async (count) => {
  const store = await import(document.querySelector('link[href$="store.js"]').href);
  const clock = await import(document.querySelector('link[href$="clock.js"]').href);
  const at = clock.moment(), session = document.getElementById('session').value;
  for (let i = 0; i < count; i += 1) await store.record({ uid: clock.random(), session: session, kind: 'arrival',
    walk_in: true, people: 1, device_at: at.at, mono: at.mono, life: at.life, by: 'typed' });
}"""


def fill(page: Page, count: int) -> None:
    """So many walk-ins in the queue, as the page itself would write them."""
    page.evaluate(FILL, count)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Waits until it holds. Trap: Playwright's own wait_for_function takes any promise for a yes."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came")


SETTLED = """async () => {
  const store = await import(document.querySelector('link[href$="store.js"]').href);
  await store.kept('choice');
}"""


def reopen(page: Page) -> None:
    """Opens the page anew, as a thumb does: what it began to keep is on the disk by then, since reads wait their turn."""
    page.evaluate(SETTLED)
    page.reload()


LOOP = """() => {
  const begun = performance.now();
  let sum = 0;
  for (let i = 0; i < 5e6; i += 1) sum = (sum * 31 + i) % 1000003;
  return performance.now() - begun + sum * 0;
}"""


def slowed_down(page: Page, processor: CDPSession, rate: int) -> float:
    """How many times longer the page calculates at this rate than at the machine's own; the rate stays set.

    Both in turn, so that a busy machine slows both; there Chromium reaches half of the rate.
    """
    seconds: dict[int, list[float]] = {1: [], rate: []}
    for _ in range(8):
        for each, taken in seconds.items():
            processor.send("Emulation.setCPUThrottlingRate", {"rate": each})
            taken.append(page.evaluate(LOOP))
    return sum(seconds[rate]) / sum(seconds[1])


def arrivals(app: Flask, session: str) -> list[tuple[int, int]]:
    """(registration, people) of every check-in of the session."""
    with app.app_context():
        rows = db.session.execute(
            select(CheckIn.registration_id, CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d)
            .join(ActivitySession, ActivitySession.id == CheckIn.session_id)
            .where(ActivitySession.code == session)
        )
        return sorted((row[0], row[1]) for row in rows)


def uids(app: Flask) -> list[str]:
    """The ids of every event that the server keeps."""
    with app.app_context():
        return list(db.session.scalars(select(CheckInEvent.uid).order_by(CheckInEvent.id)))
