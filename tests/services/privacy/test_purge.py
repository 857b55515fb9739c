"""The purge removes what is due, leaves counts and figures, and says what it did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.models import AuditDetail, AuditEntry
from app.audit.queries import verify_log
from app.checkin.models import CheckIn, CheckInEvent
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.feedback.models import Feedback
from app.kernel.database import transaction
from app.metrics.queries import count_erased, load_rollup
from app.organisation.models import User
from app.privacy.queries import due_activities, list_purges, periods
from app.privacy.rules import due_at
from app.privacy.service import purge
from app.registration.models import PersonalDetail, Registration
from tests.factories import NOW, make_activity
from tests.services.privacy.story import LATER, Story, held

DAY = timedelta(days=1)


@pytest.fixture
def story(app: Flask) -> Story:
    """A held and approved activity with a registrant who came, a waiting one, a sheet, a complaint."""
    with app.app_context(), transaction(db.session) as tx:
        return held(tx, app)


def test_names_go_and_figures_do_not_move_by_one(app: Flask, story: Story) -> None:
    with app.app_context():
        before = load_rollup(db.session(), 2026)
        sums = _sums(db.session())
        with transaction(db.session) as tx:
            counts = purge(tx, now=LATER)
        session = db.session()
        assert counts["registrations"] == 2
        assert session.scalar(select(func.count()).select_from(PersonalDetail)) == 0
        assert load_rollup(session, 2026) == before
        assert _sums(session) == sums
        assert before.cells
        assert count_erased(session) == 2
        rows = session.scalars(select(Registration)).all()
        assert all(r.erased_at == LATER and r.phone_index is None and r.secret_hash is None for r in rows)
        assert session.scalars(select(EvidenceItem.expired_at).where(EvidenceItem.slot == "sheet")).one() == LATER
        assert session.scalars(select(EvidenceItem.expired_at).where(EvidenceItem.slot == "photos")).one() is None
        assert verify_log(session).holds


@pytest.mark.sqlite_only  # PostgreSQL's planner reads a small table whole
def test_the_erased_are_counted_without_reading_the_others(app: Flask, statements: list[str]) -> None:
    with app.app_context():
        count_erased(db.session())
        counting = statements[-1]

        def plan(statement: str) -> str:
            return str(db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").one()[-1])

        assert "USING COVERING INDEX ix_registration_erased_at" in plan(counting)
        whole = plan(counting.replace("erased_at", "cancelled_at"))
        assert whole == "SCAN registration"  # control: what has no such index


def test_nothing_goes_before_its_day(app: Flask, story: Story) -> None:
    with app.app_context(), transaction(db.session) as tx:
        assert not any(purge(tx, now=NOW + 89 * DAY).values())
        assert tx.scalar(select(func.count()).select_from(PersonalDetail)) == 2


def test_a_second_purge_finds_nothing_and_says_nothing(app: Flask, story: Story) -> None:
    with app.app_context():
        for _ in range(2):
            with transaction(db.session) as tx:
                purge(tx, now=LATER)
        found = list_purges(db.session())
        assert len(found) == 1
        assert found[0].counts["registrations"] == 2
        assert found[0].counts["pictures"] == 1


def test_a_reason_about_a_registration_goes_and_the_chain_still_holds(app: Flask, story: Story) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            seq = tx.scalar(select(AuditEntry.seq).where(AuditEntry.object_code == story.registration))
            tx.add(AuditDetail(seq=seq, name="reason", salt="ab", value="家长来电"))
        with transaction(db.session) as tx:
            purge(tx, now=LATER)
        values = db.session.scalars(select(AuditDetail.value)).all()
        assert "家长来电" not in values
        assert verify_log(db.session()).holds


def test_a_complaint_goes_half_a_year_after_its_answer(app: Flask, story: Story) -> None:
    with app.app_context():
        for days, left in ((179, True), (180, False)):
            with transaction(db.session) as tx:
                purge(tx, now=NOW + days * DAY)
            row = db.session.scalars(select(Feedback)).one()
            assert (row.message is not None) is left
            assert (row.erased_at is None) is left
            assert row.receipt_hash


def test_an_account_is_nobody_three_years_after_it_was_disabled(app: Flask, story: Story) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            user = tx.scalars(select(User).where(User.login == "jingban")).one()
            user.disabled_at, code = NOW, user.code
        with transaction(db.session) as tx:
            assert purge(tx, now=NOW + 1095 * DAY)["accounts"] == 1
        user = db.session.scalars(select(User).where(User.code == code)).one()
        assert (user.name, user.login, user.password_hash) == ("已注销", f"gone-{code}", "")
        assert db.session.scalars(select(User).where(User.login == "fuze")).one().name != "已注销"


@pytest.mark.parametrize("is_practice", [False, True])
@pytest.mark.parametrize("cancelled", [None, -181, -10])
@pytest.mark.parametrize("ended", [-181, -91, -8, -6, 5])
def test_sql_and_rule_agree_on_what_is_due(app: Flask, is_practice: bool, cancelled: int | None, ended: int) -> None:
    ends_at, cancelled_at = NOW + ended * DAY, None if cancelled is None else NOW + cancelled * DAY
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, is_practice=is_practice, cancelled_at=cancelled_at)
        activity.ends_at = ends_at
        tx.flush()
        due = due_at(periods(), is_practice=is_practice, approved_at=None, ends_at=ends_at, cancelled_at=cancelled_at)
        assert due is not None
        assert (activity.id in set(tx.scalars(due_activities(NOW)))) is (due <= NOW)


def test_a_practice_loses_its_names_after_a_week(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        story = held(tx, app, is_practice=True)
        activity = tx.scalars(select(Activity).where(Activity.code == story.activity)).one()
        assert purge(tx, now=_end(activity) + 7 * DAY - timedelta(minutes=1))["registrations"] == 0
        assert purge(tx, now=_end(activity) + 7 * DAY)["registrations"] == 2
        assert tx.scalar(select(func.count()).select_from(CheckInEvent)) == 1


def _end(activity: Activity) -> datetime:
    assert activity.ends_at is not None
    return activity.ends_at


def _sums(session: Session) -> tuple[Any, ...]:
    people = select(func.count(), func.sum(Registration.adults + Registration.children)).select_from(Registration)
    return (*session.execute(people).one(), session.scalar(select(func.count()).select_from(CheckIn)))
