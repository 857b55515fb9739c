"""The whole loop over HTTP, on both databases: published → registered → signed in → photos → approved → the figure."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, ActivitySession
from app.audit.queries import verify_log
from app.checkin import codes
from app.checkin.queries import session_totals
from app.demo.scenes import scene_jpeg
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.metrics.board import load_board
from app.planning.models import Task
from tests.cast import Cast, make_cast
from tests.factories import make_activity
from tests.plan import make_plan


@pytest.fixture
def lesson(app: Flask) -> str:
    """A heritage lesson whose sign-in is open and which ends in a moment; its code."""
    with app.app_context(), transaction(db.session) as tx:
        moment = now()
        cast: Cast = make_cast(tx)
        make_plan(tx, now=moment)
        task = tx.scalars(select(Task).where(Task.number == 10)).one()
        activity = make_activity(tx, host=cast.town, starts_at=moment - timedelta(minutes=59), primary_task_id=task.id)
        activity.venue_unit_id = cast.school.id
        return activity.code


def _session(app: Flask, code: str) -> tuple[str, str]:
    """The session's code and the live key of this moment."""
    with app.app_context():
        row = db.session.scalars(select(ActivitySession).join(Activity).where(Activity.code == code)).one()
        return row.code, codes.live_key(app.extensions["keys"], row.code, codes.step_of(now()))


def _sign(client: FlaskClient, session: str, key: str, **form: str) -> str:
    page = client.get(f"/s/{session}?k={key}").get_data(as_text=True)
    grant = re.search(r'name="grant" value="([^"]+)"', page)
    assert grant, page
    answer = client.post(f"/s/{session}", data={"grant": grant[1], **form})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def _end(app: Flask, code: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        activity.ends_at = activity.sessions[0].ends_at = now() - timedelta(seconds=1)


def test_the_figure_rises_by_what_was_signed_in(
    app: Flask, client: FlaskClient, lesson: str, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    session, key = _session(app, lesson)
    page = _sign(client, session, key, way="walk_in", people="4", name="李女士")
    assert "已签到" in page
    _end(app, lesson)

    staff = app.test_client()
    sign_in(staff, "jingban")
    photos = [
        (io.BytesIO(scene_jpeg("heritage_visit", seed=n, taken_at=now(), size=(640, 480))), f"{n}.jpg") for n in (1, 2)
    ]
    base = f"/activities/{lesson}"
    staff.post(f"{base}/evidence/photos/photos", data={"photos": photos}, content_type="multipart/form-data")
    staff.post(f"{base}/evidence/settle", data={"minors": "yes", "publish": "no"})
    assert staff.post(f"{base}/submit", data={"claimed": "4", "remark": ""}).status_code == 302

    reviewer = app.test_client()
    sign_in(reviewer, "shenhe")
    case = re.search(r"/review/([a-z0-9]{12})", reviewer.get("/review").get_data(as_text=True))
    assert case
    with app.app_context():
        before = load_board(db.session(), year=business_day(now()).year, today=business_day(now())).task(10)
    assert before is not None
    assert before.activities == 0
    assert reviewer.post(f"/review/{case[1]}/approve", data={"reason": ""}).status_code == 302
    with app.app_context():
        after = load_board(db.session(), year=business_day(now()).year, today=business_day(now())).task(10)
        assert verify_log(db.session()).holds
    assert after is not None
    assert (after.activities, after.grades.total, after.grades.b) == (1, 4, 4)

    leader = app.test_client()
    sign_in(leader, "lingdao")
    figures = leader.get("/plan/tasks/10").get_data(as_text=True)
    fact = re.search(r"/metrics/facts/[a-z0-9]{12}", figures)
    assert fact
    opened = leader.get(fact[0]).get_data(as_text=True)
    picture = re.search(r"/evidence/[a-z0-9]{12}\.jpg", opened)
    assert picture
    assert leader.get(picture[0]).mimetype == "image/jpeg"
    assert "李女士" not in opened


def test_a_get_and_a_stale_key_count_nobody(app: Flask, client: FlaskClient, lesson: str) -> None:
    session, key = _session(app, lesson)
    client.get(f"/s/{session}?k={key}")
    stale = client.get(f"/s/{session}?k=AAAA").get_data(as_text=True)
    assert 'name="grant"' not in stale
    assert "签到台" in stale


def test_a_grant_is_good_once_and_in_its_own_browser(app: Flask, client: FlaskClient, lesson: str) -> None:
    session, key = _session(app, lesson)
    page = client.get(f"/s/{session}?k={key}").get_data(as_text=True)
    grant = re.search(r'name="grant" value="([^"]+)"', page)
    assert grant
    form = {"grant": grant[1], "way": "walk_in", "people": "2", "name": ""}
    assert app.test_client().post(f"/s/{session}", data=form).status_code == 422
    for _ in range(2):
        assert client.post(f"/s/{session}", data=form).status_code == 200
    with app.app_context():
        totals = load_totals(session)
    assert totals == 2


def load_totals(session_code: str) -> int:
    """人次 of a session."""
    row = db.session.scalars(select(ActivitySession).where(ActivitySession.code == session_code)).one()
    return session_totals(db.session(), [row.id])[row.id].total
