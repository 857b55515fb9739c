"""Establishments and notes over HTTP: handed in, decided by another office, counted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.metrics.board import TargetView, load_board
from app.progress.rules import note_problems
from tests.cast import make_cast
from tests.plan import make_plan

BASE = {
    "name": "示例教育实践基地", "kind": "practice_base", "level": "city", "stage": "named", "named_on": "2026-10-01",
    "proof": "示例〔2026〕1号",
}  # fmt: skip


@pytest.fixture
def district(app: Flask) -> Flask:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
    return app


def _target(app: Flask) -> TargetView:
    with app.app_context():
        line = load_board(db.session(), year=2026, today=business_day(now())).task(3)
        assert line is not None
        assert line.target is not None
        return line.target


def test_a_named_base_meets_the_target_once_another_office_approved_it(
    district: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    sign_in(client, "jingban")
    assert client.post("/establishments/new", data=BASE).status_code == 303
    assert (_target(district).value, _target(district).light) == (0, "red")
    office = district.test_client()
    sign_in(office, "shenhe")
    address = re.search(r"/progress/establishments/[a-z0-9]{12}/approve", office.get("/progress/review").text)
    assert address
    office.post(address[0], data={})
    assert (_target(district).value, _target(district).light) == (1, "green")


def test_a_note_with_a_phone_number_is_refused_and_what_was_typed_stays(
    district: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    sign_in(client, "jingban")
    answer = client.post(
        "/plan/tasks/13/note", data={"text": "已建立机制，联系13812345678", "noted_on": "2026-01-05", "stage": ""}
    )
    assert answer.status_code == 422
    assert "手机号" in answer.text
    assert "已建立机制" in answer.text
    good = {"text": "已建立联合研判机制。", "noted_on": "2026-01-05", "stage": "established"}
    assert client.post("/plan/tasks/13/note", data=good).status_code == 303
    office = district.test_client()
    sign_in(office, "shenhe")
    address = re.search(r"/progress/notes/[a-z0-9]{12}/approve", office.get("/progress/review").text)
    assert address
    office.post(address[0], data={})
    assert "已建立联合研判机制" in client.get("/plan/tasks/13").text


def test_numbers_that_are_no_persons_pass() -> None:
    day = business_day(now())
    assert note_problems("印发聊江委办发〔2023〕5号，发放1200份", day, day) == []
    assert [p.code for p in note_problems("张某372501199001011234", day, day)] == ["person"]
