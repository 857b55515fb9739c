"""The demo tells its story, role by role, on both databases."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.queries import verify_log
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.metrics.board import TaskLine, load_board
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import start_sign_in
from tests.house import House
from tests.web.journey.district import tell_story


@pytest.fixture
def demo(app: Flask, backend: House, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The seeded district in demo mode."""
    monkeypatch.setattr(app.extensions["settings"], "demo", True)
    tell_story(backend)
    return app


def _enter(app: Flask, login: str) -> FlaskClient:
    browser = app.test_client()
    assert browser.post(f"/demo/{login}").status_code == 303
    return browser


def _task(app: Flask, number: int) -> TaskLine:
    with app.app_context():
        line = load_board(db.session(), year=business_day(now()).year, today=business_day(now())).task(number)
        assert line is not None
        return line


def test_the_first_minute_role_by_role(demo: Flask, client: FlaskClient) -> None:
    home = client.get("/").text
    assert "剪纸进课堂：石榴窗花" in home
    assert "我来签到" in home
    assert home.count("进去看看") == 6

    reviewer = _enter(demo, "shenhe")
    queue = reviewer.get("/review").text
    assert len(set(re.findall(r"/review/[a-z0-9]{12}", queue))) == 7
    lesson = next(
        found[1] for found in re.finditer(r'href="(/review/[a-z0-9]{12})">([^<]+)<', queue) if "进课堂" in found[2]
    )
    flagged = re.search(r'href="(/review/[a-z0-9]{12})">邻里包饺子<', queue)
    assert flagged
    assert "几乎一样" in reviewer.get(flagged[1]).text
    assert reviewer.post(f"{flagged[1]}/approve", data={}).status_code == 422  # not before the pictures are compared

    lessons = _task(demo, 10)
    assert lessons.activities == 11
    assert min(lessons.grades.a, lessons.grades.b, lessons.grades.d) > 0  # every door of the story was open
    assert reviewer.post(f"{lesson}/approve", data={}).status_code == 302
    line = _task(demo, 10)
    assert (line.activities, line.light) == (12, "green")

    leader = _enter(demo, "lingdao").get("/metrics", follow_redirects=True).text
    assert "12场" in leader
    twelve = _task(demo, 12)
    assert (twelve.activities, twelve.notes, twelve.sentence) == (0, 2, "2条工作进展")
    assert "去修改" in _enter(demo, "jingban").get("/workbench").text
    with demo.app_context():
        assert verify_log(db.session()).holds


def test_without_demo_mode_nobody_enters_by_a_card(app: Flask, client: FlaskClient) -> None:
    assert client.post("/demo/shenhe").status_code == 404
    assert "进去看看" not in client.get("/").text


def test_only_the_reader_of_the_case_compares_its_pictures(demo: Flask, client: FlaskClient) -> None:
    reviewer = _enter(demo, "shenhe")
    case = re.search(r'href="(/review/[a-z0-9]{12})">邻里包饺子<', reviewer.get("/review").text)
    other = re.search(r'href="(/review/[a-z0-9]{12})">教育基地研学<', reviewer.get("/review").text)
    assert case
    assert other
    match = re.search(r"/matches/([a-z0-9]{12})", reviewer.get(case[1]).text)
    assert match
    answer = {"answer": "different"}
    stranger = demo.test_client()
    with demo.app_context(), transaction(db.session) as tx:
        fuhe = tx.scalars(select(User).where(User.login == "fuhe")).one()  # reads for another office
        secret = start_sign_in(tx, fuhe, device="", second_factor=True, actor=actor_of(tx, fuhe), now=now())
    with stranger.session_transaction() as cookie:
        cookie["sign_in"], cookie["seen"] = secret, int(now().timestamp())
    assert stranger.post(f"{case[1]}/matches/{match[1]}", data=answer).status_code == 404
    assert reviewer.post(f"{other[1]}/matches/{match[1]}", data=answer).status_code == 404  # not a picture of that case
    assert "几乎一样" in reviewer.get(case[1]).text
    assert reviewer.post(f"{case[1]}/matches/{match[1]}", data=answer).status_code == 303
    assert "几乎一样" not in reviewer.get(case[1]).text
