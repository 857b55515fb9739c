"""签到员手机 and 待核实 on the console, as the organizer sees them without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.activities.service import copy_activity
from app.audit.models import AuditEntry
from app.checkin.deciding import resolve_unknown
from app.checkin.devices import pairing_key
from app.checkin.doors import window_of
from app.checkin.models import CheckIn, DeviceGrant, HeldScan
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import digest
from app.organisation.models import Unit
from app.registration.entering import Entry, register
from app.registration.indexes import ticket_secret
from app.registration.service import cancel_activity
from app.review.service import run_checklist
from tests.factories import make_activity
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["gate"]  # the fixture
Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def desk_of(sign_in: SignIn) -> Callable[[Gate], FlaskClient]:
    """The organizer's browser."""

    def enter(g: Gate) -> FlaskClient:
        browser = g.app.test_client()
        sign_in(browser, "jingban")
        return browser

    return enter


Desk = Callable[[Gate], FlaskClient]


def actions(g: Gate) -> list[str]:
    with g.app.app_context():
        return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def held_codes(g: Gate) -> list[str]:
    with g.app.app_context():
        return list(db.session.scalars(select(HeldScan.code).order_by(HeldScan.id)))


def here(g: Gate) -> list[tuple[int, int]]:
    """(people, of them 扫码核验) of every check-in."""
    with g.app.app_context():
        return [(row.headcount, row.grade_a) for row in db.session.scalars(select(CheckIn).order_by(CheckIn.id))]


def test_the_digits_and_the_qr_of_the_console_pair_a_phone(gate: Make, desk_of: Desk) -> None:
    g = gate()
    page = html.unescape(desk_of(g).get(f"/activities/{g.activity}/console/phones").text)
    found = re.search(r'class="song">(\d{3}) (\d{3})<', page)
    assert found
    phone = g.app.test_client()
    assert phone.post("/scan/pair", data={"digits": "000000"}).status_code == 422
    answer = phone.post("/scan/pair", data={"digits": "".join(found.groups()), "label": "门口1"})
    assert answer.status_code == 303
    listed = desk_of(g).get(f"/activities/{g.activity}/console/phones").text
    assert "门口1" in listed and "刚刚联系过" in listed
    assert "device.paired" in actions(g)


def test_old_digits_of_another_session_do_not_pair(gate: Make, desk_of: Desk) -> None:
    g = gate()
    page = desk_of(g).get(f"/activities/{g.activity}/console/phones").text
    found = re.search(r'class="song">(\d{3}) (\d{3})<', page)
    assert found
    g.pass_time(minutes=21)
    assert g.app.test_client().post("/scan/pair", data={"digits": "".join(found.groups())}).status_code == 422


