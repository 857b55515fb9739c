"""Reading notes and establishments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.planning.models import Task
from app.progress.models import Establishment, ProgressNote, ProgressState


def list_establishments(session: Session, *, kind: str = "") -> list[tuple[Establishment, str]]:
    """With the unit's name, by kind, then in order of entry."""
    statement = select(Establishment, Unit.name).join(Unit, Unit.id == Establishment.unit_id)
    if kind:
        statement = statement.where(Establishment.kind == kind)
    rows = session.execute(statement.order_by(Establishment.kind, Establishment.id).limit(500))
    return [(row[0], row[1]) for row in rows]


def waiting(session: Session, unit_id: int | None) -> tuple[list[Any], list[Any]]:
    """(notes, establishments) that wait for a decision, without one's own unit's."""
    notes = session.execute(
        select(ProgressNote, Unit.name, Task.number)
        .join(Unit, Unit.id == ProgressNote.unit_id)
        .outerjoin(Task, Task.id == ProgressNote.task_id)
        .where(ProgressNote.state == ProgressState.UNDER_REVIEW.value, ProgressNote.unit_id != unit_id)
        .order_by(ProgressNote.id)
    ).all()
    establishments = session.execute(
        select(Establishment, Unit.name)
        .join(Unit, Unit.id == Establishment.unit_id)
        .where(Establishment.state == ProgressState.UNDER_REVIEW.value, Establishment.unit_id != unit_id)
        .order_by(Establishment.id)
    ).all()
    return list(notes), list(establishments)


def get_waiting(session: Session, sort: str, code: str) -> ProgressNote | Establishment:
    """A note or an establishment by its code. Raises NotFound."""
    model: Any = ProgressNote if sort == "notes" else Establishment
    row: ProgressNote | Establishment | None = session.scalar(select(model).where(model.code == code))
    if row is None:
        raise NotFound("没有找到这一条。")
    return row
