"""The optional address in the forms, the organizer's page of letters, and what a change and a cancellation put in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.models import MailNotice, PersonalDetail
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.activities.test_one_activity import form_of

Enter = Callable[[FlaskClient, str], None]
ADDRESS = "canary-li@example.cn"


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity that sends mail, for families and classes."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, sends_mail=True, takes_parties=True, starts_at=now() + timedelta(days=3)
        )
        return {"activity": activity.code, "school": cast.school.code}


def register(client: FlaskClient, codes: dict[str, str], **changes: str) -> Any:
    values = {
        "submission": random_secret(), "name": "李女士", "adults": "1", "children": "0", "phone": "", "consent": "y",
        "second_name": "", "email": ADDRESS,
    }  # fmt: skip
    return client.post(f"/a/{codes['activity']}/register", data=values | changes)


def kinds(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(MailNotice.kind).order_by(MailNotice.id)))


def test_the_address_is_asked_only_where_the_activity_writes(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    for page in (f"/a/{codes['activity']}", f"/a/{codes['activity']}/class"):
        assert 'name="email"' in client.get(page).text
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().sends_mail = False
    app.extensions.pop("kept")  # changed by hand, past the log
    for page in (f"/a/{codes['activity']}", f"/a/{codes['activity']}/class"):
        assert 'name="email"' not in client.get(page).text
    assert register(client, codes).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(PersonalDetail.email)).all() == [None]


def test_it_is_kept_encrypted_and_a_letter_waits(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    answer = register(client, codes)
    assert answer.status_code == 303
    with app.app_context():
        [sealed] = db.session.scalars(select(PersonalDetail.email)).all()
    assert sealed is not None
    assert b"canary" not in sealed
    assert kinds(app) == ["confirmed"]
    assert ADDRESS in client.get(f"{answer.headers['Location']}/data").text


@pytest.mark.parametrize(
    "email", ["li", "li@", "@example.cn", "li@example", "a b@example.cn", "x" * 120 + "@example.cn"]
)
def test_an_address_that_cannot_be_is_said_beside_the_field(
    app: Flask, client: FlaskClient, codes: dict[str, str], email: str
) -> None:
    answer = register(client, codes, email=email)
    assert answer.status_code == 422
    assert "邮箱地址不对" in answer.text
    assert "李女士" in answer.text
    assert kinds(app) == []


def test_without_an_address_nothing_is_put(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    assert register(client, codes, email="").status_code == 303
    assert kinds(app) == []


def test_a_school_may_leave_one_too(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    answer = client.post(f"/a/{codes['activity']}/class", data={
        "submission": random_secret(), "school": codes["school"], "classes-0-label": "三年级2班", "classes-0-pupils": "30",
        "classes-0-adults": "1", "name": "张老师", "phone": "13800138000", "second_name": "", "email": ADDRESS,
    })  # fmt: skip
    assert answer.status_code == 303
    assert kinds(app) == ["confirmed"]


def test_the_organizer_sees_counts_and_reasons_and_sends_again(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    page = f"/activities/{codes['activity']}/mail"
    office = app.test_client()
    sign_in(office, "jingban")
    assert "还没有邮件" in office.get(page).text
    register(client, codes)
    assert "还没有设置邮件服务器" in office.get(page).text
    assert f'href="{page}"' in office.get(f"/activities/{codes['activity']}/registrations").text
    with app.app_context(), transaction(db.session) as tx:
        notice = tx.scalars(select(MailNotice)).one()
        notice.problem, notice.next_try_at, notice.tries = "unreachable", None, 6
    shown = office.get(page).text
    assert "连不上邮件服务器" in shown
    assert "canary" not in shown
    assert "李" not in shown
    assert office.post(f"{page}/resend").status_code == 303
    assert "1封重新排队" in office.get(page).text
    assert office.post(f"{page}/resend").status_code == 303
    assert "没有要再发的" in office.get(page).text
    with app.app_context():
        assert db.session.scalars(select(MailNotice.tries)).one() == 0


def test_a_new_place_and_a_cancellation_each_put_a_letter(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    register(client, codes)
    office = app.test_client()
    sign_in(office, "jingban")
    page = f"/activities/{codes['activity']}"
    data = {**form_of(office.get(f"{page}/edit").text), "venue": "新的礼堂"}
    assert office.post(f"{page}/edit", data=data).status_code == 303
    assert kinds(app) == ["confirmed", "changed"]
    assert office.post(f"{page}/cancel", data={"reason": "下雨"}).status_code == 303
    assert kinds(app)[-1] == "cancelled"


@pytest.mark.parametrize("sends", [True, False])
def test_desk_and_guardian_may_leave_an_address_where_mail_is_on(
    app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None], sends: bool
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        host = make_cast(tx).town
        codes = [
            make_activity(tx, host=host, sends_mail=sends, names_minors=named, starts_at=now() + timedelta(days=3)).code
            for named in (False, True)
        ]
    sign_in(client, "jingban")
    typed = {"adults": "1", "children": "0", "phone": "13800138000", "consent": "y", "email": "li@example.cn"}
    at_desk = f"/activities/{codes[0]}/registrations/new"
    assert ('name="email"' in client.get(at_desk).text) is sends
    assert client.post(at_desk, data={**typed, "name": "李女士"}).status_code == 303
    child = {**typed, "name": "小石榴", "given_as": "mother"}
    phone, form = app.test_client(), f"/a/{codes[1]}/child"
    assert ('name="email"' in phone.get(form).text) is sends
    if sends:
        refused = phone.post(form, data={**child, "email": "li at example"})
        assert refused.status_code == 422
        assert "邮箱地址不对" in refused.text
        assert "li at example" in refused.text
    assert phone.post(form, data=child).status_code == 303
    with app.app_context():
        kept = db.session.scalars(select(PersonalDetail.email)).all()
        assert [address is not None for address in kept] == [sends, sends]
        assert db.session.scalar(select(func.count()).select_from(MailNotice)) == 2 * sends
