"""Signing in on the own phone: walk-in, known browser, tail and code; codes and grants that do not hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, ActivityState
from app.checkin import codes
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import PersonalDetail, Registration
from tests.web.checkin.browser import (
    PHONE,
    code_of,
    count,
    enrol,
    hidden,
    live_key,
    make,
    outcomes,
    press,
    scan,
    totals,
)


def test_a_walk_in_signs_in_and_the_same_browser_is_known_afterwards(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    assert "没报名，现场登记" in page
    assert "我已报名" in page
    answer = press(client, session, page, "walk_in", people="３", name="李女士")
    assert answer.status_code == 200
    assert "已签到" in answer.text
    assert "3人" in answer.text
    assert totals(app, session).b == 3
    again = scan(app, client, session)
    assert "李女士" in again
    assert "为他人签到" in again
    assert "我已报名" not in again
    assert hidden(again, "grant") != hidden(page, "grant")
    press(client, session, again, "walk_in", people="1")
    assert totals(app, session).b == 4


def test_who_registered_on_this_phone_needs_one_button(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    form = client.get(f"/a/{code}/register").text
    client.post(
        f"/a/{code}/register",
        data={"name": "示例王先生", "adults": "2", "children": "1", "consent": "y", "submission": hidden_any(form)},
    )
    page = scan(app, client, session)
    assert "签到，3人" in page
    answer = press(client, session, page, "mine")
    assert "已签到" in answer.text
    assert "示例王先生" in answer.text
    assert "我的报名码" in answer.text
    assert totals(app, session).b == 3
    later = scan(app, client, session)
    assert "已于" in later
    assert "签到，3人" not in later


def hidden_any(form: str) -> str:
    """The registration form writes its hidden field in another order."""
    return form.split('name="submission"')[1].split('value="')[1].split('"', maxsplit=1)[0]


def test_a_get_counts_nobody_and_answers_a_stale_key_with_words(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    scan(app, client, session)
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().printed_code_on = True
    for key in ("", "AAAA", live_key(app, session, steps=-2), live_key(app, session, steps=1)):
        page = client.get(f"/s/{session}?k={key}").text
        assert 'name="grant"' not in page  # and no fall-back to the printed code's grade
        assert "签到台" in page
        assert 'name="digits"' in page
    assert 'name="grant"' in client.get(f"/s/{session}?k={live_key(app, session, steps=-1)}").text
    assert outcomes(app) == []


def test_a_retry_gets_its_first_answer_even_after_the_grant_has_expired(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    first = press(client, session, page, "walk_in", people="2")
    assert press(client, session, page, "walk_in", people="2").status_code == 200
    with time_machine.travel(now() + timedelta(minutes=5), tick=False):
        late = press(client, session, page, "walk_in", people="2")
    assert first.status_code == late.status_code == 200
    assert totals(app, session).b == 2
    assert outcomes(app) == ["accepted"]


def test_an_expired_grant_counts_nobody_and_keeps_what_was_typed(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    with time_machine.travel(now() + timedelta(seconds=121), tick=False):
        answer = press(client, session, page, "walk_in", people="4", name="李女士")
        assert answer.status_code == 422
        assert "填过的内容都在" in answer.text
        assert 'name="people" value="4"' in answer.text
        keys = app.extensions["keys"]
        form = {
            "digits": codes.venue_digits(keys, session, codes.step_of(now())), "session": session, "people": "4",
            "name": "李女士",
        }  # fmt: skip
        fresh = client.post("/s", data=form).text
        assert 'value="李女士"' in fresh
        assert press(client, session, fresh, "walk_in", people="4", name="李女士").status_code == 200
    assert totals(app, session).b == 4


@pytest.mark.parametrize("is_over", [True, False])
def test_an_old_page_is_sent_to_the_screen_only_while_the_sign_in_is_open(
    app: Flask, client: FlaskClient, is_over: bool
) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    with time_machine.travel(now() + (timedelta(days=1) if is_over else timedelta(minutes=3)), tick=False):
        answer = press(client, session, page, "walk_in", people="4")
    assert answer.status_code == 422 and "没有签上" in answer.text
    assert ("现在不能签到" in answer.text, "请告诉主办单位补录" in answer.text) == (is_over, is_over)
    assert ("大屏" in answer.text, "2分钟" in answer.text) == (not is_over, not is_over)
    assert outcomes(app) == []


def test_a_grant_of_another_browser_session_or_hand_is_refused(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    _, other = make(app, title="另一场")
    page = scan(app, client, session)
    grant = hidden(page, "grant")
    stranger = app.test_client()
    for browser, where, text in (
        (stranger, session, grant), (client, other, grant), (client, session, grant[:-1] + ("y" if grant.endswith("x") else "x")), (client, session, ""),
        (client, session, "a.b.99999999999999999999.c.d"), (client, session, "." * 400),
    ):  # fmt: skip
        answer = browser.post(f"/s/{where}", data={"grant": text, "way": "walk_in", "people": "1"})
        assert answer.status_code == 422
        assert "没有签上" in answer.text
    assert outcomes(app) == []


@pytest.mark.parametrize("people", ["0", "7", "-1", "2.5", "三", "999999999", "1e3"])
def test_a_wrong_number_is_said_beside_the_field_and_the_grant_stays(
    app: Flask, client: FlaskClient, people: str
) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    answer = press(client, session, page, "walk_in", people=people, name="李女士")
    assert answer.status_code == 422
    assert 'id="people-e"' in answer.text
    assert hidden(answer.text, "grant") == hidden(page, "grant")  # never a fresh one without a fresh scan
    assert press(client, session, answer.text, "walk_in", people="2").status_code == 200


def test_a_form_of_address_is_optional_kept_whole_and_never_too_long(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    assert press(client, session, page, "walk_in", people="1", name="名" * 21).status_code == 422
    answer = press(client, session, page, "walk_in", people="1", name="=买买提·艾力𠀀<b>")
    assert "=买买提·艾力𠀀&lt;b&gt;" in answer.text
    with app.app_context():
        assert db.session.scalar(select(PersonalDetail.name)) == "=买买提·艾力𠀀<b>"


@pytest.mark.parametrize("typed", ["1234", "１２３４", PHONE, "138 0013 1234"])
def test_a_phone_tail_finds_the_registration_and_shows_no_name(app: Flask, client: FlaskClient, typed: str) -> None:
    code, session = make(app)
    enrol(app, code, adults=3, phone=PHONE, name="示例陈先生")
    answer = press(client, session, scan(app, client, session), "registered", tail=typed)
    assert answer.status_code == 200
    assert "3人" in answer.text
    assert "陈" not in answer.text
    assert totals(app, session).b == 3


def test_a_ticket_code_finds_it_too_with_blanks_and_small_letters(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    ticket = code_of(app, enrol(app, code))
    spoken = f" {ticket[:4].lower()}　{ticket[4:]}"
    assert press(client, session, scan(app, client, session), "registered", tail=spoken).status_code == 200


def test_a_tail_of_two_asks_for_the_ticket_code_and_lists_nobody(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    enrol(app, code, phone=PHONE, name="示例甲")
    enrol(app, code, phone="13900001234", name="示例乙")
    answer = press(client, session, scan(app, client, session), "registered", tail="1234")
    assert answer.status_code == 422
    assert "不止一个" in answer.text
    assert "示例甲" not in answer.text
    assert totals(app, session).total == 0


def test_wrong_tails_are_kept_without_what_was_typed_and_made_to_wait(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    enrol(app, code, phone=PHONE)
    page = scan(app, client, session)
    for number in range(20):
        answer = press(client, session, page, "registered", tail=f"{9000 + number}")
        assert answer.status_code == 422
    fresh = app.test_client()  # a new browser behind the same address waits as well
    waiting = press(fresh, session, scan(app, fresh, session), "registered", tail="1234")
    assert waiting.status_code == 429
    assert "再试" in waiting.text and "到签到台报手机尾号" in waiting.text
    assert outcomes(app) == ["unknown"] * 20
    assert count(app, Attempt) == 20


@pytest.mark.parametrize("typed", ["", "12", "12345", "ABCDEFG", "ABCD0123", "我的报名码是什么"])
def test_what_is_no_tail_and_no_code_is_no_guess(app: Flask, client: FlaskClient, typed: str) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    assert "请填手机号的后4位" in press(client, session, page, "registered", tail=typed).text
    assert count(app, Attempt) == 0 and outcomes(app) == []
    assert "没有找到" in press(client, session, page, "registered", tail="ABCDEFGH").text  # control
    assert count(app, Attempt) == 1


def test_what_cannot_sign_in_says_why(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, takes_walk_in=False, takes_registration=False)
    page = scan(app, client, session)
    assert "现场登记" not in page
    assert "我已报名" not in page
    answer = client.post(
        f"/s/{session}", data={"grant": hidden(page + grant_of(app, client, session), "grant"), "way": "walk_in"}
    )
    assert answer.status_code == 422
    assert "要先报名" in answer.text
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().state = ActivityState.CANCELLED.value
    assert "已取消" in scan(app, client, session)


def grant_of(app: Flask, client: FlaskClient, session: str) -> str:
    """A grant as a hand-made form would hold it."""
    token = client.get_cookie("browser")
    assert token is not None
    text = codes.make_grant(
        app.extensions["keys"], session_code=session, activity_code="", method="live_code", browser=token.value, now=now()
    )  # fmt: skip
    return f'name="grant" value="{text}"'


@pytest.mark.parametrize(("minutes", "words"), [(120, "开始，到时再扫一次"), (-180, "结束")])
def test_outside_the_window_it_says_when(app: Flask, client: FlaskClient, minutes: int, words: str) -> None:
    _, session = make(app, starts_at=now() + timedelta(minutes=minutes))
    page = scan(app, client, session)
    assert words in page
    assert 'name="grant"' not in page


@pytest.mark.parametrize("state", [ActivityState.DRAFT, ActivityState.WITHDRAWN])
def test_drafts_withdrawn_and_absent_sessions_look_alike(app: Flask, client: FlaskClient, state: ActivityState) -> None:
    _, session = make(app, state=state)
    answers = [client.get(f"/s/{code}?k=x") for code in (session, "nothing")]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].text.replace(session, "") == answers[1].text.replace("nothing", "")


def test_a_printed_code_is_off_by_default_graded_and_revocable(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    keys = app.extensions["keys"]
    address = f"/s/{session}?p={codes.printed_key(keys, session, 1)}"
    assert 'name="grant"' not in client.get(address).text
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().printed_code_on = True
    answer = press(client, session, client.get(address).text, "walk_in", people="2")
    assert answer.status_code == 200
    assert totals(app, session).c == 2
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().printed_code_version = 2
    assert 'name="grant"' not in client.get(address).text


@pytest.mark.parametrize("way", ["walk_in", "mine", "registered"])
def test_a_check_in_takes_at_most_six_statements(
    app: Flask, client: FlaskClient, statements: list[str], way: str
) -> None:
    code, session = make(app)
    secret = enrol(app, code, phone=PHONE)
    if way == "mine":
        remember(app, client, code, secret)
    page = scan(app, client, session)
    statements.clear()
    assert press(client, session, page, way, people="2", name="李女士", tail="1234").status_code == 200
    assert 3 <= len(statements) <= 6, statements
    statements.clear()
    scan(app, client, session)
    assert len(statements) <= 3


def remember(app: Flask, client: FlaskClient, code: str, secret: str) -> None:
    """Put the ticket's cookie into this browser, as registering does."""
    from flask import Response

    from app.web import mine

    with app.test_request_context():
        response = Response()
        mine.remember(response, code, secret)
        kept = response.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    client.set_cookie("mine", kept)


