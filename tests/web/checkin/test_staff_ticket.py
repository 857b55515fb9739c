"""A scanned ticket in the hands of staff: the button, the verdict, and whose ticket it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import Unit
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.checkin.browser import enrol, hidden, outcomes, totals

SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def lesson(app: Flask) -> tuple[str, list[str]]:
    """Codes of an activity of 示例甲镇 and its two sessions, both open."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, sessions=2, attendance="choose_one", starts_at=now() - timedelta(minutes=20)
        )
        return activity.code, [s.code for s in activity.sessions]


def send(client: FlaskClient, secret: str, session: str, uid: str, **typed: str) -> int:
    form = {"session": session, "uid": uid, **typed}
    return client.post(f"/t/{secret}/check-in", data=form).status_code


def test_staff_see_the_button_and_the_verdict_others_only_the_ticket(
    app: Flask, client: FlaskClient, sign_in: SignIn, lesson: tuple[str, list[str]]
) -> None:
    code, sessions = lesson
    secret = enrol(app, code, adults=3, name="示例王小明")
    assert "工作人员签到" not in client.get(f"/t/{secret}").text
    foreign = app.test_client()
    sign_in(foreign, "yizhen")
    assert "工作人员签到" not in foreign.get(f"/t/{secret}").text
    sign_in(client, "jingban")
    page = client.get(f"/t/{secret}").text
    assert "工作人员签到" in page
    form = {"session": sessions[0], "uid": hidden(page, "uid"), "people": "2"}
    answer = client.post(f"/t/{secret}/check-in", data=form)
    assert answer.status_code == 200
    assert "签到成功" in answer.text
    assert "王小明" not in answer.text
    assert totals(app, sessions[0]).a == 2
    again = client.post(f"/t/{secret}/check-in", data={**form, "uid": "another-form-id-000"})
    assert "已于" in again.text
    assert totals(app, sessions[0]).a == 2


def test_choosing_the_other_session_moves_the_registration_first(
    app: Flask, client: FlaskClient, sign_in: SignIn, lesson: tuple[str, list[str]]
) -> None:
    code, sessions = lesson
    secret = enrol(app, code, at=0)
    sign_in(client, "jingban")
    assert "一并改过来" in client.get(f"/t/{secret}").text
    assert send(client, secret, sessions[1], "form-id-0000000001") == 200
    assert totals(app, sessions[1]).a == 2
    assert send(client, secret, sessions[0], "form-id-0000000002") == 422


def test_the_foreign_the_absent_and_the_malformed_write_nothing(
    app: Flask, client: FlaskClient, sign_in: SignIn, lesson: tuple[str, list[str]]
) -> None:
    code, sessions = lesson
    secret = enrol(app, code)
    with app.app_context(), transaction(db.session) as tx:
        other = tx.scalars(select(Unit).where(Unit.name == "示例乙镇")).one()
        strange = make_activity(tx, host=other, starts_at=now(), title="另一镇的").sessions[0].code
    foreign = app.test_client()
    sign_in(foreign, "yizhen")
    uid = "form-id-0000000003"
    assert send(foreign, secret, sessions[0], uid) == 404
    assert send(foreign, "nothing-of-the-kind-000", sessions[0], uid) == 404
    assert send(client, secret, sessions[0], uid) == 302  # nobody is signed in: to the sign-in page
    sign_in(client, "jingban")
    assert send(client, secret, strange, uid) == 409
    assert send(client, secret, sessions[0], "short") == 409
    assert send(client, secret, sessions[0], uid, people="many") == 422
    assert outcomes(app) == []


def test_a_scan_by_staff_takes_at_most_six_statements(
    app: Flask, client: FlaskClient, sign_in: SignIn, lesson: tuple[str, list[str]], statements: list[str]
) -> None:
    code, sessions = lesson
    secret = enrol(app, code)
    sign_in(client, "jingban")
    statements.clear()
    assert send(client, secret, sessions[0], "form-id-0000000004") == 200
    assert len(statements) <= 6, statements


def test_a_sealed_activity_says_so(
    app: Flask, client: FlaskClient, sign_in: SignIn, lesson: tuple[str, list[str]]
) -> None:
    code, sessions = lesson
    secret = enrol(app, code)
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().review_state = "approved"
    sign_in(client, "jingban")
    answer = client.post(f"/t/{secret}/check-in", data={"session": sessions[0], "uid": "form-id-0000000005"})
    assert answer.status_code == 422
    assert "封存" in answer.text


def test_a_ticket_says_how_many_came_beside_how_many_registered(
    app: Flask, client: FlaskClient, sign_in: SignIn
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() - timedelta(minutes=5))
        code, session = activity.code, activity.sessions[0].code
    secret, whole = enrol(app, code, adults=3), enrol(app, code, adults=2, phone="13900139001")
    sign_in(client, "jingban")
    assert "来了几人" in client.get(f"/t/{secret}").text
    for ticket, people in ((secret, "1"), (whole, "2")):
        assert send(client, ticket, session, f"form-id-00000000000{people}", people=people) == 200
    own = app.test_client()
    assert "来了1人，报名3人" in own.get(f"/t/{secret}").text
    assert "，报名" not in own.get(f"/t/{whole}").text  # control: as many as registered
    staff = client.get(f"/t/{secret}").text
    assert "签到，不用再签" in staff and "来了几人" not in staff
