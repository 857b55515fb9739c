"""The venue screen: opened by six digits, on its own cookie, five steps at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.activities.models import Activity, ActivitySession, ActivityState
from app.audit.models import AuditEntry
from app.checkin import codes
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.checkin.browser import count, digits, enrol, make, press, scan, totals

SignIn = Callable[[FlaskClient, str], None]


def screen_code(app: Flask, session: str) -> str:
    return codes.screen_code(app.extensions["keys"], session, now())


def opened(app: Flask, client: FlaskClient, session: str) -> None:
    answer = client.post("/screen", data={"digits": screen_code(app, session)})
    assert answer.status_code == 303


def test_six_digits_open_it_and_the_log_says_so(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    assert client.get("/screen/steps.json").status_code == 404
    assert client.post("/screen", data={"digits": "000000"}).status_code == 422
    with time_machine.travel(now(), tick=False):  # a step may turn meanwhile
        opened(app, client, session)
        page, shown = client.get("/screen").text, digits(app, session)
    assert f"{shown[:3]} {shown[3:]}" in page
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(AuditEntry.action == "screen.opened")) == 1
    client.post("/screen/leave")
    assert "打开现场大屏" in client.get("/screen").text


def test_two_screens_show_the_same_five_steps_and_the_count(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    other = app.test_client()
    with time_machine.travel(now(), tick=False):
        opened(app, client, session)
        opened(app, other, session)
        one, two = client.get("/screen/steps.json").json, other.get("/screen/steps.json").json
        assert one is not None
        assert one == two
        assert [s["step"] for s in one["steps"]] == list(range(codes.step_of(now()), codes.step_of(now()) + 5))
        assert one["steps"][0]["digits"].replace(" ", "") == digits(app, session)
        held = client.get(f"/screen/steps.json?after={one['steps'][3]['step']}").json
        assert held is not None
        assert [s["step"] for s in held["steps"]] == [one["steps"][4]["step"]]
    guest = app.test_client()
    press(guest, session, scan(app, guest, session), "walk_in", people="3")
    counted = client.get("/screen/steps.json?after=nonsense").json
    assert counted is not None
    assert counted["count"] == 3


@pytest.mark.parametrize("typed", ["", "12345", "abcdef"])
def test_what_is_no_six_digits_is_said_to_be_and_is_no_guess(app: Flask, client: FlaskClient, typed: str) -> None:
    make(app)
    answer = client.post("/screen", data={"digits": typed})
    assert answer.status_code == 422 and "要填6位数字" in answer.text
    assert count(app, Attempt) == 0
    client.post("/screen", data={"digits": "000000"})  # control
    assert count(app, Attempt) > 0


def test_guessing_the_screens_digits_is_made_to_wait(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    for _ in range(10):
        app.test_client().post("/screen", data={"digits": "000000"})
    blocked = client.post("/screen", data={"digits": screen_code(app, session)})
    assert (blocked.status_code, "按“打开大屏”" in blocked.text) == (429, True)


def test_it_outlives_the_sign_in_and_ends_with_the_window(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() + timedelta(minutes=5))
        code, session = activity.code, activity.sessions[0].code
    sign_in(client, "jingban")
    assert client.post(f"/activities/{code}/console/{session}/screen").status_code == 303
    client.post("/logout")
    assert "现场签到二维码" in client.get("/screen").text
    with time_machine.travel(now() + timedelta(hours=2), tick=False):
        over = client.get("/screen").text
        assert "签到已在" in over
        assert "现场签到二维码" not in over
        answer = client.get("/screen/steps.json").json
        assert answer is not None
        assert (answer["phase"], answer["steps"]) == ("over", [])
    with time_machine.travel(now() + timedelta(hours=4), tick=False):
        assert client.get("/screen/steps.json").status_code == 404


def test_before_the_window_there_is_a_time_and_no_code(app: Flask, client: FlaskClient) -> None:
    _, session = make(app, starts_at=now() + timedelta(hours=3))
    opened(app, client, session)
    page = client.get("/screen").text
    assert "开始签到" in page
    assert "现场签到二维码" not in page


def test_a_cancelled_activity_shows_no_code(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    opened(app, client, session)
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity).where(Activity.code == code)).one().state = ActivityState.CANCELLED.value
    assert "已取消" in client.get("/screen").text


def test_a_forged_cookie_opens_nothing(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    client.set_cookie("screen", f'"{session}".forged')
    assert client.get("/screen/steps.json").status_code == 404


def test_a_poll_is_three_statements(app: Flask, client: FlaskClient, statements: list[str]) -> None:
    _, session = make(app)
    opened(app, client, session)
    statements.clear()
    client.get("/screen/steps.json")
    assert len(statements) <= 3


def alter(app: Flask, code: str, **columns: object) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(Activity).where(Activity.code == code).values(**columns))


def news(client: FlaskClient, query: str = "") -> dict[str, Any]:
    found = client.get(f"/screen/steps.json{query}").json
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("state", "is_sealed"), [("under_review", True), ("approved", True), ("returned", False)])
def test_once_submitted_for_review_screen_and_phone_invite_nobody(
    app: Flask, client: FlaskClient, state: str, is_sealed: bool
) -> None:
    code, session = make(app)
    opened(app, client, session)
    guest = app.test_client()
    before = scan(app, guest, session)
    alter(app, code, review_state=state)
    said = "签到已结束，记录已封存"
    page, phone = client.get("/screen").text, scan(app, app.test_client(), session)
    assert (said in page, "有疑问，请问主办单位：示例" in page) == (is_sealed, is_sealed)
    assert ("现场签到二维码" in page, "打开微信扫一扫" in page) == (not is_sealed, not is_sealed)
    assert (said in phone, "请问主办单位：示例" in phone, 'name="grant"' in phone) == (
        is_sealed,
        is_sealed,
        not is_sealed,
    )
    assert news(client)["phase"] == ("sealed" if is_sealed else "open")
    pressed = press(guest, session, before, "walk_in", people="1")  # what the words promise is what the button does
    assert ("已封存" in pressed.text, totals(app, session).total) == (is_sealed, 0 if is_sealed else 1)


def test_a_step_that_is_not_yet_there_is_no_step_held(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    with time_machine.travel(now(), tick=False):
        opened(app, client, session)
        step = codes.step_of(now())
        ahead = news(client, f"?after={step + codes.AHEAD + 1}")  # of a clock that has since gone back
        assert [s["step"] for s in ahead["steps"]] == list(range(step, step + 5))
        assert news(client, f"?after={step + codes.AHEAD}")["steps"] == []  # control: all are held


def test_a_reload_is_called_for_by_other_words_and_by_nothing_else(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, starts_at=now() + timedelta(hours=3))
    opened(app, client, session)
    seen = [news(client)["page"]]
    assert f"&#34;page&#34;:{seen[0]}," in client.get("/screen").text
    enrol(app, code)
    assert news(client)["page"] == seen[0]  # control: a count is written in place
    for columns in (
        {"title": "剪纸进校园"},
        {"venue": "示例小学操场"},
        {"opens_before_min": 90},
        {"state": "cancelled"},
    ):
        alter(app, code, **columns)
        seen.append(news(client)["page"])
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(update(ActivitySession).values(starts_at=now() + timedelta(hours=4)))
    seen.append(news(client)["page"])
    assert len(set(seen)) == 6


def test_a_screen_that_ends_says_why(app: Flask, client: FlaskClient) -> None:
    code, session = make(app)
    assert "大屏关了" not in client.get("/screen").text  # control: a screen that never was open
    opened(app, client, session)
    with time_machine.travel(now() + timedelta(hours=3), tick=False):  # the hour after closing is over
        page = client.get("/screen").text
        assert re.search(r"签到已在(\d+月\d+日 周. )?\d\d:\d\d结束，大屏关了", page)
        assert client.get("/screen/steps.json").json == {"error": "closed"}
    assert "现场签到二维码" in client.get("/screen").text
    alter(app, code, state=ActivityState.WITHDRAWN.value)
    assert "这一场已撤回或删除，大屏关了" in client.get("/screen").text
    assert client.get("/screen/steps.json").status_code == 404


def test_a_screen_over_or_before_is_told_when_its_phase_ends(app: Flask, client: FlaskClient) -> None:
    _, session = make(app, starts_at=now() + timedelta(hours=3))
    opened(app, client, session)
    soon = news(client)
    assert (soon["phase"], soon["until"] - soon["now"] < 2 * 3_600_000 + 5000) == ("soon", True)
    with time_machine.travel(now() + timedelta(hours=4, minutes=40), tick=False):
        assert (news(client)["phase"], news(client)["until"]) == ("over", 0)
        assert "来了没签上的，请告诉主办单位补录" in client.get("/screen").text
