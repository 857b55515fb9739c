"""The reviewer's queue, a case opened, an activity's review history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.activities.models import Activity, ActivityChange, ActivityUnit, UnitPart
from app.audit.models import AuditDetail, AuditEntry
from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.organisation.models import ReaderOrder, Unit
from app.review.models import ActivityFact, CaseState, ReviewCase, ReviewEvent
from app.review.rules import EVENT_LABELS


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the queue."""

    code: str
    title: str
    kind: str
    host: str
    starts_at: datetime
    ends_at: datetime
    submitted_at: datetime
    flags: int
    state: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One past event with the acting office, never a person's name."""

    kind: str
    at: datetime
    unit: str
    reason: str
    seal: str

    @property
    def label(self) -> str:
        """The event on screen."""
        return EVENT_LABELS[self.kind]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change of time or place after publication, and why, where a reason was asked for."""

    before: str
    after: str
    at: datetime
    reason: str


def _readable(actor: Actor) -> Any:
    """Cases of the offices this person reads for, without those his own unit is involved in."""
    offices = select(ReaderOrder.unit_id).where(
        or_(
            ReaderOrder.unit_id == actor.unit_id,
            ReaderOrder.reader_id == actor.user_id,
            ReaderOrder.stand_in_id == actor.user_id,
        )
    )
    co_hosts = exists().where(
        ActivityUnit.activity_id == Activity.id,
        ActivityUnit.unit_id == actor.unit_id,
        ActivityUnit.part == UnitPart.CO_HOST.value,
    )
    return (
        ReviewCase.reader_unit_id.in_(offices)
        & (Activity.host_unit_id != actor.unit_id)
        & (ReviewCase.submitted_by_id != actor.user_id)
        & ~co_hosts
    )


def queue(session: Session, actor: Actor, *, state: CaseState = CaseState.UNDER_REVIEW) -> list[QueueRow]:
    """Flagged first, then the longest waiting; decided ones newest first."""
    order: Sequence[Any] = (
        (ReviewCase.flags.desc(), ReviewCase.submitted_at, ReviewCase.id)
        if state is CaseState.UNDER_REVIEW
        else (ReviewCase.decided_at.desc(), ReviewCase.id.desc())
    )
    rows = session.execute(
        select(
            ReviewCase.code, Activity.title, Activity.kind, Unit.name.label("host"), Activity.starts_at,
            Activity.ends_at, ReviewCase.submitted_at, ReviewCase.flags, ReviewCase.state,
        )
        .join(Activity, Activity.id == ReviewCase.activity_id)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(_readable(actor), ReviewCase.state == state.value)
        .order_by(*order)
        .limit(200)
    )  # fmt: skip
    return [QueueRow(**row._mapping) for row in rows]


def count_waiting(session: Session, actor: Actor) -> int:
    """How many cases wait for this person."""
    statement = (
        select(func.count())
        .select_from(ReviewCase)
        .join(Activity, Activity.id == ReviewCase.activity_id)
        .where(_readable(actor), ReviewCase.state == CaseState.UNDER_REVIEW.value)
    )
    return session.scalar(statement) or 0


def count_open_by_office(session: Session) -> dict[int, int]:
    """How many cases wait at each reading office, by its id; offices without one are left out."""
    statement = (
        select(ReviewCase.reader_unit_id, func.count())
        .where(ReviewCase.state == CaseState.UNDER_REVIEW.value)
        .group_by(ReviewCase.reader_unit_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def find_case(session: Session, code: str, actor: Actor) -> tuple[ReviewCase, Activity]:
    """A case this person may read, with its activity. Raises NotFound for an absent and a foreign one alike."""
    found = session.execute(
        select(ReviewCase, Activity)
        .join(Activity, Activity.id == ReviewCase.activity_id)
        .where(ReviewCase.code == code, _readable(actor))
    ).first()
    if found is None:
        raise NotFound("没有找到这一件，或者它由别的单位审核。")
    return found.ReviewCase, found.Activity


def get_case(session: Session, code: str, actor: Actor) -> ReviewCase:
    """The case alone. Raises NotFound as above."""
    return find_case(session, code, actor)[0]


def current_case(session: Session, activity_id: int) -> ReviewCase | None:
    """The newest submission of an activity."""
    return session.scalar(
        select(ReviewCase).where(ReviewCase.activity_id == activity_id).order_by(ReviewCase.id.desc()).limit(1)
    )


def current_cases(session: Session, activity_ids: Sequence[int]) -> dict[int, tuple[ReviewCase, str]]:
    """The newest submission of each activity with the reading office's name, for lists; one statement."""
    newest = (
        select(func.max(ReviewCase.id)).where(ReviewCase.activity_id.in_(activity_ids)).group_by(ReviewCase.activity_id)
    )
    rows = session.execute(
        select(ReviewCase, Unit.name).join(Unit, Unit.id == ReviewCase.reader_unit_id).where(ReviewCase.id.in_(newest))
    )
    return {case.activity_id: (case, reader) for case, reader in rows}


def current_fact(session: Session, activity_id: int) -> ActivityFact | None:
    """The fact that counts now."""
    return session.scalar(
        select(ActivityFact).where(ActivityFact.activity_id == activity_id, ActivityFact.withdrawn_at.is_(None))
    )


def changes_read(session: Session, activity: Activity) -> list[ChangeRow]:
    """Newest first, as the reviewer reads them; the reason stands in the log alone, under the same moment."""
    entry = and_(
        AuditEntry.object_type == "activity", AuditEntry.object_code == activity.code,
        AuditEntry.action == "activity.changed", AuditEntry.at == ActivityChange.at,
    )  # fmt: skip
    rows = session.execute(
        select(ActivityChange.before, ActivityChange.after, ActivityChange.at, AuditDetail.value.label("reason"))
        .outerjoin(AuditEntry, entry)
        .outerjoin(AuditDetail, and_(AuditDetail.seq == AuditEntry.seq, AuditDetail.name == "reason"))
        .where(ActivityChange.activity_id == activity.id)
        .order_by(ActivityChange.id.desc())
        .limit(20)
    )
    return [ChangeRow(row.before, row.after, row.at, row.reason or "") for row in rows]


def history(session: Session, activity_id: int) -> list[HistoryRow]:
    """Newest first."""
    acting = aliased(Unit)
    rows = session.execute(
        select(ReviewEvent.kind, ReviewEvent.at, acting.name.label("unit"), ReviewEvent.reason, ReviewEvent.seal)
        .outerjoin(acting, acting.id == ReviewEvent.unit_id)
        .where(ReviewEvent.activity_id == activity_id)
        .order_by(ReviewEvent.id.desc())
    )
    return [HistoryRow(row.kind, row.at, row.unit or "", row.reason, row.seal) for row in rows]
