"""The gate in Chromium: a camera that reads a real ticket, a network that comes and goes, answers that are lost, tabs that
close: nothing is lost, nothing is counted twice, and the end of the shift leaves nothing on the phone."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.handing_in import look_through
from app.checkin.models import DeviceGrant
from app.extensions import db
from app.web.assets import sync_assets
from app.web.console.handover import read_file
from tests.conftest import Live
from tests.house import House
from tests.web.checkin.browser import enrol, make, outcomes
from tests.web.scan.gate import (
    arrivals,
    blank,
    camera,
    film,
    held,
    key_in,
    pair,
    pairing_address,
    phone_of,
    picture,
    reopen,
    slowed_down,
    uids,
    until,
)
from tests.web.scan.line import Line

pytestmark = [pytest.mark.serial, pytest.mark.sqlite_only]  # test_network_cut.py and the histories: both
EVENTS = "**/api/v1/scan/events"
SYNC = "**/scan/js/*/sync.js"


@pytest.fixture
def line(app: Flask, backend: House) -> Iterator[Line]:
    sync_assets()
    found = Line(app, backend.port)
    found.up()
    yield found
    found.down()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    """Without a service worker, as in WeChat on iOS; every request can be tampered with."""
    context = phone_of(chromium, service_workers="block")
    yield context
    context.close()


def amber(page: Page) -> None:
    expect(page.locator("#verdict.v-warn #v-title")).to_have_text("已记录，待同步")


def waiting(page: Page, number: int, *, within: float = 20_000) -> None:
    """So many wait by the page's own count; before it has counted it shows no number."""
    expect(page.locator("#waiting")).to_have_text(str(number), timeout=within)


