"""系列活动: who makes them, what they add up, what the public sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, Programme
from app.extensions import db
from app.kernel.database import transaction
from app.organisation.models import Unit
from app.review.models import ActivityFact, ReviewCase
from tests.cast import make_cast
from tests.factories import NOW, make_activity

Visit = Callable[[str], FlaskClient]


@pytest.fixture
def units(app: Flask, client: FlaskClient) -> dict[str, str]:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        tx.flush()
        return {unit.name: unit.code for unit in tx.scalars(select(Unit))}


@pytest.fixture
def visit(app: Flask, units: dict[str, str], sign_in: Callable[[FlaskClient, str], None]) -> Visit:
    def run(login: str) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, login)
        return browser

    return run


def typed(units: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "kind": "publicity_month", "title": "示例宣传月", "intro": "九月见。", "starts_on": "2026-09-01",
        "ends_on": "2026-09-30", "host": units["示例甲镇"], **changes,
    }  # fmt: skip


def code_of(app: Flask) -> str:
    with app.app_context():
        return db.session.scalars(select(Programme)).one().code


def test_a_series_is_made_changed_and_shown(visit: Visit, units: dict[str, str], app: Flask) -> None:
    browser = visit("jingban")
    assert browser.post("/programmes/new", data=typed(units)).status_code == 303
    code = code_of(app)
    assert "示例宣传月" in browser.get("/programmes").text
    browser.post(f"/programmes/{code}/edit", data=typed(units, title="示例团结宣传月"))
    assert "示例团结宣传月" in browser.get(f"/programmes/{code}").text
    assert "示例团结宣传月" in app.test_client().get(f"/p/{code}").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "名称要填"),
        ({"title": "长" * 61}, "最多60个字"),
        ({"intro": "长" * 301}, "介绍最多300个字"),
        ({"starts_on": "九月"}, "日期没看懂"),
        ({"ends_on": "2026-08-31"}, "结束日期不能早于开始日期"),
        ({"kind": "party"}, "请从列表里选"),
        ({"host": "nowhere"}, "请从列表里选牵头单位"),
    ],
)
def test_a_wrong_series_is_named_in_words_and_not_kept(
    visit: Visit, units: dict[str, str], app: Flask, wrong: dict[str, str], said: str
) -> None:
    answer = visit("jingban").post("/programmes/new", data=typed(units, **wrong))
    assert answer.status_code == 422
    assert said in answer.text
    with app.app_context():
        assert db.session.scalars(select(Programme)).all() == []


def test_another_town_reads_a_series_and_changes_nothing(visit: Visit, units: dict[str, str], app: Flask) -> None:
    visit("jingban").post("/programmes/new", data=typed(units))
    code, other = code_of(app), visit("yizhen")
    assert other.get(f"/programmes/{code}").status_code == 200
    assert other.get(f"/programmes/{code}/edit").status_code == 404
    assert other.post(f"/programmes/{code}/edit", data=typed(units, title="改名")).status_code == 404
    assert other.post("/programmes/new", data=typed(units)).status_code == 422  # not its own unit
    assert visit("lingdao").get("/programmes/new").status_code == 403


def test_the_public_sees_what_is_listed_and_totals_come_from_approved_facts(
    visit: Visit, units: dict[str, str], app: Flask
) -> None:
    browser = visit("jingban")
    browser.post("/programmes/new", data=typed(units))
    code = code_of(app)
    with app.app_context(), transaction(db.session) as tx:
        programme = tx.scalars(select(Programme)).one()
        town = tx.scalars(select(Unit).where(Unit.name == "示例甲镇")).one()
        soon = datetime.now(UTC) + timedelta(days=2)
        shared = {"host": town, "programme_id": programme.id, "starts_at": soon}
        make_activity(tx, title="公开的一场", audience="public", listing="listed", **shared)
        make_activity(tx, title="只给链接的一场", **shared)
        _approve(tx, make_activity(tx, title="办过的一场", **shared), town)
    page = browser.get(f"/programmes/{code}").text
    assert "只给链接的一场" in page
    assert "<b>3</b>" in browser.get("/programmes").text
    assert '<span class="big">38</span>' in page
    public = app.test_client().get(f"/p/{code}").text
    assert "公开的一场" in public
    assert "只给链接的一场" not in public
    assert app.test_client().get("/p/nosuchcode12").status_code == 404


def _approve(tx: Any, activity: Activity, town: Unit) -> None:
    case = ReviewCase(
        activity_id=activity.id, reader_unit_id=town.id, state="approved", submitted_at=NOW, submitted_by_id=1
    )
    tx.add(case)
    tx.flush()
    tx.add(
        ActivityFact(
            activity_id=activity.id, version=1, case_id=case.id, counted_on=NOW.date(), year=2026, month=11,
            kind=activity.kind, origin="live", host_unit_id=town.id, programme_id=activity.programme_id, sessions=1,
            grade_a=20, grade_b=10, grade_c=5, grade_d=3, adults=38, children=0, seal="0" * 64, approved_at=NOW,
        )
    )  # fmt: skip
