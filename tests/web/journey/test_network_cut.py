"""The network is cut in the middle, the tab closed, reopened and synced, on both databases: nothing lost, nothing twice."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.conftest import Live
from tests.web.checkin.browser import enrol, make, outcomes
from tests.web.journey.test_scan import amber, line, waiting
from tests.web.scan.gate import arrivals, held, key_in, pair, phone_of, uids
from tests.web.scan.line import Line

__all__ = ["line"]  # the fixture
pytestmark = pytest.mark.serial
SAID = """
document.addEventListener('DOMContentLoaded', function () {
  const count = document.getElementById('waiting');
  window.said = [count.textContent];
  new MutationObserver(function () { window.said.push(count.textContent); }).observe(count, { childList: true });
});
"""


def test_scans_without_network_outlive_the_tab_and_are_sent_once(app: Flask, line: Line, chromium: Browser) -> None:
    activity, session = make(app, takes_walk_in=True)
    secrets = [enrol(app, activity) for _ in range(5)]
    phone = phone_of(chromium)
    page = pair(app, Live(app, line.url), phone, session)
    held(page)
    line.down(phone)
    for secret in secrets[:3]:
        key_in(page, f"{line.url}/t/{secret}")
        amber(page)
        page.click("#v-next")
    waiting(page, 3)
    page.close()  # the phone is put away
    page = phone.new_page()
    page.add_init_script(SAID)
    page.goto(f"{line.url}/scan")
    waiting(page, 3)
    said = page.evaluate("window.said")
    assert said[0] == "…还在数" and set(said[1:]) == {"3"}  # never "0" before it has counted
    for secret in secrets[3:]:
        key_in(page, f"{line.url}/t/{secret}")
        amber(page)
        page.click("#v-next")
    page.click("#walk-in button[value='4']")
    amber(page)
    waiting(page, 6)
    assert arrivals(app, session) == []
    line.up(phone)
    waiting(page, 0)
    assert sorted(people for _, people in arrivals(app, session)) == [2, 2, 2, 2, 2, 4]
    assert outcomes(app) == ["accepted"] * 6 and len(set(uids(app))) == 6
    phone.close()
