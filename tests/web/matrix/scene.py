"""The objects that addresses name: one set at a unit, with everything that hangs on an activity, made afresh."""

from __future__ import annotations

import functools
import io
from datetime import date, datetime, timedelta

from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState, ProgrammeKind
from app.activities.programmes import create_programme
from app.checkin.clocks import Sent
from app.checkin.devices import pair_device
from app.checkin.models import CheckInEvent, HeldScan, Method
from app.checkin.offline import Scan, take_scan
from app.checkin.service import Arrival, check_in
from app.evidence.models import EvidenceItem
from app.evidence.photo_process import PhotoResult, photo_process
from app.evidence.service import add_photo
from app.evidence.storage import LocalStorage
from app.feedback.service import Message, receive
from app.kernel.actor import ANONYMOUS, Actor
from app.kernel.tokens import random_code, random_secret
from app.organisation.models import Unit
from app.organisation.queries import actor_of
from app.organisation.service import create_user
from app.progress.service import add_establishment, add_note
from app.registration.entering import Entry, PartyEntry, register, register_party
from app.registration.rules import ClassEntry
from app.registration.settings import add_question, hold_places
from app.review.models import ReviewCase
from tests.cast import Cast
from tests.factories import make_activity

NOBODY = "zzzzzzzzzzzz"


@functools.cache
def picture() -> PhotoResult:
    """A small photo, converted once."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(buffer, "JPEG")
    return photo_process.convert(buffer.getvalue())


def make_scene(session: Session, app: Flask, unit: Unit, cast: Cast, *, actor: Actor, now: datetime) -> dict[str, str]:
    """Codes by name: an activity of the unit whose sign-in is open, with a registration, a check-in and a photo;
    a case of another one; a programme, a note and an account."""
    activity = make_activity(
        session, host=unit, starts_at=now + timedelta(minutes=20), summary=random_code(), takes_parties=True
    )
    session_row = activity.sessions[0]
    made = register(
        session,
        activity,
        Entry(None, "李女士", 1, 0, "", True, random_secret(), ""),
        keys=app.extensions["keys"],
        now=now,
    )
    party = register_party(
        session, activity,
        PartyEntry(None, unit.id, (ClassEntry("三年级2班", 3, 1),), "张老师", "13800138000", True, random_secret(), ""),
        keys=app.extensions["keys"], now=now,
    )  # fmt: skip
    question = add_question(
        session, activity, sort="yes_no", wording="吃午饭吗", options=(), is_required=False, actor=actor, now=now
    )
    hold = hold_places(session, activity, None, 1, session_id=None, actor=actor, now=now)
    uid = random_secret()
    check_in(session, Arrival(uid, session_row.id, Method.TICKET_SCAN, made.registration.id), now=now)
    item = add_photo(
        session, activity, picture(), slot="photos", file_name="a.jpg",
        storage=LocalStorage(app.extensions["settings"].storage_root), actor=actor, now=now,
    )  # fmt: skip
    case = _case(session, unit, cast, actor=actor, now=now)
    programme = create_programme(
        session, kind=ProgrammeKind.SERIES, title="示例系列", intro="", starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31), host=unit, actor=actor, now=now,
    )  # fmt: skip
    note = add_note(
        session,
        unit,
        task=None,
        safeguard=None,
        text="示例进展。",
        noted_on=date(2026, 1, 5),
        stage="",
        actor=actor,
        now=now,
    )
    base = add_establishment(
        session, unit, kind="law_base", level="", stage="planned", name="示例基地", proof="", named_on=None, actor=actor,
        now=now,
    )  # fmt: skip
    shown = make_activity(
        session, host=unit, state=ActivityState.CLOSED, review_state="approved", photos_may_publish=True,
        starts_at=now - timedelta(days=9),
    )  # fmt: skip
    shown_item = EvidenceItem(
        activity_id=shown.id, slot="photos", kind="photo", stored_sha256=item.stored_sha256,
        thumb_sha256=item.thumb_sha256, uploaded_at=now,
    )  # fmt: skip
    session.add(shown_item)
    session.flush()
    told, _receipt = receive(
        session, Message("complaint", "排队太久。", "138 0013 8000", random_secret(), random_secret()), activity,
        keys=app.extensions["keys"], now=now,
    )  # fmt: skip
    phone, waiting = phone_and_held(session, app, activity, now=now)
    user = create_user(
        session, login=random_code(), name="示例", unit=unit, password="", roles=[], actor=actor, now=now
    )
    return {
        "activity": activity.code, "session": session_row.code, "registration": made.registration.code, "uid": uid,
        "item": item.code, "case": case.code, "programme": programme.code, "note": note.code, "user": user.code,
        "party": party.registration.code, "class_secret": party.secret, "question": question.code, "hold": hold.code,
        "secret": made.secret, "establishment": base.code, "office": cast.wenming.code, "feedback": told.code, "shown": shown.code,
        "shown_item": shown_item.code, "phone": phone, "held": waiting,
    }  # fmt: skip


def phone_and_held(session: Session, app: Flask, activity: Activity, *, now: datetime) -> tuple[str, str]:
    """Codes of a paired phone and of what it scanned and nobody knows."""
    row = activity.sessions[0]
    grant, _secret = pair_device(
        session, session_code=row.code, all_sessions=False, label="门口1", actor=ANONYMOUS, now=now
    )  # fmt: skip
    stamp = int(now.timestamp() * 1000)
    scan = Scan(
        uid=random_secret(), counter=1, session=row.code, kind="arrival", ticket="0" * 64, code=None, walk_in=False,
        people=None, refers_to=None, device_at=stamp, mono=1.0, life="a", by="camera",
    )  # fmt: skip
    take_scan(session, scan, sent=Sent(stamp, 1.0, "a"), grant=grant, keys=app.extensions["keys"], now=now)
    return grant.code, session.query(HeldScan).filter_by(uid=scan.uid).one().code


def _case(session: Session, unit: Unit, cast: Cast, *, actor: Actor, now: datetime) -> ReviewCase:
    """A submitted activity in the first reader's hands."""
    held = make_activity(session, host=unit, starts_at=now - timedelta(days=2))
    case = ReviewCase(
        activity_id=held.id,
        reader_unit_id=cast.wenming.id,
        submitted_at=now,
        submitted_by_id=actor.user_id,
        findings=[],
    )
    held.review_state = "under_review"
    session.add(case)
    session.flush()
    return case


def absent() -> dict[str, str]:
    """The same names for nothing that exists."""
    names = (
        "activity", "session", "registration", "item", "case", "programme", "note", "user", "establishment", "office",
        "party", "question", "hold", "feedback", "shown", "shown_item", "phone", "held",
    )  # fmt: skip
    return dict.fromkeys(names, NOBODY) | {"secret": "z" * 22, "class_secret": "z" * 22, "uid": "z" * 22}


def events_of(session: Session) -> int:
    return session.query(CheckInEvent).count()


def organizer_of(session: Session, cast: Cast, unit: Unit) -> Actor:
    """Whoever organizes at the unit."""
    return actor_of(session, cast.organizer if unit.id == cast.town.id else cast.other_organizer)
