"""What a helper hears and feels without looking, and what becomes of the phone's held page when a new version comes."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.web import scan
from tests.conftest import Live
from tests.web.checkin.browser import enrol, make, outcomes
from tests.web.journey.test_scan import EVENTS, amber, line, waiting
from tests.web.scan.gate import arrivals, held, key_in, pair, phone_of, reopen, until
from tests.web.scan.line import Line
from tests.web.scan.test_scanner import Gate, gate

__all__ = ["gate", "line"]  # the fixtures
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database

SPY = """
window.felt = []; window.heard = [];
navigator.vibrate = function (pattern) { window.felt.push(pattern); return true; };
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.heard.push([this.type, Math.round(this.frequency.value)]);
  return start.call(this, at);
};
"""
GOOD = ([[70]], [["sine", 880], ["sine", 1320]])
WARN = ([[70, 80, 70]], [["sine", 620], ["sine", 620]])
BAD = ([[300]], [["square", 200]])


def listen(gate: Gate) -> None:
    """A phone whose sound and vibration are written down, awake from a first touch."""
    gate.page.add_init_script(SPY)
    gate.page.reload()
    expect(gate.page.locator("#roster-line")).to_contain_text("名单")
    gate.page.click("h1")  # browsers allow sound only after a touch


def noticed(page: Page) -> tuple[Any, Any]:
    """What was felt and heard since the last time."""
    found = page.evaluate("(() => { const all = [felt, heard]; felt = []; heard = []; return all; })()")
    return found[0], found[1]


def test_each_verdict_is_heard_and_felt_by_its_tone(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    listen(gate)
    assert noticed(gate.page) == ([], [])
    gate.scan(secret)
    gate.verdict("good", "已签到")
    assert noticed(gate.page) == GOOD
    gate.next()
    gate.page.wait_for_timeout(3200)
    gate.scan(secret)
    gate.verdict("warn", "已于")
    assert noticed(gate.page) == WARN
    gate.next()
    gate.scan("b" * 22)
    gate.verdict("bad", "没有这个报名码")
    assert noticed(gate.page) == BAD
    gate.next()
    gate.context.set_offline(True)
    gate.page.click("#walk-in button[value='2']")
    gate.verdict("warn", "已记录，待同步")
    assert noticed(gate.page) == WARN
    gate.context.set_offline(False)


def test_mute_silences_and_stays_and_the_phone_still_shakes(gate: Gate) -> None:
    secrets = [enrol(gate.app, gate.activity) for _ in range(3)]
    listen(gate)
    gate.page.click("#sound")
    gate.scan(secrets[0])
    gate.verdict("good", "已签到")
    assert noticed(gate.page) == (GOOD[0], [])
    reopen(gate.page)
    expect(gate.page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    gate.page.click("h1")
    gate.scan(secrets[1])
    gate.verdict("good", "已签到")
    assert noticed(gate.page) == (GOOD[0], [])
    gate.next()
    gate.page.click("#sound")  # the control of this test: the same page is heard once it may be
    gate.scan(secrets[2])
    gate.verdict("good", "已签到")
    assert noticed(gate.page) == GOOD


def test_a_phone_that_cannot_shake_or_sound_still_shows(gate: Gate) -> None:
    secret = enrol(gate.app, gate.activity)
    gate.page.add_init_script(
        "delete Navigator.prototype.vibrate; window.AudioContext = undefined; window.webkitAudioContext = undefined;"
    )
    gate.page.reload()
    expect(gate.page.locator("#roster-line")).to_contain_text("名单")
    gate.page.click("h1")
    gate.scan(secret)
    gate.verdict("good", "已签到")


def kept(page: Page) -> list[str]:
    found: list[str] = page.evaluate("caches.keys()")
    return found


def runs(page: Page) -> str:
    """The version of the modules that this page runs."""
    found: str = page.evaluate("document.querySelector('script[type=module]').src.split('/').at(-2)")
    return found


def test_a_new_version_takes_over_old_files_go_and_the_queue_stays(
    app: Flask, line: Line, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity, session = make(app)
    secret = enrol(app, activity)
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    old = scan.version()
    assert kept(page) == [f"scan-{old}"]
    line.down(phone)
    key_in(page, f"{line.url}/t/{secret}")
    amber(page)
    page.close()
    fresh = "0123456789ab"
    monkeypatch.setattr(scan, "version", lambda: fresh)
    phone.route(EVENTS, lambda route: route.abort())  # what waits goes on waiting
    line.up(phone)
    page = phone.new_page()
    page.goto(f"{line.url}/scan")
    waiting(page, 1)
    held(page)
    until(page, lambda: kept(page) == [f"scan-{fresh}"])
    until(page, lambda: page.evaluate("caches.match(document.getElementById('scan').dataset.wasm).then(Boolean)"))
    line.down(phone)
    page.close()
    page = phone.new_page()  # from the phone alone: the new version
    page.goto(f"{line.url}/scan")
    waiting(page, 1)
    assert runs(page) == fresh
    phone.unroute(EVENTS)
    line.up(phone)
    waiting(page, 0)
    assert arrivals(app, session) == [(1, 2)] and outcomes(app) == ["accepted"]
    phone.close()


def test_a_new_version_that_did_not_arrive_whole_leaves_the_old_one_working(
    app: Flask, line: Line, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of the new version was seen once, then the network went: the phone opens what it holds whole."""
    _, session = make(app)
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    old, names = scan.version(), scan.module_names()
    monkeypatch.setattr(scan, "version", lambda: "0123456789ab")
    monkeypatch.setattr(scan, "module_names", lambda: [*names, "absent/one.js"])  # one file of it never comes
    page.reload()
    expect(page.locator("#roster-line")).to_contain_text("名单")
    assert runs(page) == "0123456789ab"
    page.wait_for_timeout(1500)
    until(page, lambda: kept(page) == [f"scan-{old}"])  # the half of a slow machine's install goes
    line.down(phone)
    page.close()
    page = phone.new_page()
    page.goto(f"{line.url}/scan")
    expect(page.locator("#roster-line")).to_contain_text("名单")
    assert runs(page) == old
    phone.close()


def test_without_a_new_version_the_same_files_stay(app: Flask, line: Line, chromium: Browser) -> None:
    """Negative control: opening again does not fetch or throw away what is held."""
    _, session = make(app)
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    before = kept(page)
    page.reload()
    held(page)
    assert kept(page) == before and runs(page) == scan.version()
    phone.close()
