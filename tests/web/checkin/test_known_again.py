"""One person counts once: a browser is known by what it did here, also without a ticket, and by nothing elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.activities.models import Activity
from app.checkin.corrections import undo_check_in
from app.checkin.models import CheckInEvent
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import Registration, RegistrationState
from app.web import mine
from tests.web.checkin.browser import PHONE, code_of, digits, enrol, hidden, live_key, make, press, scan, totals
from tests.web.checkin.test_arrive import remember, remember_more


def headings(page: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", found) for found in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]


def main_acts(page: str) -> list[str]:
    """The words of the page's clear actions."""
    return re.findall(r'<button[^>]*class="btn main-act[^"]*"[^>]*>(.*?)</button>', page)


def set_state(app: Flask, state: RegistrationState) -> None:
    """Of the registration that was made last."""
    with app.app_context(), transaction(db.session) as tx:
        rows = tx.scalars(select(Registration).where(Registration.kind == "individual").order_by(Registration.id))
        rows.all()[-1].state = state.value


@pytest.mark.parametrize("by", ["tail", "code"])
def test_who_signed_in_by_tail_or_code_is_known_when_the_phone_scans_again(
    app: Flask, client: FlaskClient, by: str
) -> None:
    code, session = make(app)
    secret = enrol(app, code, adults=2, phone=PHONE, name="示例陈先生")
    tail = "1234" if by == "tail" else code_of(app, secret)
    assert press(client, session, scan(app, client, session), "registered", tail=tail).status_code == 200
    page = scan(app, client, session)
    assert re.search(r"已于<time[^>]*>\d\d:\d\d</time>签到", page)
    assert "没报名，现场登记" not in page and main_acts(page) == []
    assert "为他人签到" in page
    assert "陈" not in page, "a tail opens no name, now or later"
    stranger = app.test_client()
    assert headings(scan(app, stranger, session))[0] == "没报名，现场登记"  # control: it is this browser that is known
    assert totals(app, session).total == 2


def test_the_mark_is_of_this_browser_and_this_activity(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    other, elsewhere = make(app, title="另一场")
    enrol(app, code, phone=PHONE)
    enrol(app, other, phone=PHONE)
    press(client, session, scan(app, client, session), "registered", tail="1234")
    assert headings(scan(app, client, elsewhere))[0] == "没报名，现场登记", "nothing joins one person across activities"
    kept = client.get_cookie("marks")
    assert kept is not None
    thief = app.test_client()
    thief.set_cookie("marks", f"{kept.value.rpartition('.')[0]}.{'A' * 27}")
    assert headings(scan(app, thief, session))[0] == "没报名，现场登记", "a cookie that is not ours says nothing"


def test_what_the_mark_holds_names_nobody_and_opens_nothing(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    secret = enrol(app, code, phone=PHONE, name="示例陈先生")
    page = scan(app, client, session)
    press(client, session, page, "registered", tail="1234")
    kept = client.get_cookie("marks")
    assert kept is not None
    with app.test_request_context(headers={"Cookie": f"marks={kept.value}"}):
        ((uid, key),) = mine.own_marks(code)
    assert uid == hidden(page, "grant").split(".")[4]
    assert key == ""
    assert client.get(f"/t/{uid}").status_code == 404
    assert client.get(f"/t/{secret}").status_code == 200  # control


def test_on_the_next_session_the_marked_browser_has_its_own_button(app: Flask, client: FlaskClient) -> None:
    code, _session = make(app, sessions=2, starts_at=now() - timedelta(minutes=20))
    with app.app_context():
        first, second = (s.code for s in db.session.scalars(select(Activity)).one().sessions)
    enrol(app, code, adults=2, phone=PHONE)
    press(client, first, scan(app, client, first), "registered", tail="1234")
    page = scan(app, client, second)
    assert main_acts(page) == ["签到，2人"]
    assert "已签到" in press(client, second, page, "mine").text
    assert totals(app, second).b == 2
    stranger = app.test_client()  # control: another browser's key is nothing without the mark
    theirs = scan(app, stranger, second)
    assert press(stranger, second, theirs, "mine", ticket=hidden(page, "ticket")).status_code == 422


def test_an_undone_sign_in_is_not_said_to_stand(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    enrol(app, code, adults=2, phone=PHONE)
    press(client, session, scan(app, client, session), "registered", tail="1234")
    with app.app_context(), transaction(db.session) as tx:
        activity, event = tx.scalars(select(Activity)).one(), tx.scalars(select(CheckInEvent)).one()
        undo_check_in(tx, activity, event_uid=event.uid, reason="test", actor=SYSTEM, now=now())
    page = scan(app, client, session)
    assert "已于" not in page
    assert main_acts(page) == ["签到，2人"]


def test_who_waits_for_approval_is_sent_to_the_desk_and_has_no_button_of_his_own(
    app: Flask, client: FlaskClient
) -> None:
    code, session = make(app, needs_approval=True)
    secret = enrol(app, code, adults=2, phone=PHONE)
    remember(app, client, code, secret)
    page = scan(app, client, session)
    assert "您的报名还在等主办单位确认，请到签到台。" in page
    assert "候补" not in page
    assert main_acts(page) == []
    assert headings(page)[0].startswith("为他人签到")
    other = app.test_client()
    answer = press(other, session, scan(app, other, session), "registered", tail="1234")
    assert answer.status_code == 422
    assert "还没有确认" in answer.text and "候补" not in answer.text
    assert "还在等主办单位确认" in scan(app, other, session), "that browser is known from then on"
    set_state(app, RegistrationState.CONFIRMED)
    for browser in (client, other):  # control: once confirmed, one button, and it counts once
        assert "签到" in press(browser, session, scan(app, browser, session), "mine", ticket=key_of(app)).text
    assert totals(app, session).total == 2


def key_of(app: Flask) -> str:
    with app.app_context():
        return (db.session.scalar(select(Registration.secret_hash)) or "")[:16]


def test_who_is_offered_a_place_is_told_to_answer(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, needs_approval=True)
    remember(app, client, code, enrol(app, code, adults=2))
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Registration).values(offered_until=now() + timedelta(hours=1)))
    page = scan(app, client, session)
    assert "我来" in page
    assert "等主办单位确认" not in page


def test_who_may_wait_for_a_guardian_is_not_said_to_wait_for_the_organizer(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, needs_approval=True)
    remember(app, client, code, enrol(app, code, adults=2))
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Registration).values(is_minor=True))
    page = scan(app, client, session)
    assert "您的报名还没有确认，请到签到台" in page and "主办单位确认" not in page


