"""The scanner in two tabs of one phone: the shift that ends in one is over in the other, and nothing stays."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.checkin.browser import enrol, outcomes
from tests.web.scan.gate import key_in, until
from tests.web.scan.test_scanner import Gate, gate, reload

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
KEPT = "Promise.all([indexedDB.databases(), caches.keys()]).then(all => all[0].length + all[1].length)"


def second(gate: Gate) -> Page:
    page = gate.context.new_page()
    page.goto(f"{gate.live.url}/scan")
    expect(page.locator("#roster-line")).to_contain_text("名单")
    return page


def end(page: Page) -> None:
    page.click("#end-open")
    page.click("#end-go")
    expect(page.locator("#ended")).to_be_visible()


@pytest.mark.parametrize("old", ["", "delete window.BroadcastChannel"])
def test_the_other_tab_stops_forgets_and_covers_itself(gate: Gate, old: str) -> None:
    """Also where the browser has no channel between tabs."""
    gate.context.add_init_script(old)
    secret = enrol(gate.app, gate.activity, name="示例赵女士")
    reload(gate)
    gate.scan(secret)
    gate.verdict("good", "已签到")
    gate.next()
    assert "赵" in gate.page.content()
    end(second(gate))
    expect(gate.page.locator("#ended")).to_be_visible()
    assert "赵" not in gate.page.content()
    key_in(gate.page, gate.ticket(secret))
    gate.page.evaluate("window.dispatchEvent(new Event('online'))")
    gate.page.wait_for_timeout(500)
    expect(gate.page.locator("#ended")).to_be_visible()
    until(gate.page, lambda: gate.page.evaluate(KEPT) == 0)
    assert outcomes(gate.app) == ["accepted"]


def test_two_tabs_that_both_scan_stay_as_they_are(gate: Gate) -> None:
    """Negative control: nothing but the end of the shift covers the other tab."""
    secret = enrol(gate.app, gate.activity)
    reload(gate)
    other = second(gate)
    key_in(other, gate.ticket(secret))
    expect(other.locator("#verdict.v-good")).to_be_visible()
    other.close()
    gate.page.wait_for_timeout(300)
    expect(gate.page.locator("#ended")).to_be_hidden()
    gate.scan(secret)
    gate.verdict("warn", "已于")
