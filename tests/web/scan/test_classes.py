"""A class on the helper's phone: asked when the phone cannot know, checked and not added when somebody has reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from app.activities.models import ActivitySession
from app.checkin.models import HeldScan, Method
from app.checkin.rules import is_far_above
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.models import Registration
from tests.web.checkin.browser import code_of, outcomes, totals
from tests.web.scan.gate import reopen
from tests.web.scan.party import enrol_class
from tests.web.scan.test_scanner import Gate, gate, reload

__all__ = ["gate"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # the API's own tests run on both databases


def report(app: Flask, people: int) -> None:
    """The teacher's own number."""
    with app.app_context(), transaction(db.session) as tx:
        row = tx.scalars(select(ActivitySession)).one()
        party = tx.scalars(select(Registration).where(Registration.kind == "party")).one()
        assert check_in(
            tx, Arrival(random_secret(), row.id, Method.PARTY_OWN, party.id, children=people), now=now()
        ).is_new


def grades(gate: Gate) -> tuple[int, int]:
    found = totals(gate.app, gate.session)
    return found.a, found.d


def held(app: Flask) -> list[str]:
    with app.app_context():
        return [row.state for row in db.session.scalars(select(HeldScan))]


def test_a_typed_code_of_a_class_is_asked_for_its_number(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    gate.page.fill("#code", code_of(gate.app, secret))
    gate.page.press("#code", "Enter")
    expect(gate.page.locator("#party")).to_be_visible()
    expect(gate.page.locator("#party-who")).to_have_text("三年级2班")
    expect(gate.page.locator("#party-which")).to_be_hidden()
    expect(gate.page.locator("#party-people")).to_have_value("22")
    assert (outcomes(gate.app), grades(gate)) == (["quarantined"], (0, 0))
    gate.page.fill("#party-people", "21")
    gate.page.click("#party-go")
    gate.verdict("good", "已签到")
    assert grades(gate) == (21, 0)
    assert held(gate.app) == ["withdrawn"]


def test_checking_the_teachers_number_does_not_add_it(gate: Gate, tmp_path: Path) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    reload(gate)
    report(gate.app, 22)  # the roster of this phone does not know
    gate.scan(secret)
    expect(gate.page.locator("#party-which")).to_be_visible()
    expect(gate.page.locator("#party-text")).to_contain_text("已报22人（")
    expect(gate.page.locator("#party-people")).to_have_value("22")
    gate.page.click("#party-go")
    gate.verdict("good", "人数已核对")
    assert grades(gate) == (22, 0)
    gate.page.click("#v-undo")
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert grades(gate) == (0, 22)


def test_offline_a_class_that_was_reported_meanwhile_is_not_doubled_but_asked(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    reload(gate)
    gate.context.set_offline(True)
    report(gate.app, 20)
    gate.scan(secret)
    expect(gate.page.locator("#party-which")).to_be_hidden()
    gate.page.click("#party-go")
    gate.verdict("warn", "已记录，待同步")
    gate.context.set_offline(False)
    expect(gate.page.locator("#party")).to_be_visible()
    expect(gate.page.locator("#party-text")).to_contain_text("已报20人（")
    expect(gate.page.locator("#party-people")).to_have_value("20")
    assert grades(gate) == (0, 20)
    gate.page.get_by_text("又来了几人").first.click()
    expect(gate.page.locator("#party-people")).to_have_value("22")  # what the helper had said
    gate.page.get_by_text("核对：一共几人").click()
    gate.page.fill("#party-people", "22")
    gate.page.click("#party-go")
    gate.verdict("good", "人数已核对")
    assert grades(gate) == (22, 0)
    assert held(gate.app) == ["withdrawn"]


def test_offline_the_phone_remembers_the_first_bus_itself(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    reload(gate)
    gate.context.set_offline(True)
    gate.scan(secret)
    gate.page.fill("#party-people", "12")
    gate.page.click("#party-go")
    gate.verdict("warn", "已记录，待同步")
    gate.next()
    gate.page.wait_for_timeout(3200)
    gate.scan(secret)
    expect(gate.page.locator("#party-text")).to_contain_text("已报12人")
    gate.page.get_by_text("又来了几人").first.click()
    expect(gate.page.locator("#party-people")).to_have_value("10")
    gate.page.click("#party-go")
    gate.verdict("warn", "已记录，待同步")
    gate.context.set_offline(False)
    gate.verdict("good", "已签到")
    expect(gate.page.locator("#v-text")).to_have_text("一共到了22人")
    assert grades(gate) == (22, 0)


def type_class(gate: Gate) -> None:
    """A code whose class the phone does not know, so that the server asks."""
    secret = enrol_class(gate.app, gate.activity, pupils=20, adults=2)
    gate.page.fill("#code", code_of(gate.app, secret))
    gate.page.press("#code", "Enter")
    expect(gate.page.locator("#party")).to_be_visible()


def test_a_class_that_was_asked_for_and_left_is_nobodys_work(gate: Gate) -> None:
    type_class(gate)
    assert held(gate.app) == ["open"]
    gate.page.click("#party-back")
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert held(gate.app) == ["withdrawn"]
    expect(gate.page.locator("#recent li")).to_have_count(1)
    expect(gate.page.locator("#recent li small")).to_contain_text("已撤销")


def test_left_after_two_minutes_the_page_says_who_decides(gate: Gate) -> None:
    """Control: what the phone can no more take back is not said to be gone."""
    type_class(gate)
    gate.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 130000; }")
    gate.page.click("#party-back")
    gate.verdict("warn", "已交主办单位核实")
    assert held(gate.app) == ["open"]


def test_two_helpers_counted_one_class_and_the_second_sees_both_numbers(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=28, adults=2)
    reload(gate)
    gate.context.set_offline(True)
    gate.scan(secret)
    gate.page.fill("#party-people", "25")
    gate.page.click("#party-go")
    gate.verdict("warn", "已记录，待同步")
    report(gate.app, 26)
    gate.context.set_offline(False)
    expect(gate.page.locator("#party-text")).to_have_text(re.compile(r"^已报26人（\d\d:\d\d），您数的25人，报名30人$"))
    gate.page.click("#party-back")  # the other's number stands
    expect(gate.page.locator("#v-title")).to_have_text("已撤销")
    assert (grades(gate), held(gate.app)) == ((0, 26), ["withdrawn"])


def test_opened_anew_offline_the_phone_knows_what_it_counted(gate: Gate) -> None:
    secret = enrol_class(gate.app, gate.activity, pupils=28, adults=2)
    reload(gate)
    gate.context.route("**/api/v1/scan/*", lambda route: route.abort())
    for number, how in (("20", "来了几人"), ("2", "又来了几人")):
        gate.scan(secret)
        if number == "2":
            gate.page.check("#party-part")
        expect(gate.page.locator("#party-label")).to_have_text(how)
        gate.page.fill("#party-people", number)
        gate.page.click("#party-go")
        gate.verdict("warn", "已记录，待同步")
        gate.next()
        gate.page.wait_for_timeout(3100)  # the same code again is another scan
    reopen(gate.page)
    expect(gate.page.locator("#waiting")).to_have_text("2")
    gate.scan(secret)
    expect(gate.page.locator("#party-text")).to_contain_text("已报22人（")
    gate.page.click("#party-back")
    gate.page.locator("#recent li button").first.click()  # the two of the second bus
    expect(gate.page.locator("#v-title")).to_have_text("已撤销，待同步")
    reopen(gate.page)
    expect(gate.page.locator("#waiting")).to_have_text("3")
    gate.scan(secret)
    expect(gate.page.locator("#party-text")).to_contain_text("已报20人（")


BOUNDS = [(28, 2, 60), (4, 1, 25)]  # twice as many; twenty more, of a small class


@pytest.mark.parametrize(("pupils", "adults", "most"), BOUNDS)
def test_a_number_far_above_the_registered_is_asked_once(gate: Gate, pupils: int, adults: int, most: int) -> None:
    assert [is_far_above(people, pupils + adults) for people in (most, most + 1)] == [False, True]
    gate.scan(enrol_class(gate.app, gate.activity, pupils=pupils, adults=adults))
    note = gate.page.locator("#party-note")
    for number in (most + 1, 310):
        gate.page.fill("#party-people", str(number))
        gate.page.click("#party-go")
        expect(note).to_contain_text(f"报名{pupils + adults}人，您填了{number}人，对吗？")
    assert grades(gate) == (0, 0)
    gate.page.click("#party-go")
    gate.verdict("good", "已签到")
    assert grades(gate) == (310, 0)


@pytest.mark.parametrize(("pupils", "adults", "most"), BOUNDS)
def test_the_most_that_may_well_come_are_not_asked(gate: Gate, pupils: int, adults: int, most: int) -> None:
    """Negative control."""
    gate.scan(enrol_class(gate.app, gate.activity, pupils=pupils, adults=adults))
    gate.page.fill("#party-people", str(most))
    gate.page.click("#party-go")
    gate.verdict("good", "已签到")
    assert grades(gate) == (most, 0)