def test_two_tickets_on_one_phone_have_a_button_each(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    for name in ("示例李女士", "示例老奶奶"):
        remember_more(app, client, code, enrol(app, code, name=name))
    page = scan(app, client, session)
    assert page.count('name="ticket"') == 2
    assert press(client, session, page, "mine").status_code == 200
    assert scan(app, client, session).count('name="ticket"') == 1


def remember_more(app: Flask, client: FlaskClient, code: str, secret: str) -> None:
    """The same beside the tickets that the browser has."""
    from flask import Response

    from app.web import mine

    kept = client.get_cookie("mine")
    headers = {"Cookie": f"mine={kept.value}"} if kept else {}
    with app.test_request_context(headers=headers):
        response = Response()
        mine.remember(response, code, secret)
        value = response.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    client.set_cookie("mine", value)


def test_a_ticket_that_this_browser_does_not_hold_is_not_taken(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    enrol(app, code)
    page = scan(app, client, session)
    with app.app_context():
        key = (db.session.scalar(select(Registration.secret_hash)) or "")[:16]
    answer = press(client, session, page, "mine", ticket=key)
    assert answer.status_code == 422
    assert totals(app, session).total == 0


def test_someone_waiting_and_someone_of_the_other_session_are_told(
    app: Flask, client: FlaskClient, statements: list[str]
) -> None:
    del statements
    code, _ = make(app, capacity=2, sessions=2, attendance="choose_one")
    with app.app_context():
        first, second = (s.code for s in db.session.scalars(select(Activity)).one().sessions)
    enrol(app, code, adults=2)
    remember(app, client, code, enrol(app, code, adults=1))
    assert "候补" in scan(app, client, first)
    with time_machine.travel(now() + timedelta(minutes=30), tick=False):
        assert "候补" in scan(app, client, second)
    other = app.test_client()
    remember(app, other, code, enrol(app, code, adults=1, at=1))
    assert "您报的是另一场" in scan(app, other, first)
