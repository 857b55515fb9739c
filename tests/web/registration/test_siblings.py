"""Several named children on one guardian's phone; a link that asks for no name any more; one ticket, one child."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import GuardianConsent, Registration
from app.registration.service import cancel_activity
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.registration.test_guardian_pages import ask, form, names


@pytest.fixture
def code(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> str:
    """A camp of two places that names children; the client is its organizer."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        camp = make_activity(tx, host=cast.town, names_minors=True, starts_at=now() + timedelta(days=7), capacity=2)
        found = camp.code
    sign_in(client, "jingban")
    return found


def minors(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(Registration)).all())


def test_a_mother_registers_two_children_on_one_phone(app: Flask, client: FlaskClient, code: str) -> None:
    phone = app.test_client()
    first = phone.post(f"/a/{code}/child", data=form(name="大石")).headers["Location"]
    second = phone.post(f"/a/{code}/child", data=form(name="小石")).headers["Location"]
    assert first != second
    assert "已登记，您的同意已记下" in phone.get(second).text
    assert names(app) == ["大石", "小石"]
    again = phone.post(f"/a/{code}/child", data=form(name="小 石".replace(" ", "")))
    assert again.headers["Location"] == second
    assert "没有重复报名" in phone.get(second).text
    assert minors(app) == 2
    page = phone.get(f"/a/{code}").text
    assert "打开第2张报名码" in page


def test_back_and_another_child_on_the_same_form_is_another_child(app: Flask, client: FlaskClient, code: str) -> None:
    phone, typed = app.test_client(), form(name="大石")
    first = phone.post(f"/a/{code}/child", data=typed).headers["Location"]
    assert phone.post(f"/a/{code}/child", data=typed).headers["Location"] == first  # a double tap
    assert phone.post(f"/a/{code}/child", data={**typed, "name": "小石"}).headers["Location"] != first
    assert names(app) == ["大石", "小石"]


def test_another_browser_still_gets_nothing_for_a_phone_that_is_not_its_own(
    app: Flask, client: FlaskClient, code: str
) -> None:
    assert app.test_client().post(f"/a/{code}/child", data=form(name="大石")).status_code == 303
    for name in ("大石", "小石"):
        refused = app.test_client().post(f"/a/{code}/child", data=form(name=name))
        assert refused.status_code == 409
        assert "此手机号已报名" in refused.text
    assert names(app) == ["大石"]


def test_the_freed_slot_of_a_phone_does_not_open_it_to_others(app: Flask, client: FlaskClient, code: str) -> None:
    phone = app.test_client()
    first = phone.post(f"/a/{code}/child", data=form(name="大石")).headers["Location"]
    assert phone.post(f"/a/{code}/child", data=form(name="小石")).status_code == 303
    assert phone.post(f"{first}/cancel").status_code == 303
    assert app.test_client().post(f"/a/{code}/child", data=form(name="别人")).status_code == 409
    assert phone.post(f"/a/{code}/child", data=form(name="大石")).status_code == 303
    assert minors(app) == 3


def test_desk_and_link_take_the_sibling_of_a_child_who_came_otherwise(
    app: Flask, client: FlaskClient, code: str
) -> None:
    address = f"/activities/{code}/registrations/minors"
    assert app.test_client().post(f"/a/{code}/child", data=form(name="大石")).status_code == 303
    again = client.post(address, data=form(way="school", name="大石"))
    assert again.status_code == 422
    assert "没有重复登记" in again.text
    assert client.post(address, data=form(way="school", name="小石")).status_code == 303
    link = ask(client, code)
    refused = app.test_client().post(link, data=form(name="小石"))
    assert refused.status_code == 422
    assert "已经为这个孩子报过名" in refused.text
    assert app.test_client().post(link, data=form(name="三石")).status_code == 303
    assert names(app) == ["大石", "小石", "三石"]


def test_a_named_child_stays_one_and_another_child_is_registered_by_name(
    app: Flask, client: FlaskClient, code: str
) -> None:
    phone = app.test_client()
    ticket = phone.post(f"/a/{code}/child", data=form()).headers["Location"]
    page = phone.get(ticket).text
    assert f"{ticket}/people" not in page
    assert "0位大人" not in page
    assert f"/a/{code}/child" in page
    assert "为他另报一份" in phone.get(f"{ticket}/people").text
    refused = phone.post(f"{ticket}/people", data={"adults": "1", "children": "3"})
    assert refused.status_code == 422
    assert "人数没有改" in refused.text
    with app.app_context():
        row = db.session.scalars(select(Registration)).one()
        assert (row.adults, row.children) == (0, 1)


@pytest.mark.parametrize("what", ["cancelled", "over"])
def test_a_link_of_an_activity_that_is_cancelled_or_over_asks_for_no_name(
    app: Flask, client: FlaskClient, code: str, what: str
) -> None:
    link = ask(client, code)
    with app.app_context(), transaction(db.session) as tx:
        camp = tx.scalars(select(Activity)).one()
        if what == "cancelled":
            cancel_activity(tx, camp, reason="下雨", actor=SYSTEM, now=now())
        else:
            for row in (camp, *camp.sessions):
                row.starts_at, row.ends_at = now() - timedelta(hours=2), now() - timedelta(hours=1)
    assert app.test_client().get(link).status_code == 404
    assert "活动已取消、已结束" in app.test_client().get(link).text
    assert app.test_client().post(link, data=form()).status_code == 404
    assert names(app) == []


def test_a_link_in_the_line_holds_no_longer_than_the_activity(app: Flask, client: FlaskClient, code: str) -> None:
    for _number in range(3):
        ask(client, code)
    with app.app_context(), transaction(db.session) as tx:
        camp = tx.scalars(select(Activity)).one()
        for row in (camp, *camp.sessions):
            row.starts_at, row.ends_at = now() + timedelta(hours=1), now() + timedelta(hours=2)
    ask(client, code)
    with app.app_context():
        last = db.session.scalars(select(GuardianConsent).order_by(GuardianConsent.id.desc())).first()
        assert last is not None
        assert last.expires_at is not None
        assert last.expires_at <= now() + timedelta(hours=2)