def test_the_camera_reads_tickets_with_the_network_and_without(
    app: Flask, line: Line, chromium: Browser, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """One after the other without a touch; then offline, from a page that the phone itself holds, on a slower processor."""
    activity, session = make(app)
    first, second = (picture(f"{line.url}/t/{enrol(app, activity)}") for _ in range(2))
    video = film(tmp_path / "gate.mjpeg", [blank(), first, blank(), second])
    with camera(chromium, video, tmp_path) as browser:
        phone = phone_of(browser)
        page = pair(app, Live(app, line.url), phone, session)
        expect(page.locator("#recent .r-good")).to_have_count(2, timeout=20_000)
        assert arrivals(app, session) == [(1, 2), (2, 2)]
        held(page)
        page.close()
        line.down(phone)
        page = phone.new_page()
        processor = phone.new_cdp_session(page)
        processor.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(f"{line.url}/scan")
        slower = slowed_down(page, processor, 4)
        record_property("times slower", round(slower, 1))
        assert slower > 1.3, "the phone is as quick as before"
        expect(page.locator("#recent .r-wait")).to_have_count(2, timeout=20_000)
        expect(page.locator("#v-text")).to_contain_text("签到")  # the roster's hint: already here
        page.close()
        line.up(phone)
        page = phone.new_page()
        page.goto(f"{line.url}/scan")
        waiting(page, 0)
        until(page, lambda: outcomes(app).count("duplicate") >= 2)
        page.close()
    assert arrivals(app, session) == [(1, 2), (2, 2)]
    seen = Counter(outcomes(app))
    assert seen["accepted"] == 2 and seen["duplicate"] >= 2 and set(seen) == {"accepted", "duplicate"}


SLOW_ROSTER = """
    const real = IDBObjectStore.prototype.get;
    IDBObjectStore.prototype.get = function (key) {
      if (key !== 'roster') return real.call(this, key);
      const base = this, until = performance.now() + 1500, late = {};
      (function again() {
        const asked = real.call(base, key);
        asked.onsuccess = function () {
          if (performance.now() < until) { again(); return; }
          late.result = asked.result;
          late.onsuccess();
        };
      })();
      return late;
    };
"""


def test_a_scan_before_the_phone_has_read_its_roster_waits_for_it(app: Flask, line: Line, chromium: Browser) -> None:
    activity, session = make(app)
    secret = enrol(app, activity)
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    page.close()
    line.down(phone)
    page = phone.new_page()
    page.add_init_script(SLOW_ROSTER)
    page.goto(f"{line.url}/scan")
    key_in(page, f"{line.url}/t/{secret}")
    amber(page)
    waiting(page, 1)
    phone.close()


def faulty(dice: random.Random, seen: Counter[str]) -> Callable[[Route], None]:
    """A server that fails in every way there is, then now and then; `lost`: it has stored everything and nobody hears it."""
    bad = ["500", "lost", "cut", "401", "413", "nonsense"]
    first = dice.sample(bad, len(bad))

    def handle(route: Route) -> None:
        way = first.pop() if first else dice.choice([*bad, "well"])
        seen[way] += 1
        if way == "cut":
            route.abort()
        elif way in ("500", "401", "413"):
            route.fulfill(status=int(way), json={"error": "planted", "message": "示例"})
        elif way == "lost":
            route.fetch()
            route.abort()
        elif way == "nonsense":
            route.fulfill(status=200, body="<html>")
        else:
            route.continue_()

    return handle


ROWS = """async () => {
  const store = await import(document.querySelector('link[href$="store.js"]').href);
  return ((await store.kept('recent')) || { rows: [] }).rows.length;
}"""


def keeps_rows(page: Page, number: int) -> None:
    """So many rows are on the disk; the test counts them again after the page is closed."""
    until(page, lambda: page.evaluate(ROWS) == number)


@pytest.mark.parametrize("seed", range(1, 13 if os.environ.get("SHILIU_PROOF") == "full" else 3))
def test_whatever_the_server_answers_each_scan_is_counted_once(
    app: Flask, line: Line, phone: BrowserContext, seed: int
) -> None:
    activity, session = make(app)
    secrets = [enrol(app, activity) for _ in range(12)]
    seen: Counter[str] = Counter()
    page = pair(app, Live(app, line.url), phone, session)
    phone.route(EVENTS, faulty(random.Random(seed), seen))
    for at, secret in enumerate(secrets):
        key_in(page, f"{line.url}/t/{secret}")
        expect(page.locator("#recent li")).to_have_count(at + 1)
        if at == 5:
            keeps_rows(page, 6)
            page.close()
            page = phone.new_page()
            page.goto(f"{line.url}/scan")
            expect(page.locator("#roster-line")).to_contain_text("名单")
    for _ in range(20):
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_timeout(60)
    phone.unroute(EVENTS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    waiting(page, 0)
    assert len(seen) >= 6, seen
    assert arrivals(app, session) == [(number, 2) for number in range(1, 13)]
    assert len(uids(app)) == len(set(uids(app))) == 12


def test_a_queue_that_deletes_before_the_answer_loses_scans(app: Flask, line: Line, phone: BrowserContext) -> None:
    """Negative control."""
    activity, session = make(app)
    secret = enrol(app, activity)

    def spoil(route: Route) -> None:
        text = route.fetch().text()
        wrong = text.replace(
            "const answer = await post(",
            "await store.settle(events.map((e) => e.uid), []);\n const answer = await post(",
        )
        assert wrong != text
        route.fulfill(body=wrong, content_type="text/javascript")

    phone.route(SYNC, spoil)
    page = pair(app, Live(app, line.url), phone, session)
    phone.route(EVENTS, lambda route: route.abort())
    key_in(page, f"{line.url}/t/{secret}")
    amber(page)
    waiting(page, 0)
    phone.unroute(EVENTS)
    page.reload()
    expect(page.locator("#roster-line")).to_contain_text("名单")
    page.wait_for_timeout(500)
    assert arrivals(app, session) == []  # gone: what the tests above must never see


TORCH = """
const can = MediaStreamTrack.prototype.getCapabilities;
MediaStreamTrack.prototype.getCapabilities = function () { return Object.assign({}, can.call(this), {torch: true}); };
MediaStreamTrack.prototype.applyConstraints = function (wish) { window.wished = wish; return Promise.resolve(); };
"""


def test_torch_and_camera_are_offered_where_the_phone_has_them(
    app: Flask, line: Line, chromium: Browser, tmp_path: Path
) -> None:
    _, session = make(app)
    with camera(chromium, None, tmp_path, cameras=2) as browser:
        phone = phone_of(browser, service_workers="block")
        page = pair(app, Live(app, line.url), phone, session)
        expect(page.locator("#cameras option")).to_have_count(2)
        expect(page.locator("#torch")).to_be_hidden()
        phone.add_init_script(TORCH)
        page.reload()
        page.click("#torch")
        expect(page.locator("#torch")).to_have_attribute("aria-pressed", "true")
        assert page.evaluate("window.wished") == {"advanced": [{"torch": True}]}
        # The chosen camera stays chosen, and its picture is looked at.
        page.select_option("#cameras", index=1)
        chosen = page.input_value("#cameras")
        expect(page.locator("#finder-word")).to_have_text("把报名码放进框里")
        reopen(page)
        expect(page.locator("#finder.on")).to_be_visible()
        expect(page.locator("#cameras")).to_have_value(chosen)
        phone.close()


def test_no_colour_before_the_scan_is_on_the_disk(app: Flask, line: Line, phone: BrowserContext) -> None:
    """A phone that cannot store says so in red, and nothing is promised."""
    activity, session = make(app)
    secret = enrol(app, activity)
    page = pair(app, Live(app, line.url), phone, session)
    page.evaluate(
        "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    key_in(page, f"{line.url}/t/{secret}")
    expect(page.locator("#verdict.v-bad #v-title")).to_have_text("没有存下")
    assert outcomes(app) == []


def test_a_phone_that_lost_its_pairing_keeps_its_queue_and_goes_on_when_paired_again(
    app: Flask, line: Line, phone: BrowserContext
) -> None:
    activity, session = make(app)
    secrets = [enrol(app, activity) for _ in range(2)]
    page = pair(app, Live(app, line.url), phone, session)
    phone.clear_cookies()
    for secret in secrets:
        key_in(page, f"{line.url}/t/{secret}")
        amber(page)
        page.click("#v-next")
    expect(page.locator("#unpaired")).to_be_visible()
    expect(page.locator("#unpaired-words")).to_contain_text("配对")
    waiting(page, 2)
    assert outcomes(app) == []
    page.goto(f"{line.url}/scan")
    expect(page.locator("#again-count")).to_have_text("2")
    page.goto(pairing_address(app, Live(app, line.url), session))
    page.click("main button")
    page.wait_for_url(f"{line.url}/scan")
    waiting(page, 0)
    assert len(uids(app)) == 2  # held or counted: the server has both, once


def test_the_end_of_a_shift_warns_hands_over_and_wipes(app: Flask, line: Line, chromium: Browser) -> None:
    activity, session = make(app)
    secret = enrol(app, activity)
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    line.down(phone)
    key_in(page, f"{line.url}/t/{secret}")
    amber(page)
    page.click("#v-next")
    page.click("#end-open")
    expect(page.locator("#end-full")).to_be_visible()
    expect(page.locator("#end-go")).to_be_disabled()
    with page.expect_download() as saved:
        page.click("#end-save")
    text = Path(saved.value.path()).read_text("utf-8")
    (event,) = json.loads(json.loads(text)["body"])["events"]
    assert (
        event["kind"] == "arrival" and event["by"] == "keyboard" and len(event["ticket"]) == 64 and secret not in text
    )
    expect(page.locator("#end-go")).to_be_disabled()  # saving may have failed unseen: the helper says it
    page.check("#end-sure")
    page.click("#end-go")
    expect(page.locator("#end-problem")).to_contain_text("没有网")
    assert databases(page) != []
    phone.route(EVENTS, lambda route: route.abort())  # the file goes, not the queue
    line.up(phone)
    page.click("#end-go")
    expect(page.locator("#ended")).to_be_visible()
    assert databases(page) == [] and page.evaluate("caches.keys()") == []
    assert [cookie for cookie in phone.cookies() if cookie["name"] == "device"] == []
    with app.app_context():
        assert db.session.scalars(select(DeviceGrant)).one().ended_at is not None
    page.goto(f"{line.url}/scan")
    expect(page.locator("#digits")).to_be_visible()
    phone.close()
    looked = [looked_through(app, activity, written) for written in (text, text.replace("keyboard", "typed"))]
    assert looked == [(True, 1), (False, 1)]  # the phone's own seal holds, and over every character


def looked_through(app: Flask, code: str, text: str) -> tuple[bool, int]:
    """Whether the console takes the file for the phone's own, and how many scans it would read."""
    with app.app_context():
        activity = db.session.scalars(select(Activity).where(Activity.code == code)).one()
        found = look_through(db.session(), activity, read_file(text), keys=app.extensions["keys"])
        return found.is_sealed, len(found.due)


def databases(page: Page) -> list[str]:
    found: list[str] = page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))")
    return found
