"""A held activity with everything personal that the product knows: the canvas of purge, night and restore."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app.checkin.models import Method
from app.checkin.service import Arrival, check_in
from app.evidence.models import EvidenceItem
from app.evidence.storage import LocalStorage
from app.feedback.models import Feedback
from app.kernel.tokens import digest
from app.planning.models import Plan, Task, TaskGroup
from app.registration.entering import Entry, register
from app.registration.models import ConsentWay, GuardianConsent
from app.review.freeze import freeze
from app.review.models import ReviewCase
from tests.cast import make_cast
from tests.factories import NOW, make_activity

LATER = NOW + timedelta(days=90, hours=3)  # after approval
FILES = {"sheet": b"sheet \xff\xd8", "thumb": b"small \xff\xd8", "photo": b"photo \xff\xd8"}


@dataclass(frozen=True)
class Story:
    """Codes, and the secret of the first ticket."""

    activity: str
    registration: str
    waiting: str
    secret: str


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_task(session: Session) -> Task:
    """One task of a small plan."""
    plan = Plan(
        pack="probe", document_number="示例〔2026〕1号", title="示例方案", issued_on=date(2026, 1, 1),
        period_starts_on=date(2026, 1, 1), pack_digest="0" * 64, loaded_at=NOW,
    )  # fmt: skip
    session.add(plan)
    session.flush()
    group = TaskGroup(plan_id=plan.id, position=1, title="示例方面")
    session.add(group)
    session.flush()
    task = Task(plan_id=plan.id, group_id=group.id, number=1, title="示例任务", short_title="示例", text="示例。")
    session.add(task)
    session.flush()
    return task


def held(session: Session, app: Flask, *, name: str = "示例李女士", **columns: Any) -> Story:
    """An activity with one who came and one who waits, a sheet and a photo, a consent, a complaint; approved at NOW
    unless it is a practice."""
    keys = app.extensions["keys"]
    cast = make_cast(session)
    activity = make_activity(session, host=cast.town, capacity=1, primary_task_id=make_task(session).id, **columns)
    entry = Entry(None, name, 1, 0, "13800001234", True, "form-1", "browser-1")
    first = register(session, activity, entry, keys=keys, now=NOW)
    other = register(
        session, activity, Entry(None, "示例王先生", 1, 0, "13900004321", True, "form-2", "b2"), keys=keys, now=NOW
    )
    check_in(session, Arrival("uid-1", activity.sessions[0].id, Method.TICKET_SCAN, first.registration.id), now=NOW)
    _evidence(session, app, activity.id)
    session.add(
        GuardianConsent(
            registration_id=first.registration.id, way=ConsentWay.LINK.value, text_version="1", asked_at=NOW,
            given_at=NOW, given_as="父亲", secret_hash=digest("link"),
        )
    )  # fmt: skip
    session.add(
        Feedback(
            sort="complaint", receipt_hash=digest("receipt"), message="水太凉", created_at=NOW, due_on=NOW.date(),
            contact=keys.encrypt("13700000000", context="feedback"), answer="已换热水", answered_at=NOW,
        )
    )  # fmt: skip
    session.flush()
    if not activity.is_practice:
        case = ReviewCase(
            activity_id=activity.id, reader_unit_id=cast.wenming.id, submitted_at=NOW, findings=[],
            submitted_by_id=cast.organizer.id,
        )  # fmt: skip
        session.add(case)
        session.flush()
        freeze(session, activity, case, now=NOW)
        activity.state, activity.review_state = "closed", "approved"
    session.flush()
    return Story(activity.code, first.registration.code, other.registration.code, first.secret)


def _evidence(session: Session, app: Flask, activity_id: int) -> None:
    storage = LocalStorage(app.extensions["settings"].storage_root)
    for data in FILES.values():
        storage.put(sha(data), data)
    for slot, stored in (("sheet", "sheet"), ("photos", "photo")):
        session.add(
            EvidenceItem(
                activity_id=activity_id, slot=slot, kind="photo", uploaded_at=NOW, file_name=f"{slot}.jpg",
                stored_sha256=sha(FILES[stored]), thumb_sha256=sha(FILES["thumb"]) if slot == "sheet" else None,
                original_sha256=sha(FILES[stored] + b"0"),
            )
        )  # fmt: skip
