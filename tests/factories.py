"""Makers for tests: keyword-only, every default valid, rows through the product's own services where they exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState
from app.kernel.actor import SYSTEM, Role
from app.organisation.models import Unit, UnitKind, User
from app.organisation.service import create_unit, create_user

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 11月20日 周五 10:00 in Shanghai
PASSWORD = "石榴籽-2026-demo"

_numbers = count(1)


def make_unit(
    session: Session, *, name: str = "", kind: UnitKind = UnitKind.TOWN, parent: Unit | None = None, **more: Any
) -> Unit:
    """A unit below the district (made on the first call)."""
    if parent is None and kind is not UnitKind.DISTRICT:
        parent = session.scalar(select(Unit).where(Unit.kind == UnitKind.DISTRICT.value))
        if parent is None:
            parent = create_unit(session, name="示例度假区", kind=UnitKind.DISTRICT, parent=None, actor=SYSTEM, now=NOW)
    return create_unit(
        session, name=name or f"示例{next(_numbers)}镇", kind=kind, parent=parent, actor=SYSTEM, now=NOW, **more
    )


def make_user(
    session: Session, *, unit: Unit | None = None, roles: tuple[Role, ...] = (Role.ORGANIZER,), login: str = ""
) -> User:
    """An account with its roles at its own unit and the password PASSWORD."""
    unit = unit or make_unit(session)
    number = next(_numbers)
    return create_user(
        session, login=login or f"user{number}", name=f"示例{number}号", unit=unit, password=PASSWORD,
        roles=[(role, unit) for role in roles], actor=SYSTEM, now=NOW,
    )  # fmt: skip


def make_activity(
    session: Session,
    *,
    host: Unit | None = None,
    title: str = "剪纸进课堂",
    kind: str = "heritage_visit",
    state: ActivityState = ActivityState.PUBLISHED,
    starts_at: datetime | None = None,
    sessions: int = 1,
    capacity: int | None = 50,
    venue: str = "示例小学礼堂",
    **columns: Any,
) -> Activity:
    """An activity row with `sessions` sessions of an hour, one after the other, the first at NOW + 30 min."""
    host = host or make_unit(session)
    first = starts_at or NOW + timedelta(minutes=30)
    last = first + timedelta(hours=sessions)
    activity = Activity(
        kind=kind, title=title, host_unit_id=host.id, venue=venue, state=state.value, starts_at=first,
        ends_at=last, created_at=NOW, published_at=NOW if state is not ActivityState.DRAFT else None, **columns,
    )  # fmt: skip
    session.add(activity)
    session.flush()
    for position in range(1, sessions + 1):
        start = first + timedelta(hours=position - 1)
        session.add(
            ActivitySession(
                activity_id=activity.id, position=position, label=f"第{'一二三四五六'[position - 1]}场",
                starts_at=start, ends_at=start + timedelta(hours=1), capacity=capacity,
            )
        )  # fmt: skip
    session.flush()
    session.refresh(activity)
    return activity
