"""Two write-ups of one event: looked for across the district, shown by title and host only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState
from app.activities.rules import same_venue
from app.kernel.clock import business_day, day_bounds
from app.organisation.models import Unit


@dataclass(frozen=True, slots=True)
class Twin:
    """Another write-up that may be the same event: title and host only, whoever asks."""

    code: str
    title: str
    host: str
    starts_at: datetime


def find_twins(session: Session, activity: Activity) -> list[Twin]:
    """Same Shanghai day and same venue, school or heritage item, anywhere in the district."""
    if activity.starts_at is None:
        return []
    first, after = day_bounds(business_day(activity.starts_at))
    rows = session.execute(
        select(Activity, Unit.name.label("host"))
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(
            Activity.id != activity.id,
            Activity.starts_at >= first,
            Activity.starts_at < after,
            Activity.is_practice.is_(False),
            Activity.state.in_((ActivityState.PUBLISHED.value, ActivityState.CLOSED.value)),
        )
        .order_by(Activity.id)
        .limit(200)
    ).all()
    return [
        Twin(row.Activity.code, row.Activity.title, row.host, row.Activity.starts_at)
        for row in rows
        if _is_twin(activity, row.Activity)
    ]


def _is_twin(mine: Activity, other: Activity) -> bool:
    return (
        same_venue(mine.venue, other.venue)
        or (mine.venue_unit_id is not None and mine.venue_unit_id == other.venue_unit_id)
        or (
            mine.heritage_item_id is not None
            and mine.heritage_item_id == other.heritage_item_id
            and mine.host_unit_id == other.host_unit_id
        )
    )