def test_a_phone_is_revoked_after_a_question_and_the_log_says_so(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret = g.pair(label="门口1")
    g.send(secret, waiting=3)
    with g.app.app_context():
        code = db.session.scalar(select(DeviceGrant.code))
    browser, address = desk_of(g), f"/activities/{g.activity}/console/phones/{code}/revoke"
    assert "还有3条没有同步" in browser.get(address).text
    assert g.get(secret).status_code == 200
    assert browser.post(address).status_code == 303
    assert g.get(secret).status_code == 401
    assert browser.post(address).status_code == 303  # twice is once
    assert actions(g).count("device.revoked") == 1
    assert "已作废" in browser.get(f"/activities/{g.activity}/console/phones").text


def test_the_console_counts_phones_what_waits_on_them_and_what_is_held(gate: Make, desk_of: Desk) -> None:
    g = gate()
    g.send(g.pair(), g.scan("0" * 64), waiting=4)
    page = desk_of(g).get(f"/activities/{g.activity}/console").text
    assert "签到员手机 1 部" in page and "待同步 3 条" in page and "待核实 1 条" in page


def test_a_phone_that_ended_ran_out_or_was_revoked_is_not_counted_as_one_that_scans(gate: Make, desk_of: Desk) -> None:
    g = gate()
    for label in ("一", "二", "三", "四"):
        g.pair(label=label)
    browser = desk_of(g)
    assert "签到员手机 4 部" in browser.get(f"/activities/{g.activity}/console").text
    with g.app.app_context(), transaction(db.session) as tx:
        ended, ran_out, revoked, _scans = tx.scalars(select(DeviceGrant).order_by(DeviceGrant.id))
        ended.ended_at = revoked.revoked_at = ran_out.expires_at = now()
    assert "签到员手机 1 部" in browser.get(f"/activities/{g.activity}/console").text


def impossible(g: Gate) -> tuple[str, str]:
    """(secret of the phone, code of the held scan) of a family of three whose time cannot be."""
    ticket, _code = g.enrol(3)
    secret = g.pair()
    g.send(secret, g.scan(ticket, ago=7200))
    return secret, held_codes(g)[-1]


def test_both_facts_stand_side_by_side_and_one_press_counts(gate: Make, desk_of: Desk) -> None:
    g = gate()
    _secret, code = impossible(g)
    browser = desk_of(g)
    page = browser.get(f"/activities/{g.activity}/held").text
    assert "李女士" in page and "08:00" in page and "时间不可能" in page and "算到场" in page
    assert browser.post(f"/activities/{g.activity}/held/{code}", data={"verb": "count"}).status_code == 303
    assert here(g) == [(3, 3)]
    assert browser.post(f"/activities/{g.activity}/held/{code}", data={"verb": "count"}).status_code == 409
    assert here(g) == [(3, 3)] and actions(g).count("held.counted") == 1
    assert "没有待核实的" in browser.get(f"/activities/{g.activity}/held").text


def test_one_press_leaves_it_out(gate: Make, desk_of: Desk) -> None:
    g = gate()
    secret, code = impossible(g)
    browser = desk_of(g)
    assert browser.post(f"/activities/{g.activity}/held/{code}", data={"verb": "dismiss"}).status_code == 303
    assert here(g) == [] and "held.not_counted" in actions(g)
    assert browser.post(f"/activities/{g.activity}/held/{code}", data={"verb": "whatever"}).status_code == 409
    assert "不算" in browser.get(f"/activities/{g.activity}/held").text
    assert g.send(secret) == []


def test_who_is_here_already_is_not_counted_twice(gate: Make, desk_of: Desk) -> None:
    g = gate()
    ticket, _code = g.enrol(2)
    secret = g.pair()
    g.send(secret, g.scan(ticket, ago=7200), g.scan(ticket))
    desk_of(g).post(f"/activities/{g.activity}/held/{held_codes(g)[0]}", data={"verb": "count"})
    assert here(g) == [(2, 2)]


def test_what_a_revoked_phone_scanned_counts_as_the_organizers_word(gate: Make, desk_of: Desk) -> None:
    g = gate()
    ticket, _code = g.enrol(2)
    secret = g.pair()
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(select(DeviceGrant)).scalar_one().revoked_at = now()
    g.pass_time(minutes=1)
    g.send(secret, g.scan(ticket))
    desk_of(g).post(f"/activities/{g.activity}/held/{held_codes(g)[0]}", data={"verb": "count"})
    assert here(g) == [(2, 0)]


def test_what_a_revoked_phone_scanned_before_is_one_decision(gate: Make, desk_of: Desk) -> None:
    g = gate()
    tickets = [g.enrol(2)[0] for _ in range(3)]
    secret = g.pair()
    g.pass_time(minutes=10)
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(select(DeviceGrant)).scalar_one().revoked_at = now()
    g.pass_time(minutes=5)
    g.send(secret, g.scan(tickets[0], ago=600), g.scan(tickets[1], ago=500), g.scan(tickets[2], ago=60))
    desk, address = desk_of(g), f"/activities/{g.activity}/held"
    page = desk.get(address).get_data(as_text=True)
    assert "这2条都算到场" in page and page.count("算到场</button>") == 4
    found = re.search(rf'action="({address}/phones/\w+)"', page)
    assert found
    desk.post(found[1])
    assert here(g) == [(2, 0), (2, 0)]
    with g.app.app_context():  # what it scanned later still waits
        assert db.session.scalars(select(HeldScan.state).order_by(HeldScan.id)).all() == ["counted", "counted", "open"]
    desk.post(found[1])
    assert here(g) == [(2, 0), (2, 0)]
    assert "都算到场" not in desk.get(address).get_data(as_text=True)


def test_a_late_roster_resolves_an_unknown_ticket_by_itself(gate: Make) -> None:
    g = gate()
    keys = g.app.extensions["keys"]
    ticket = digest(ticket_secret(keys, g.activity, "browser", "form"))
    g.send(g.pair(), g.scan(ticket))
    assert here(g) == []
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.execute(select(Activity)).scalar_one()
        register(tx, activity, Entry(None, "示例王女士", 4, 0, "", True, "form", "browser"), keys=keys, now=now())
        assert resolve_unknown(tx, now=now()) == 1
    assert here(g) == [(4, 4)] and "held.resolved" in actions(g)


def test_a_sealed_activity_counts_nothing_until_it_is_withdrawn(gate: Make, desk_of: Desk) -> None:
    g = gate()
    ticket, _code = g.enrol(1)
    secret = g.pair()
    _set(g, review_state="under_review")
    assert g.send(secret, g.scan(ticket))[0]["outcome"] == "quarantined"
    address = f"/activities/{g.activity}/held/{held_codes(g)[0]}"
    assert desk_of(g).post(address, data={"verb": "count"}).status_code == 409
    _set(g, review_state="not_submitted")
    assert desk_of(g).post(address, data={"verb": "count"}).status_code == 303
    assert here(g) == [(1, 1)]


def _set(g: Gate, **columns: Any) -> None:
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.execute(select(Activity)).scalar_one()
        for name, value in columns.items():
            setattr(activity, name, value)


def test_what_came_in_late_and_broke_a_rule_waits_for_the_organizer(gate: Make) -> None:
    g = gate(closes_after_min=30)
    ticket, _code = g.enrol()
    secret = g.pair()
    g.pass_time(minutes=125)
    (online,) = g.send(secret, g.scan(ticket))
    assert (online["outcome"], online["tone"]) == ("refused", "red") and held_codes(g) == []
    (late,) = g.send(secret, g.scan(ticket, ago=240))
    assert (late["outcome"], late["tone"]) == ("quarantined", "amber") and len(held_codes(g)) == 1


@pytest.mark.parametrize(("minutes", "words", "has_count"), [(5, "人来过，就算", True), (15, "不能算", False)])
def test_a_scan_of_a_cancelled_activity_says_which_came_first(
    gate: Make, desk_of: Desk, minutes: int, words: str, has_count: bool
) -> None:
    g = gate()
    ticket, _code = g.enrol()
    secret = g.pair()
    g.pass_time(minutes=20)
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.execute(select(Activity)).scalar_one()
        cancel_activity(tx, activity, reason="下雨", actor=SYSTEM, now=now() - timedelta(minutes=minutes))
    g.send(secret, g.scan(ticket, ago=600))
    page = desk_of(g).get(f"/activities/{g.activity}/held").text
    assert "活动已取消" in page and words in page
    assert ('value="count"' in page, 'value="dismiss"' in page) == (has_count, True)


def test_the_checklist_of_the_submission_warns_while_something_waits(gate: Make) -> None:
    g = gate()
    secret, code = impossible(g)
    g.send(secret, waiting=2)

    def warnings() -> set[str]:
        with g.app.app_context():
            activity = db.session.execute(select(Activity)).scalar_one()
            return {p.code for p in run_checklist(db.session(), activity, claimed=None, now=now())}

    assert {"held_open", "phones_waiting"} <= warnings()
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(select(HeldScan).where(HeldScan.code == code)).scalar_one().state = "not_counted"
        tx.execute(select(DeviceGrant)).scalar_one().waiting = 0
    assert not {"held_open", "phones_waiting"} & warnings()


def test_the_sheet_for_bad_network_says_what_to_do(gate: Make, desk_of: Desk) -> None:
    g = gate()
    page = desk_of(g).get(f"/activities/{g.activity}/console/no-network").text
    assert "待同步" in page and "纸质签到表" in page and "data-print" in page


def test_a_practice_says_so_on_every_page_of_the_day(gate: Make, desk_of: Desk) -> None:
    g = gate(is_practice=True)
    browser = desk_of(g)
    for page in ("console", "console/phones"):
        assert "这是演练" in browser.get(f"/activities/{g.activity}/{page}").text
    assert g.get(g.pair()).json["activity"]["is_practice"] is True
    _set(g, is_practice=False)
    assert "这是演练" not in browser.get(f"/activities/{g.activity}/console").text


def test_the_doors_of_a_practice_can_be_tried_at_once(gate: Make) -> None:
    g = gate(opens_before_min=5, takes_parties=True, needs_approval=True)
    with g.app.app_context(), transaction(db.session) as tx:
        source = tx.execute(select(Activity)).scalar_one()
        soon = now() + timedelta(minutes=15)
        copy = copy_activity(tx, source, first_start=soon, is_practice=True, actor=SYSTEM, now=now())
        assert window_of(copy, copy.sessions[0])[0] <= now()
        assert (copy.takes_parties, copy.needs_approval) == (True, False)


def test_an_ordinary_copy_keeps_how_one_registers(gate: Make) -> None:
    g = gate(opens_before_min=5, takes_parties=True, needs_approval=True)
    with g.app.app_context(), transaction(db.session) as tx:
        source = tx.execute(select(Activity)).scalar_one()
        copy = copy_activity(tx, source, first_start=now(), actor=SYSTEM, now=now())
        assert (copy.takes_parties, copy.needs_approval, copy.opens_before_min) == (True, True, 5)


def test_an_unknown_ticket_scanned_twice_is_let_count_once(gate: Make, desk_of: Desk) -> None:
    g = gate()
    g.send(g.pair(), g.scan("f" * 64, ago=60), g.scan("f" * 64), g.scan("e" * 64))
    for code in held_codes(g):
        desk_of(g).post(f"/activities/{g.activity}/held/{code}", data={"verb": "count"})
    assert here(g) == [(1, 0), (1, 0)]


def test_what_a_phone_scanned_where_it_was_not_paired_is_not_in_the_lot(gate: Make, desk_of: Desk) -> None:
    g = gate(sessions=2)
    secret, tickets = g.pair(session=0), [g.enrol(1)[0] for _ in range(3)]
    g.pass_time(minutes=10)
    g.send(secret, g.scan(tickets[0], ago=60) | {"session": g.sessions[1]})
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(select(DeviceGrant)).scalar_one().revoked_at = now()
    g.send(secret, g.scan(tickets[1], ago=60), g.scan(tickets[2], ago=50))
    assert "这2条都算到场" in desk_of(g).get(f"/activities/{g.activity}/held").get_data(as_text=True)


def test_an_undo_reaches_no_other_ticket_that_waits(gate: Make) -> None:
    """Late scans of another activity's tickets wait without a ticket of this one: they are not all the same person."""
    g = gate()
    keys, secret = g.app.extensions["keys"], g.pair()
    with g.app.app_context(), transaction(db.session) as tx:
        other = make_activity(
            tx, host=tx.execute(select(Unit).where(Unit.name == "示例甲镇")).scalar_one(), title="别的活动"
        )
        entries = [Entry(None, "示例王女士", 1, 0, "", True, f"form{n}", f"browser{n}") for n in range(2)]
        foreign = [register(tx, other, each, keys=keys, now=now()).registration.secret_hash for each in entries]
    g.pass_time(minutes=10)
    first, second = g.scan(foreign[0], ago=300), g.scan(foreign[1], ago=290)
    g.send(secret, first, second, g.scan(kind="undo", refers_to=second["uid"], ago=280))
    with g.app.app_context():
        rows = db.session.execute(select(HeldScan.reason, HeldScan.state).order_by(HeldScan.id)).all()
    assert [tuple(row) for row in rows] == [("refused", "open"), ("refused", "withdrawn")]


def test_a_revoked_phone_does_not_pair_itself_anew_by_what_it_saw(gate: Make, desk_of: Desk) -> None:
    g = gate()
    browser, page_of = desk_of(g), f"/activities/{g.activity}/console/phones"

    def shown() -> str:
        found = re.search(r'class="song">(\d{3}) (\d{3})<', html.unescape(browser.get(page_of).text))
        assert found
        return "".join(found.groups())

    seen = shown()
    assert g.app.test_client().post("/scan/pair", data={"digits": seen}).status_code == 303  # control: it holds so far
    g.pair(label="门口1")
    assert shown() == seen  # another phone changes nothing
    with g.app.app_context():
        code = db.session.scalars(select(DeviceGrant.code).order_by(DeviceGrant.id)).first()
        row = db.session.scalar(select(Activity)).sessions[0].code  # type: ignore[union-attr]
        key = pairing_key(g.app.extensions["keys"], row, all_sessions=False, now=now(), revoked=0)
    by_qr = {"s": row, "a": "0", "k": key}
    assert g.app.test_client().get("/scan/pair", query_string=by_qr).status_code == 200
    assert "配对码也换了新的" in browser.post(f"{page_of}/{code}/revoke", follow_redirects=True).text
    phone = g.app.test_client()
    assert phone.post("/scan/pair", data={"digits": seen}).status_code == 422
    assert phone.get("/scan/pair", query_string=by_qr).status_code == 404
    assert phone.post("/scan/pair", data=by_qr).status_code == 404
    fresh = shown()
    assert fresh != seen and phone.post("/scan/pair", data={"digits": fresh}).status_code == 303


def test_the_list_says_whose_phone_scanned(gate: Make, desk_of: Desk) -> None:
    g = gate()
    ticket, _code = g.enrol(3)
    g.send(g.pair(label="东门1"), g.scan(ticket))
    browser = desk_of(g)
    listed = browser.get(f"/activities/{g.activity}/console").text.split('id="list"')[1]
    assert "签到员手机“东门1”" in listed and "签到台" not in listed.split("</ol>")[0]
    undo = re.search(r'href="([^"]+/undo/[^"]+)"', listed)
    assert undo and "签到员手机“东门1”" in browser.get(undo[1]).text
