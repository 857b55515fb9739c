"""The district with its plan, and one approved activity of a past year and of this one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.organisation.models import Unit, User
from app.planning.models import Task
from app.review.models import ActivityFact, FactUnit, ReviewCase
from tests.cast import make_cast
from tests.factories import NOW, make_activity
from tests.plan import make_plan


@dataclass(frozen=True)
class Seats:
    """Who and where a fact needs, read by name in the session at hand."""

    town: Unit
    school: Unit
    office: Unit
    organizer: User


def find_cast(session: Session) -> Seats:
    """Of a cast that was made before."""
    town, school, office = (
        session.scalars(select(Unit).where(Unit.name == name)).one()
        for name in ("示例甲镇", "示例第一小学", "区文明办")
    )
    return Seats(town, school, office, session.scalars(select(User).where(User.login == "jingban")).one())


def make_fact(session: Session, seats: Seats, *, day: date, number: int = 10, people: int = 30) -> str:
    """An approved activity of a task, as if it had gone through review; the fact's code."""
    activity = make_activity(session, host=seats.town, title=f"剪纸进课堂{day.year}")
    case = ReviewCase(
        activity_id=activity.id, reader_unit_id=seats.office.id, state="approved", submitted_at=NOW,
        submitted_by_id=seats.organizer.id,
    )  # fmt: skip
    session.add(case)
    session.flush()
    task = session.scalars(select(Task).where(Task.number == number)).one()
    fact = ActivityFact(
        activity_id=activity.id, version=1, case_id=case.id, counted_on=day, year=day.year, month=day.month,
        kind="heritage_visit", origin="live", host_unit_id=seats.town.id, primary_task_id=task.id,
        sessions=1, grade_a=people, grade_b=0, grade_c=0, grade_d=0, adults=people, children=0, seal="0" * 64, approved_at=NOW,
    )  # fmt: skip
    session.add(fact)
    session.flush()
    session.add(FactUnit(fact_id=fact.id, unit_id=seats.school.id, part="venue"))
    return fact.code


@pytest.fixture
def district(app: Flask) -> Flask:
    """Plan, cast, and an activity of last year and of this one under task 10."""
    this_year = business_day(now()).year
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
        make_fact(tx, find_cast(tx), day=date(this_year - 1, 10, 9), people=25)
        make_fact(tx, find_cast(tx), day=date(this_year, 1, 2), people=31)
    return app
