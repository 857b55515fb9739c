"""A USB scanner while a class is being asked for: it neither confirms nor changes the number, and the next ticket waits."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import Live
from tests.web.checkin.browser import enrol, make, outcomes, totals
from tests.web.scan.gate import key_in, pair, phone_of, until
from tests.web.scan.party import enrol_class
from tests.web.scan.test_scanner import Gate, gate, reload

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
KEYS = "**/scan/js/*/keys.js"


def fire(page: Page, text: str) -> None:
    """Real keys into whatever has the focus."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@dataclass
class Asked:
    """A gate whose page asks how many of a class came; who comes next."""

    gate: Gate
    party: str
    other: str


@pytest.fixture
def asked(gate: Gate) -> Asked:
    found = Asked(gate, enrol_class(gate.app, gate.activity, pupils=20, adults=2), enrol(gate.app, gate.activity))
    reload(gate)
    ask(found)
    return found


def ask(asked: Asked) -> None:
    """As on a laptop, where the number has the focus."""
    asked.gate.page.evaluate("document.activeElement.blur()")
    asked.gate.scan(asked.party)
    expect(asked.gate.page.locator("#party")).to_be_visible()
    asked.gate.page.focus("#party-people")


def test_the_next_ticket_confirms_no_class_and_is_said_to_wait(asked: Asked) -> None:
    gate, page = asked.gate, asked.gate.page
    page.fill("#party-people", "21")
    fire(page, gate.ticket(asked.other))
    expect(page.locator("#party-note")).to_contain_text("先填这个班来了几人")
    expect(page.locator("#party-people")).to_have_value("21")
    page.wait_for_timeout(300)
    expect(page.locator("#party")).to_be_visible()
    assert outcomes(gate.app) == []
    page.keyboard.press("Enter")  # a person's own Enter is a yes as ever
    gate.verdict("good", "已签到")
    assert totals(gate.app, gate.session).a == 21
    gate.next()
    fire(page, gate.ticket(asked.other))  # at once: what was not recorded is not taken for seen
    gate.verdict("good", "已签到")
    assert totals(gate.app, gate.session).a == 23


def test_a_scan_with_a_choice_in_focus_adds_nobody(asked: Asked) -> None:
    gate, page = asked.gate, asked.gate.page
    page.fill("#party-people", "12")
    page.click("#party-go")
    gate.verdict("good", "已签到")
    gate.next()
    page.wait_for_timeout(3100)  # the same code again is another scan
    ask(asked)
    page.check("#party-part")
    expect(page.locator("#party-people")).to_have_value("10")
    fire(page, gate.ticket(asked.other))
    expect(page.locator("#party-note")).to_be_visible()
    expect(page.locator("#party-people")).to_have_value("10")
    page.wait_for_timeout(300)
    assert totals(gate.app, gate.session).a == 12


def test_letters_in_the_number_are_no_number(asked: Asked) -> None:
    """A scanner that ends with no Enter, and a thumb after it."""
    page = asked.gate.page
    page.evaluate("document.getElementById('party-people').value = '30h'")
    page.click("#party-go")
    expect(page.locator("#party-note")).to_contain_text("人数填1到999")
    assert outcomes(asked.gate.app) == []


def unguarded(route: Route) -> None:
    text = route.fetch().text()
    wrong = text.replace("(isField && !isGuarded)", "isField")
    assert wrong != text
    route.fulfill(body=wrong, content_type="text/javascript")


def test_without_the_guard_a_scan_reaches_the_form(app: Flask, live_server: Live, chromium: Browser) -> None:
    """Negative control: the keys change the number, and the Enter is the form's."""
    activity, session = make(app, takes_parties=True)
    secret = enrol_class(app, activity, pupils=20, adults=2)
    context = phone_of(chromium, service_workers="block")  # a worker would serve the module as it is
    context.route(KEYS, unguarded)
    page = pair(app, live_server, context, session)
    key_in(page, f"{live_server.url}/t/{secret}")
    page.fill("#party-people", "0")
    fire(page, "0123456789")
    expect(page.locator("#party")).to_be_hidden()
    until(page, lambda: totals(app, session).a == 1)
    context.close()
