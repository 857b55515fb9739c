"""What is submitted and what is approved is covered by the log's digests from that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import entry_body
from app.audit.models import AuditEntry
from app.checkin.digest import verify_digests
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.actor import Actor
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.planning.models import Task
from app.registration.models import Registration
from app.review import service
from app.review.models import ReviewCase
from tests.cast import make_cast
from tests.factories import NOW, make_activity
from tests.plan import make_plan
from tests.services.checkin.stage import Stage
from tests.services.checkin.tampering import tamper

OVER = NOW + timedelta(hours=2)  # its sign-in is open all day: nothing here is the worker's, who waits for its end


def staff(session: Session, login: str) -> Actor:
    return actor_of(session, session.scalars(select(User).where(User.login == login)).one())


def held_activity(app: Flask) -> None:
    """Three came, nothing stops its submission."""
    with transaction(db.session) as tx:
        cast = make_cast(tx)
        make_plan(tx, now=NOW)
        activity = make_activity(
            tx, host=cast.town, kind="publicity", photos_show_minors=False, photos_may_publish=True,
            closes_after_min=600, primary_task_id=tx.scalar(select(Task.id).limit(1)),
        )  # fmt: skip
        for number in range(2):
            tx.add(EvidenceItem(activity_id=activity.id, slot="photos", kind="photo", uploaded_at=NOW, original_sha256=f"{number}" * 64))  # fmt: skip
        s = Stage(tx, app.extensions["keys"], activity)
        for _ in range(3):
            s.arrive(s.enrol())


def submit() -> None:
    with transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        service.submit(tx, activity, claimed_headcount=None, remark="", actor=staff(tx, "jingban"), now=OVER)


def covered() -> list[int]:
    """Of how many events each digest of the log is."""
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.digest").order_by(AuditEntry.seq))
    return [entry_body(row)["payload"]["events"] for row in rows]


def test_a_submission_and_an_approval_cover_what_was_there(app: Flask) -> None:
    with app.app_context():
        held_activity(app)
        submit()
        assert covered() == [3]
        with transaction(db.session) as tx:
            s = Stage(tx, app.extensions["keys"], tx.scalars(select(Activity)).one())
            refused = s.arrive(tx.scalars(select(Registration).limit(1)).one())  # sealed: kept, and counts nothing
            assert refused.outcome != "accepted"
        with transaction(db.session) as tx:
            service.approve(tx, tx.scalars(select(ReviewCase)).one(), actor=staff(tx, "shenhe"), now=OVER)
        assert covered() == [3, 4]
        assert verify_digests(db.session()).misfit is None
        tamper("UPDATE check_in_event SET headcount = 200 WHERE id = 2")
        assert verify_digests(db.session()).misfit is not None
        db.session.rollback()


def test_without_it_a_change_before_the_sign_in_closes_is_unseen(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control."""
    monkeypatch.setattr(service, "digest_activity", lambda *_args, **_more: None)
    with app.app_context():
        held_activity(app)
        submit()
        tamper("UPDATE check_in_event SET headcount = 200 WHERE id = 2")
        assert covered() == [] and verify_digests(db.session()).misfit is None
        db.session.rollback()


@pytest.mark.postgresql_only  # SQLite has one writer
def test_who_is_signing_in_at_that_moment_keeps_nobody_from_submitting(app: Flask) -> None:
    """On PostgreSQL he may have drawn an id that nobody sees yet: the worker digests later."""
    with app.app_context():
        held_activity(app)
        with db.engine.connect() as pressing:
            pressing.exec_driver_sql("LOCK TABLE check_in_event IN ROW EXCLUSIVE MODE")  # as an INSERT does
            submit()
            pressing.rollback()
        assert covered() == []
        assert db.session.scalars(select(Activity.review_state)).one() == "under_review"
        db.session.rollback()