def waiting(app: Flask, client: FlaskClient, **columns: bool) -> tuple[str, str]:
    """A full activity, and a browser whose two stand in line."""
    code, session = make(app, capacity=1, **columns)
    enrol(app, code, adults=1)
    remember(app, client, code, enrol(app, code, adults=2, phone=PHONE))
    return code, session


def test_who_waits_for_a_place_may_come_in_first_and_counts_once_when_promoted(app: Flask, client: FlaskClient) -> None:
    _code, session = waiting(app, client)
    page = scan(app, client, session)
    assert "还在候补" in page
    assert main_acts(page) == []
    assert "先以现场登记进场，2人" in page
    form = {"ticket": hidden(page, "ticket"), "people": "2"}
    assert press(client, session, page, "waiting", **form).status_code == 200
    assert press(client, session, page, "waiting", **form).status_code == 200  # a retry
    assert totals(app, session).total == 2
    for _ in range(2):
        page = scan(app, client, session)
        assert "已于" in page and "候补" not in page
        assert 'value="mine"' not in page
        set_state(app, RegistrationState.CONFIRMED)  # a place became free
    assert totals(app, session).total == 2


def test_signing_in_somebody_else_does_not_stand_for_who_waits(app: Flask, client: FlaskClient) -> None:
    """Negative control: a walk-in from the form for others leaves the own button where it was."""
    _code, session = waiting(app, client)
    press(client, session, scan(app, client, session), "walk_in", people="1")
    set_state(app, RegistrationState.CONFIRMED)
    page = scan(app, client, session)
    assert main_acts(page) == ["签到，2人"]
    press(client, session, page, "mine")
    assert totals(app, session).total == 3


def test_without_walk_ins_who_waits_is_sent_to_the_desk(app: Flask, client: FlaskClient) -> None:
    _code, session = waiting(app, client, takes_walk_in=False)
    page = scan(app, client, session)
    assert "请到签到台，有位置就能进" in page
    assert "先以现场登记进场" not in page


