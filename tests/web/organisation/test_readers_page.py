"""The page of the order of readers: moves, people, and what it refuses; works without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.kernel.actor import SYSTEM, Role
from app.kernel.database import transaction
from app.organisation.models import ReaderOrder, Unit, User
from app.organisation.service import create_user
from app.review.models import ReviewCase
from tests.cast import make_cast
from tests.factories import NOW, make_activity


@pytest.fixture
def desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> FlaskClient:
    """The administrator's browser; the school has a second reader, so that it can be added."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        for login, unit in (("xuefu", cast.school), ("daishen", cast.wenming)):
            create_user(tx, login=login, name=f"示例{login}", unit=unit, roles=[(Role.SECOND_READER, unit)], actor=SYSTEM, now=NOW)  # fmt: skip
    sign_in(client, "guanli")
    return client


def order(page: str) -> list[str]:
    return re.findall(r"<b>(区\w+|示例\w+)</b>", page)


def unit_code(app: Flask, name: str) -> str:
    with app.app_context():
        found = db.session.scalar(select(Unit.code).where(Unit.name == name))
    assert found
    return found


def post(desk: FlaskClient, app: Flask, name: str, verb: str, **form: str) -> int:
    return desk.post(f"/organisation/readers/{unit_code(app, name)}/{verb}", data=form).status_code


def test_an_office_moves_up_and_down_and_stops_at_the_ends(app: Flask, desk: FlaskClient) -> None:
    assert order(desk.get("/organisation/readers").text) == ["区文明办", "区政工部", "区教体中心"]
    assert post(desk, app, "区教体中心", "up") == 303
    assert order(desk.get("/organisation/readers").text) == ["区文明办", "区教体中心", "区政工部"]
    assert post(desk, app, "区文明办", "down") == 303
    assert post(desk, app, "区教体中心", "up") == 303
    assert order(desk.get("/organisation/readers").text) == ["区教体中心", "区文明办", "区政工部"]


def test_a_fourth_office_comes_last_and_only_then_another_may_go(app: Flask, desk: FlaskClient) -> None:
    assert post(desk, app, "区文明办", "remove") == 422
    assert desk.post("/organisation/readers", data={"office": unit_code(app, "示例第一小学")}).status_code == 303
    assert post(desk, app, "区文明办", "remove") == 303
    assert order(desk.get("/organisation/readers").text) == ["区政工部", "区教体中心", "示例第一小学"]


def test_people_are_named_and_a_wrong_pair_is_said_beside_the_field(app: Flask, desk: FlaskClient) -> None:
    with app.app_context():
        code = {user.login: user.code for user in db.session.scalars(select(User))}
    assert post(desk, app, "区文明办", "people", reader=code["shenhe"], stand_in=code["daishen"]) == 303
    with app.app_context():
        first = db.session.scalars(select(ReaderOrder).where(ReaderOrder.position == 1)).one()
        stand_in = db.session.get_one(User, first.stand_in_id)
        assert stand_in.login == "daishen"
    where = f"/organisation/readers/{unit_code(app, '区文明办')}/people"
    same = desk.post(where, data={"reader": code["daishen"], "stand_in": code["daishen"]})
    assert same.status_code == 422
    assert "审核人和代审人要是两个人" in same.text
    assert same.text.count(f'value="{code["daishen"]}" selected') == 2  # what was chosen stays
    assert desk.post(where, data={"reader": code["jingban"]}).status_code == 422


def test_an_office_with_a_case_open_stays(app: Flask, desk: FlaskClient) -> None:
    desk.post("/organisation/readers", data={"office": unit_code(app, "示例第一小学")})
    with app.app_context(), transaction(db.session) as tx:
        office = tx.scalars(select(Unit).where(Unit.name == "区文明办")).one()
        submitter = tx.scalars(select(User).where(User.login == "jingban")).one()
        tx.add(ReviewCase(activity_id=make_activity(tx).id, reader_unit_id=office.id, submitted_at=NOW, submitted_by_id=submitter.id, findings=[], remark="", flags=0))  # fmt: skip
    assert "1件待审" in desk.get("/organisation/readers").text
    refused = desk.post(f"/organisation/readers/{unit_code(app, '区文明办')}/remove")
    assert refused.status_code == 422
    assert "没审完" in refused.text
    assert post(desk, app, "区政工部", "remove") == 303


def test_absent_offices_and_verbs_are_404(app: Flask, desk: FlaskClient) -> None:
    assert desk.post("/organisation/readers/absent/up").status_code == 404
    assert post(desk, app, "示例甲镇", "up") == 404
    assert post(desk, app, "区文明办", "crown") == 404
    assert desk.post("/organisation/readers", data={"office": "absent"}).status_code == 404
    assert desk.post("/organisation/readers", data={}).status_code == 404


def test_nobody_but_the_administrator_opens_or_changes_it(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    for login in ("jingban", "fuze", "shenhe", "fuhe", "lingdao", "shenji"):
        browser = app.test_client()
        sign_in(browser, login)
        assert browser.get("/organisation/readers").status_code == 403
        assert browser.post("/organisation/readers", data={}).status_code == 403
        assert post(browser, app, "区文明办", "down") == 403
    assert order(desk.get("/organisation/readers").text)[0] == "区文明办"
