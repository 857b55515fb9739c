"""The large district for measuring: its totals are true, as if each had been signed in and approved."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from app.activities.models import Activity
from app.checkin.models import CheckIn, CheckInEvent
from app.demo.crowd import grow
from app.demo.seed import seed_people
from app.extensions import db
from app.kernel.database import transaction
from app.planning.models import Plan
from app.review.freeze import count_activity, seal_of
from app.review.models import ActivityFact
from tests.factories import NOW
from tests.plan import make_plan


def _grown(activities: int, check_ins: int) -> None:
    with transaction(db.session) as tx:
        make_plan(tx, now=NOW)
        seed_people(tx, now=NOW)
        grow(tx, activities=activities, check_ins=check_ins, now=NOW)


def test_exactly_as_many_activities_and_check_ins_as_asked(app: Flask) -> None:
    with app.app_context():
        _grown(30, 101)
        assert db.session.scalar(select(func.count()).select_from(Activity)) == 30
        assert db.session.scalar(select(func.count()).select_from(CheckIn)) == 101
        assert db.session.scalar(select(func.count()).select_from(CheckInEvent)) == 101
        assert db.session.scalar(select(func.count()).select_from(Plan)) == 1


def test_every_fact_says_what_a_recount_says_and_its_seal_holds(app: Flask) -> None:
    with app.app_context():
        _grown(20, 90)
        facts = db.session.scalars(select(ActivityFact)).all()
        assert 10 < len(facts) <= 20
        for fact in facts:
            counts = count_activity(db.session(), fact.activity_id)
            assert (fact.grade_a, fact.grade_b, fact.grade_c, fact.grade_d) == (counts.a, counts.b, counts.c, counts.d)
            assert (fact.adults, fact.children) == (counts.adults, counts.children)
            activity = db.session.get_one(Activity, fact.activity_id)
            assert fact.seal == seal_of(db.session(), activity, counts)
            counts.a += 1
            assert fact.seal != seal_of(db.session(), activity, counts)
