"""Reading notes and establishments: what is approved for all, the rest for the unit that wrote it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.planning.models import Safeguard, Task
from app.progress.models import Establishment, ProgressNote, ProgressState

NOTES_SHOWN = 50
Paths = list[str] | None  # tree paths of the actor's own units; None is the whole district

_APPROVED = ProgressNote.state == ProgressState.APPROVED.value


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note with its unit; `place` sorts units in their own order, `is_own` lets it be corrected."""

    note: ProgressNote
    unit: str
    place: tuple[int, int]
    is_own: bool


@dataclass(frozen=True, slots=True)
class EstablishmentRow:
    """An establishment with its unit; `is_own` lets it be corrected and moved on."""

    row: Establishment
    unit: str
    is_own: bool


def _is_within(path: str, paths: Paths) -> bool:
    return paths is None or any(path.startswith(own) for own in paths)


def _within(paths: Paths) -> ColumnElement[bool]:
    if paths is None:
        return true()
    return or_(false(), *(Unit.path.startswith(path, autoescape=True) for path in paths))


def _note_rows(session: Session, *where: Any, own: Paths, limit: int | None) -> list[NoteRow]:
    rows = session.execute(
        select(ProgressNote, Unit)
        .join(Unit, Unit.id == ProgressNote.unit_id)
        .where(*where, or_(_APPROVED, _within(own)))
        .order_by(ProgressNote.noted_on.desc(), ProgressNote.id.desc())
        .limit(limit)
    )
    return [NoteRow(note, unit.name, (unit.position, unit.id), _is_within(unit.path, own)) for note, unit in rows]


def notes_of_task(session: Session, task_id: int, year: int, own: Paths) -> list[NoteRow]:
    """Approved notes of the year, and one's own that still wait or came back, whatever their year."""
    of_year = and_(ProgressNote.noted_on >= date(year, 1, 1), ProgressNote.noted_on <= date(year, 12, 31))
    return _note_rows(
        session, ProgressNote.task_id == task_id, or_(of_year, ~_APPROVED), own=own, limit=NOTES_SHOWN
    )  # fmt: skip


def notes_of_safeguards(session: Session, safeguard_ids: Sequence[int], own: Paths) -> dict[int, list[NoteRow]]:
    """All of them by safeguard, newest first: a unit's 实施方案 counts however long ago it came."""
    found: dict[int, list[NoteRow]] = {}
    for row in _note_rows(session, ProgressNote.safeguard_id.in_(safeguard_ids), own=own, limit=None):
        found.setdefault(row.note.safeguard_id or 0, []).append(row)
    return found


def notes_of_own(session: Session, own: Paths) -> list[tuple[NoteRow, int | None, int | None]]:
    """(note, task number, safeguard position) of one's own units, what came back first."""
    rows = session.execute(
        select(ProgressNote, Unit, Task.number, Safeguard.position)
        .join(Unit, Unit.id == ProgressNote.unit_id)
        .outerjoin(Task, Task.id == ProgressNote.task_id)
        .outerjoin(Safeguard, Safeguard.id == ProgressNote.safeguard_id)
        .where(_within(own))
        .order_by(ProgressNote.state != ProgressState.RETURNED.value, ProgressNote.noted_on.desc(), ProgressNote.id.desc())
        .limit(NOTES_SHOWN)
    )  # fmt: skip
    return [
        (NoteRow(note, unit.name, (unit.position, unit.id), True), number, position)
        for note, unit, number, position in rows
    ]


def list_establishments(
    session: Session, *, kinds: Collection[str] = (), own: Paths, all_states: bool = False, limit: int = 500
) -> list[EstablishmentRow]:
    """By kind, then in order of entry; what is not approved only to its unit and to who decides."""
    statement = select(Establishment, Unit.name, Unit.path).join(Unit, Unit.id == Establishment.unit_id)
    if kinds:
        statement = statement.where(Establishment.kind.in_(kinds))
    if not all_states:
        statement = statement.where(or_(Establishment.state == ProgressState.APPROVED.value, _within(own)))
    rows = session.execute(statement.order_by(Establishment.kind, Establishment.id).limit(limit))
    return [EstablishmentRow(row, name, _is_within(path, own)) for row, name, path in rows]


def returned_count(own: Paths) -> ColumnElement[int]:
    """Notes and establishments of one's own units that came back and wait to be corrected, as a part of a statement."""
    notes = select(func.count()).select_from(ProgressNote).join(Unit, Unit.id == ProgressNote.unit_id)
    bases = select(func.count()).select_from(Establishment).join(Unit, Unit.id == Establishment.unit_id)
    returned = ProgressState.RETURNED.value
    return (
        notes.where(_within(own), ProgressNote.state == returned).scalar_subquery()
        + bases.where(_within(own), Establishment.state == returned).scalar_subquery()
    )


def waiting(session: Session, unit_id: int | None) -> tuple[list[Any], list[Any]]:
    """(notes, establishments) that wait for a decision, without one's own unit's."""
    notes = session.execute(
        select(ProgressNote, Unit.name, Task.number, Safeguard.title)
        .join(Unit, Unit.id == ProgressNote.unit_id)
        .outerjoin(Task, Task.id == ProgressNote.task_id)
        .outerjoin(Safeguard, Safeguard.id == ProgressNote.safeguard_id)
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
    return get_note(session, code) if sort == "notes" else get_establishment(session, code)


def get_note(session: Session, code: str) -> ProgressNote:
    """Raises NotFound."""
    found = session.scalar(select(ProgressNote).where(ProgressNote.code == code))
    if found is None:
        raise NotFound("没有找到这一条。")
    return found


def get_establishment(session: Session, code: str) -> Establishment:
    """Raises NotFound."""
    found = session.scalar(select(Establishment).where(Establishment.code == code))
    if found is None:
        raise NotFound("没有找到这一条。")
    return found