@pytest.mark.parametrize("takes_walk_in", [True, False])
def test_a_known_browser_signs_another_registration_in_as_what_it_is(
    app: Flask, client: FlaskClient, takes_walk_in: bool
) -> None:
    code, session = make(app, takes_walk_in=takes_walk_in)
    remember(app, client, code, enrol(app, code, adults=2))
    enrol(app, code, adults=1, phone=PHONE, name="示例孙爷爷")
    done = press(client, session, scan(app, client, session), "mine")
    assert "还要为别人签？再扫一次大屏" in done.text
    page = scan(app, client, session)
    assert 'value="registered"' in page and ('value="walk_in"' in page) == takes_walk_in, (
        "the next page has what was said"
    )
    assert "1人" in press(client, session, page, "registered", tail="1234").text
    with app.app_context():
        assert db.session.scalars(select(Registration.kind)).all() == ["individual", "individual"]
    assert totals(app, session).total == 3


def test_who_is_in_and_opens_an_old_code_sees_the_confirmation_alone(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    old = f"/s/{session}?k={live_key(app, session)}"
    page = client.get(old).text
    press(client, session, page, "walk_in", people="2")
    with time_machine.travel(now() + timedelta(seconds=45), tick=False):
        again = client.get(old).text
        assert "已于" in again
        assert "已经换过" not in again and 'role="alert"' not in again
        assert 'id="digits"' not in again
        assert 'href="/s"' in again
        stranger = app.test_client().get(old).text  # control
        assert "已经换过" in stranger and 'id="digits"' in stranger


def test_several_check_ins_of_one_phone_are_one_list(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    for name in ("示例李女士", "示例王先生", "示例老奶奶"):
        remember_more(app, client, code, enrol(app, code, adults=1, name=name))
    for _ in range(3):
        press(client, session, scan(app, client, session), "mine")
    page = scan(app, client, session)
    assert page.count('class="result"') == 1
    assert all(name in page for name in ("示例李女士", "示例王先生", "示例老奶奶"))
    assert headings(page)[0] == "已签到"


def test_a_whole_number_finds_one_of_two_with_the_same_tail(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    enrol(app, code, adults=3, phone=PHONE)
    enrol(app, code, adults=1, phone="13900001234")
    page = scan(app, client, session)
    assert "不止一个" in press(client, session, page, "registered", tail="1234").text
    assert "3人" in press(client, session, page, "registered", tail=PHONE).text
    strange = app.test_client()
    answer = press(strange, session, scan(app, strange, session), "registered", tail="13700001234")
    assert "没有找到" in answer.text, "somebody else's number with the same end is nobody's"
    assert totals(app, session).total == 3


def test_the_two_buttons_of_an_unknown_browser_have_names_of_their_own(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    assert re.findall(r'<button type="submit" class="btn [^"]*wide-act"[^>]*>(.*?)</button>', page) == [
        "现场登记并签到",
        "按报名签到",
    ]
    refused = press(client, session, page, "registered", tail="9999").text
    assert main_acts(refused) == ["按报名签到"], "the form that was used stays first"
    assert "还没有签上。没有找到这个报名" in refused


def test_a_cancelled_activity_sends_nobody_to_a_desk(app: Flask, client: FlaskClient) -> None:
    _code, session = make(app)
    page = scan(app, client, session)
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).values(state="cancelled"))
    answer = press(client, session, page, "walk_in", people="2")
    assert "已取消" in answer.text and "签到台" not in answer.text
    old = client.get(f"/s/{session}?k=old").text
    assert "已取消" in old and "签到台" not in old and "已经换过" not in old


def test_a_browser_that_lost_its_cookies_is_told_so_in_words(app: Flask) -> None:
    """With the form's token asked for, as in life: the sign-in page needs none, its grant proves more."""
    _, session = make(app)
    browser = app.test_client()
    page = scan(app, browser, session)
    browser.delete_cookie("browser")
    browser.delete_cookie("session")
    answer = press(browser, session, page, "walk_in", people="2")
    assert answer.status_code == 422
    assert "无痕模式" in answer.text and "重新扫大屏上的码" in answer.text
    assert totals(app, session).total == 0
    other = app.test_client()
    assert (
        press(other, session, scan(app, other, session), "registered", tail="9999").status_code == 422
    )  # no token, no 400
    assert (
        app.test_client().post("/s", data={"digits": digits(app, session)}).status_code == 400
    )  # control: it is asked elsewhere
