"""Which rows are due, and what was removed so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import entry_body
from app.audit.models import AuditEntry
from app.evidence.models import EvidenceItem, EvidenceState
from app.organisation.models import SystemState, User
from app.privacy.retention import Rule, load_retention
from app.privacy.rules import Periods
from app.registration.models import GuardianConsent, PersonalDetail, Registration, RegistrationKind
from app.review.models import ActivityFact

_ASKED = (RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)


def periods() -> Periods:
    """The days of an activity's values, as retention.toml says them."""
    rule = load_retention().rules["activity"]
    return Periods(rule.after_approval_days, rule.after_end_days, rule.practice_days)


def due_activities(now: datetime) -> Select[Any]:
    """Ids of the activities whose values go; the same as `rules.due_at`, in SQL."""
    days = periods()
    approved = exists().where(
        ActivityFact.activity_id == Activity.id,
        ActivityFact.withdrawn_at.is_(None),
        ActivityFact.approved_at <= now - timedelta(days=days.after_approval),
    )
    old = now - timedelta(days=days.after_end)
    practised = and_(Activity.is_practice.is_(True), Activity.ends_at <= now - timedelta(days=days.practice))
    return select(Activity.id).where(or_(approved, Activity.ends_at <= old, Activity.cancelled_at <= old, practised))


def due_rows(table: Table, rule: Rule, now: datetime) -> ColumnElement[bool]:
    """Which rows of the table this rule reaches now."""
    if rule.kind == "activity":
        return _of_activities(table, due_activities(now))
    if rule.kind == "account":
        gone = select(User.id).where(User.disabled_at <= now - timedelta(days=rule.after_disabled_days))
        return (table.c.id if table.name == User.__tablename__ else table.c.user_id).in_(gone)
    if table.name == "audit_detail":  # its time stands in the chain
        old = now - timedelta(days=rule.after["at"])
        return table.c.seq.in_(select(AuditEntry.seq).where(AuditEntry.at <= old))
    return or_(*(table.c[column] <= now - timedelta(days=days) for column, days in rule.after.items()))


def _of_activities(table: Table, activities: Select[Any]) -> ColumnElement[bool]:
    if "activity_id" in table.c:
        return table.c.activity_id.in_(activities)
    if table.name == "audit_detail":
        codes = select(Registration.code).where(Registration.activity_id.in_(activities))
        return table.c.seq.in_(_entries_of(codes))
    return table.c.registration_id.in_(select(Registration.id).where(Registration.activity_id.in_(activities)))


def _entries_of(codes: Any) -> Select[Any]:
    return select(AuditEntry.seq).where(AuditEntry.object_type == "registration", AuditEntry.object_code.in_(codes))


def of_registration(table: Table, registration: Registration) -> ColumnElement[bool]:
    """The rows of the table that belong to one registration."""
    if table.name == Registration.__tablename__:
        return table.c.id == registration.id
    if table.name == "audit_detail":
        return table.c.seq.in_(_entries_of([registration.code]))
    return table.c.registration_id == registration.id


def to_erase(now: datetime) -> ColumnElement[bool]:
    """Registrations of due activities that somebody made for himself and that still count as known."""
    return and_(
        Registration.activity_id.in_(due_activities(now)),
        Registration.erased_at.is_(None),
        or_(Registration.kind.in_(_ASKED), Registration.id.in_(select(PersonalDetail.registration_id))),
    )


def live_pictures(session: Session) -> set[str]:
    """Hashes of every file that a row still wants: of current evidence, and of consent papers."""
    kept = (EvidenceState.CURRENT.value, EvidenceState.SUPERSEDED.value)
    rows = session.execute(
        select(EvidenceItem.stored_sha256, EvidenceItem.thumb_sha256).where(
            EvidenceItem.expired_at.is_(None), EvidenceItem.state.in_(kept)
        )
    )
    found = {value for row in rows for value in row if value}
    papers = session.scalars(select(GuardianConsent.paper_sha256).where(GuardianConsent.paper_sha256.is_not(None)))
    return found | {paper for paper in papers if paper}


@dataclass(frozen=True, slots=True)
class Removed:
    """One purge as the log holds it."""

    at: datetime
    counts: dict[str, int]


def list_purges(session: Session, *, limit: int = 60) -> list[Removed]:
    """What was removed, newest first."""
    rows = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "privacy.purged").order_by(AuditEntry.seq.desc()).limit(limit)
    )
    return [Removed(row.at, {k: int(v) for k, v in entry_body(row)["payload"].items()}) for row in rows]


def count_known(session: Session) -> int:
    """Registrations whose values are still here."""
    return session.scalar(select(func.count()).select_from(PersonalDetail)) or 0


def marks(session: Session) -> dict[str, str]:
    """The marks of the night's work by name."""
    rows = session.execute(select(SystemState.name, SystemState.value))
    return {row.name: row.value for row in rows}
