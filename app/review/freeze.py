"""Freezing an ActivityFact: the counts of one approved activity, sealed over events and photos."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityUnit, UnitPart
from app.checkin.models import CheckIn, CheckInEvent
from app.checkin.sealing import COLUMNS, FORM, Event, digest_of
from app.evidence.links import same_link
from app.evidence.models import EvidenceItem, EvidenceKind, EvidenceState
from app.kernel.clock import business_day
from app.registration.models import Registration
from app.review.models import ActivityFact, FactMark, FactTask, FactUnit, MarkKind, ReviewCase

PHOTO_SLOT = "photos"  # a sign-in sheet is a picture too, and no photo of what was done


@dataclass(slots=True)
class Counts:
    """人次 by grade; adults and children apart."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    adults: int = 0
    children: int = 0

    @property
    def total(self) -> int:
        return self.a + self.b + self.c + self.d


def count_activity(session: Session, activity_id: int) -> Counts:
    """Each registration contributes its fullest session, graded by its events (domain.md, Check-in)."""
    rows = session.execute(
        select(CheckIn, Registration.adults, Registration.children)
        .join(Registration, Registration.id == CheckIn.registration_id)
        .where(CheckIn.activity_id == activity_id)
        .order_by(CheckIn.id)
    ).all()
    fullest: dict[int, tuple[CheckIn, int]] = {}
    for row in rows:
        check_in: CheckIn = row.CheckIn
        held = fullest.get(check_in.registration_id)
        if held is None or check_in.headcount > held[0].headcount:
            fullest[check_in.registration_id] = (check_in, row.children)
    counts = Counts()
    for check_in, children in fullest.values():
        counts.a += check_in.grade_a
        counts.b += check_in.grade_b
        counts.c += check_in.grade_c
        counts.d += check_in.grade_d
        young = min(children, check_in.headcount)
        counts.children += young
        counts.adults += check_in.headcount - young
    return counts


def involved_units(session: Session, activity: Activity) -> set[int]:
    """Host and co-hosts: those who may not review it."""
    co_hosts = session.scalars(
        select(ActivityUnit.unit_id).where(
            ActivityUnit.activity_id == activity.id, ActivityUnit.part == UnitPart.CO_HOST.value
        )
    )
    return {activity.host_unit_id, *co_hosts}


def seal_of(session: Session, activity: Activity, counts: Counts) -> str:
    """The seal over every event and every current photo of an activity, with its counts."""
    events = session.execute(
        select(*(getattr(CheckInEvent, name) for name in COLUMNS[FORM]))
        .where(CheckInEvent.activity_id == activity.id)
        .order_by(CheckInEvent.id)
    ).mappings()
    photos = session.scalars(
        select(EvidenceItem.stored_sha256)
        .where(
            EvidenceItem.activity_id == activity.id,
            EvidenceItem.state == EvidenceState.CURRENT.value,
            EvidenceItem.stored_sha256.is_not(None),
        )
        .order_by(EvidenceItem.stored_sha256)
    )
    return seal_over(activity.code, counts, events, [photo for photo in photos if photo])


def seal_over(activity_code: str, counts: Counts, events: Iterable[Event], photos: list[str]) -> str:
    """SHA-256, in hex. The events come in the order in which they were kept."""
    body = {
        "activity": activity_code,
        "counts": [counts.a, counts.b, counts.c, counts.d],
        "events": digest_of(events)[1],
        "photos": photos,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def freeze(session: Session, activity: Activity, case: ReviewCase, *, now: datetime) -> ActivityFact:
    """Write the next version of the activity's fact. `counted_on` is the last session's Shanghai date."""
    counts = count_activity(session, activity.id)
    assert activity.ends_at is not None
    counted_on = business_day(activity.ends_at)
    version = session.scalar(
        select(func.coalesce(func.max(ActivityFact.version), 0) + 1).where(ActivityFact.activity_id == activity.id)
    )
    photos = session.scalar(
        select(func.count()).where(
            EvidenceItem.activity_id == activity.id,
            EvidenceItem.slot == PHOTO_SLOT,
            EvidenceItem.kind == EvidenceKind.PHOTO.value,
            EvidenceItem.state == EvidenceState.CURRENT.value,
        )
    )
    fact = ActivityFact(
        activity_id=activity.id, version=version, case_id=case.id, counted_on=counted_on,
        year=counted_on.year, month=counted_on.month, kind=activity.kind, origin=activity.origin,
        host_unit_id=activity.host_unit_id, primary_task_id=activity.primary_task_id,
        programme_id=activity.programme_id, heritage_item_id=activity.heritage_item_id,
        sessions=len(activity.sessions), grade_a=counts.a, grade_b=counts.b, grade_c=counts.c,
        grade_d=counts.d, adults=counts.adults, children=counts.children, classes=activity.classes,
        pairs=activity.pairs, reach=activity.reach, photos=photos or 0,
        seal=seal_of(session, activity, counts), approved_at=now,
    )  # fmt: skip
    session.add(fact)
    session.flush()
    _freeze_units(session, activity, fact)
    _freeze_marks(session, activity, fact)
    for task in activity.related_tasks:
        if task.task_id != activity.primary_task_id:
            session.add(FactTask(fact_id=fact.id, task_id=task.task_id))
    session.flush()
    return fact


def _freeze_units(session: Session, activity: Activity, fact: ActivityFact) -> None:
    """Reached is who hosted, was the venue, or was counted there; the others were 受邀."""
    reached = {(activity.host_unit_id, "host")}
    if activity.venue_unit_id is not None:
        reached.add((activity.venue_unit_id, UnitPart.VENUE.value))
    for unit in activity.units:
        if unit.part in (UnitPart.CO_HOST.value, UnitPart.VENUE.value):
            reached.add((unit.unit_id, unit.part))
    counted = session.scalars(
        select(Registration.unit_id)
        .join(CheckIn, CheckIn.registration_id == Registration.id)
        .where(CheckIn.activity_id == activity.id, Registration.unit_id.is_not(None))
        .distinct()
    )
    reached.update((unit_id, "counted") for unit_id in counted if unit_id is not None)
    session.add_all(FactUnit(fact_id=fact.id, unit_id=unit_id, part=part) for unit_id, part in sorted(reached))


def _freeze_marks(session: Session, activity: Activity, fact: ActivityFact) -> None:
    marks: set[tuple[str, str]] = set()
    for name in ("partner_school", "partner_region"):
        value = str(activity.details.get(name) or "").strip()
        if value:
            marks.add((MarkKind.PARTNER.value, value[:300]))
    links = session.scalars(
        select(EvidenceItem.link).where(
            EvidenceItem.activity_id == activity.id,
            EvidenceItem.kind == EvidenceKind.LINK.value,
            EvidenceItem.state == EvidenceState.CURRENT.value,
        )
    )
    typed = [*links, *(str(link) for link in activity.details.get("media_links") or [])]
    marks.update((MarkKind.MEDIA_LINK.value, link) for link in map(same_link, typed) if link)
    marks.update((MarkKind.TAG.value, str(tag)) for tag in activity.details.get("tags") or [] if tag)
    session.add_all(FactMark(fact_id=fact.id, mark=mark, value=value) for mark, value in sorted(marks))
