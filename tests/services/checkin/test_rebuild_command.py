"""`flask checkin rebuild` compares, mends when it is told to, and says by its exit whether something differed."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text

from app.audit.models import AuditEntry
from app.checkin.models import CheckIn
from app.extensions import db
from app.kernel.database import transaction
from tests.factories import NOW, make_activity
from tests.services.checkin.stage import Stage, make_stage


@pytest.fixture
def stage(app: Flask) -> str:
    """An activity with three check-ins, and another without; the code of the first."""
    with app.app_context(), transaction(db.session) as tx:
        s = make_stage(tx, app.extensions["keys"])
        for people in (1, 2, 3):
            s.arrive(s.enrol(people))
        Stage(tx, app.extensions["keys"], make_activity(tx, title="另一场"))
        return s.activity.code


def run(app: Flask, *words: str) -> tuple[int, str]:
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["checkin", "rebuild", *words])
        db.session.remove()
    return done.exit_code, done.output


def rows(app: Flask) -> list[tuple[int, int]]:
    with app.app_context():
        found = [(row.registration_id, row.headcount) for row in db.session.scalars(select(CheckIn))]
        db.session.remove()
    return sorted(found)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ("UPDATE check_in SET grade_b = grade_b + 100 WHERE grade_b = 2", 1),
        ("UPDATE check_in SET last_at = (SELECT max(ends_at) FROM activity_session)", 3),
        ("DELETE FROM check_in WHERE grade_b = 3", 1),
    ],
    ids=["people", "times", "gone"],
)
def test_what_differs_is_counted_and_mended_only_when_told_to(app: Flask, stage: str, change: str, count: int) -> None:
    before = rows(app)
    assert run(app) == (0, "2 场活动的签到人数和签到记录一致。\n")
    with app.app_context(), transaction(db.session) as tx:
        tx.execute(text(change))
    broken = rows(app)
    code, said = run(app)
    assert (code, f"活动 {stage}：{count} 条不符" in said, rows(app)) == (1, True, broken)
    code, said = run(app, stage, "--write")
    assert (code, "都已改好" in said, rows(app)) == (1, True, before)
    assert run(app, stage)[0] == 0
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.rebuilt")) == 1
        db.session.remove()


def test_a_check_in_without_any_event_goes(app: Flask, stage: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        s = make_stage(tx, app.extensions["keys"])
        guest, activity, session_id = s.enrol().id, s.activity.id, s.row.id
        tx.execute(delete(CheckIn).where(CheckIn.registration_id == guest))
        tx.add(
            CheckIn(activity_id=activity, session_id=session_id, registration_id=guest, grade_a=9, method="paper",
                    first_at=NOW, last_at=NOW)
        )  # fmt: skip
    assert run(app, "--write")[0] == 1
    assert guest not in dict(rows(app))


def test_an_unknown_activity_is_told(app: Flask, stage: str) -> None:
    assert run(app, "nothing") == (2, "没有编号是 nothing 的活动。\n")
