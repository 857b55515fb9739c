"""Approved activities for tests of figures: frozen by the product itself, without the walk through review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityUnit, UnitPart
from app.organisation.models import Unit
from app.planning.models import Task
from app.review.freeze import freeze
from app.review.models import ActivityFact, ReviewCase
from tests.factories import NOW, make_activity


def approve(session: Session, activity: Activity, *, task: int = 0) -> ActivityFact:
    """The fact of this activity, counted in the task with this number."""
    if task:
        activity.primary_task_id = session.scalars(select(Task.id).where(Task.number == task)).one()
    case = ReviewCase(
        activity_id=activity.id,
        reader_unit_id=activity.host_unit_id,
        submitted_at=NOW,
        state="approved",
        submitted_by_id=1,
    )
    session.add(case)
    session.flush()
    activity.review_state, activity.state = "approved", "closed"
    return freeze(session, activity, case, now=NOW)


def held(session: Session, host: Unit, *, task: int, with_units: tuple[Unit, ...] = (), **more: Any) -> Activity:
    """An activity of yesterday with co-hosts."""
    activity = make_activity(session, host=host, starts_at=NOW - timedelta(days=1), **more)
    for unit in with_units:
        session.add(ActivityUnit(activity_id=activity.id, unit_id=unit.id, part=UnitPart.CO_HOST.value))
    session.flush()
    session.refresh(activity)
    approve(session, activity, task=task)
    return activity
