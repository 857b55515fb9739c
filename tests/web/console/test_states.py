"""The console opens the doors that work and no other; its number has true parts, and a class its own name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.activities.models import Activity, ActivitySession
from app.checkin.rules import GRADE_BY_METHOD, METHOD_LABELS, stopped_by
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import digest
from tests.web.scan.party import enrol_class
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["gate"]  # the fixture
Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]
GRADES = {"A": "扫码核验", "B": "现场码", "C": "张贴码", "D": "清点/补录"}  # domain.md, Check-in
DOORS = ("打开大屏", "现场签到二维码", "加人并签到", "短码或手机尾号", "现在关闭", "/screen</b>", "启用张贴码")
STOPS = [
    ({"state": "cancelled", "cancel_reason": "下大雨"}, "活动已取消，不再签到"),
    ({"review_state": "under_review"}, "已提交审核，签到记录已封存"),
    ({"review_state": "approved", "state": "closed"}, "已通过审核，签到记录已封存"),
    ({"state": "draft"}, "还没有发布，不能签到"),
]  # fmt: skip


def change(g: Gate, **columns: object) -> None:
    with g.app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).values(**columns))


@pytest.fixture
def day(gate: Make, sign_in: SignIn) -> Gate:
    """An activity in full swing: one family of two and one walk-in of four; `client` is its organizer."""
    g = gate(takes_walk_in=True, takes_parties=True)
    phone = g.pair()
    g.send(phone, g.scan(g.enrol(2)[0]), g.scan(None, walk_in=True, people=4))
    g.enrol(3)
    sign_in(g.client, "jingban")
    return g


def console(g: Gate, more: str = "") -> str:
    page = g.client.get(f"/activities/{g.activity}/console{more}")
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize(("columns", "why"), STOPS)
def test_a_console_that_is_stopped_says_why_and_opens_no_door_that_cannot_work(
    day: Gate, columns: dict[str, str], why: str
) -> None:
    before = console(day)
    assert [door for door in DOORS if door not in before] == [] and why not in before
    change(day, **columns)
    page = console(day)
    assert [door for door in DOORS if door in page] == []
    assert why in page and "撤销</a>" not in page
    assert ("撤回送审" in page) is (columns.get("review_state") == "under_review")
    if columns.get("state") != "draft":
        assert f"/activities/{day.activity}/held" in page and "报名名单、导出" in page
        assert "报名5人，来了2人" in page
    assert "下大雨" in page or "cancel_reason" not in columns


@pytest.mark.parametrize(("columns", "why"), STOPS)
def test_a_console_left_open_loses_the_code_and_the_screen(day: Gate, columns: dict[str, str], why: str) -> None:
    address = f"/activities/{day.activity}/console?session={day.sessions[0]}&part=code"
    script = {"HX-Request": "true"}
    assert "<svg" in day.client.get(address, headers=script).text
    change(day, **columns)
    part = day.client.get(address, headers=script).text
    assert "<svg" not in part and "码停了" in part and "hx-get" not in part
    if columns.get("state") != "draft":
        assert day.client.post(f"/activities/{day.activity}/console/{day.sessions[0]}/screen").status_code == 409
    phones = day.client.get(f"/activities/{day.activity}/console/phones").text
    assert "配对二维码" not in phones


def test_the_code_stops_with_the_window_and_comes_back_with_it(day: Gate) -> None:
    address = f"/activities/{day.activity}/console/{day.sessions[0]}/window"
    assert "现场签到二维码" in console(day)
    with day.app.app_context(), transaction(db.session) as tx:
        tx.execute(
            update(ActivitySession).values(starts_at=now() - timedelta(hours=3), ends_at=now() - timedelta(hours=2))
        )
    assert "现场签到二维码" not in console(day) and "按“现在打开”" in console(day)
    assert day.client.post(address, data={"verb": "open"}).status_code == 303
    assert "现场签到二维码" in console(day)


@pytest.mark.parametrize(
    ("state", "review", "stop"),
    [
        ("published", "not_submitted", ""), ("closed", "returned", ""), ("published", "rejected", ""),
        ("cancelled", "under_review", "cancelled"), ("draft", "not_submitted", "draft"), ("withdrawn", "", "draft"),
        ("published", "under_review", "under_review"), ("closed", "approved", "approved"),
    ],
)  # fmt: skip
def test_what_stops_every_check_in(state: str, review: str, stop: str) -> None:
    assert stopped_by(state, review) == stop


def test_walk_ins_are_no_part_of_those_who_registered(day: Gate) -> None:
    page = re.sub(r"<[^>]+>", "", console(day))
    assert "报名5人，来了2人" in page and "现场登记4人" in page and "还没来的3人" in page
    assert re.search(r"6\s+人次", page) and "补录" in page
    assert "/ 报名" not in page


def test_a_class_is_listed_by_its_school_and_class_wherever_it_stands(day: Gate) -> None:
    secret = enrol_class(day.app, day.activity, pupils=40, adults=2, school="示例第七小学")
    missing = console(day, "?missing=1")
    assert "示例第七小学 三年级2班" in missing.split('id="missing"')[1]
    day.send(day.pair(), day.scan(digest(secret), people=40))
    page = console(day)
    listed = page.split('id="list"')[1].split("</ol>")[0]
    assert "示例第七小学 三年级2班" in listed and "当面核对" in listed and "扫码核验 <b>42" in page


def contradicting(labels: dict[str, str]) -> set[str]:
    """Doors whose word is that of another grade than the one they count by."""
    parts = {grade: set(label.split("/")) for grade, label in GRADES.items()}
    return {
        method
        for method, label in labels.items()
        for grade, words in parts.items()
        if grade != GRADE_BY_METHOD[method] and any(word in label for word in words)
    }


def test_the_word_of_a_door_never_says_another_grade() -> None:
    assert contradicting(METHOD_LABELS) == set()
    assert contradicting({"party_confirmed": "团体清点"}) == {"party_confirmed"}
