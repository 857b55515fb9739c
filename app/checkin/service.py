"""check_in(): the one function of all doors, and the count that is entered afterwards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, Attendance
from app.activities.rules import window
from app.audit.log import record
from app.checkin.corrections import check_open
from app.checkin.models import CheckIn, CheckInEvent, EventKind, Method, Outcome
from app.checkin.moves import move_here
from app.checkin.rules import GRADE_BY_METHOD, Decision, Facts, decide_check_in, first_words, most_of
from app.checkin.statements import add_part, insert_ignore, insert_new, look_up
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.tokens import digest, random_secret
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState
from app.registration.service import add_counted

COUNT_MOST = 100_000
NAME_MOST = 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a door saw. `uid` is made where it happened (a grant's nonce, a form's id): a retry is the same.

    The session is named by id or by code, the registration by id or by its ticket's secret; a walk-in has
    neither. `adults` and `children` of 0 mean as many as registered. `mover` allows to change the chosen
    session on the way in, and says who did it. `occurred_at` is when a paired phone scanned, by its corrected
    clock: that moment is judged and counts; `device_id` is the phone.
    """

    uid: str
    session_id: int | None
    method: Method
    registration_id: int | None = None
    adults: int = 0
    children: int = 0
    name: str = ""
    browser_index: str | None = None
    actor_id: int | None = None
    is_walk_in: bool = False
    session_code: str = ""
    secret: str = ""
    mover: Actor | None = None
    occurred_at: datetime | None = None
    device_id: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the arrival happened, for the answer; times are aware."""

    session_code: str
    label: str
    starts_at: datetime
    ends_at: datetime
    activity_code: str
    title: str


@dataclass(frozen=True, slots=True)
class Result:
    """The stored outcome. `first_at` is when this registration first checked in to this session."""

    outcome: str
    message: str
    first_at: datetime | None
    headcount: int
    registration_id: int | None
    event_uid: str
    place: Place
    name: str = ""
    here: int = 0  # of a party: all its people here by now

    @property
    def is_in(self) -> bool:
        """Whether the person is checked in now, by this scan or an earlier one."""
        return self.outcome in (Outcome.ACCEPTED.value, Outcome.DUPLICATE.value)

    @property
    def is_new(self) -> bool:
        """Whether this very scan counted."""
        return self.outcome == Outcome.ACCEPTED.value


def check_in(session: Session, arrival: Arrival, *, now: datetime) -> Result:
    """Every scan is kept, also a refused one; a registration counts once a session, whatever the door.

    At most six statements. The caller commits; the answer leaves after the commit. Raises NotFound for an
    unknown session only.
    """
    row = _find(session, arrival)
    if row.known_id is not None:
        return _first_answer(session, arrival.uid, row)
    facts, headcount = _facts(row, arrival, now)
    decision = decide_check_in(facts)
    registration_id: int | None = row.registration_id
    if decision.accepted and arrival.mover is not None and registration_id is not None:
        decision = move_here(session, row, actor=arrival.mover, now=now) or decision
    if decision.accepted and facts.is_party:
        return _part(session, row, arrival, decision, headcount, now)
    first_at, inserted = facts.first_at, False
    if decision.accepted:
        if arrival.is_walk_in:
            registration_id = _walk_in_registration(session, row, arrival, now)
        assert registration_id is not None
        inserted = _project(session, row, arrival, registration_id, headcount, now)
        if not inserted:  # another client was faster between the look-up and here
            decision = Decision(Outcome.DUPLICATE.value, first_words(Outcome.DUPLICATE.value))
        first_at = (arrival.occurred_at or now) if inserted else _first_at(session, row.id, registration_id)
    if not _keep_event(session, row, arrival, registration_id, decision, headcount, now):
        if inserted:
            _take_back(session, row.id, registration_id)
        return _first_answer(session, arrival.uid, row)
    counted = headcount if decision.accepted else _counted(row) or headcount
    name = arrival.name if arrival.is_walk_in else row.name or ""
    return Result(
        decision.outcome, decision.message, first_at, counted, registration_id, arrival.uid, _place(row), name
    )  # fmt: skip


def _part(session: Session, row: Any, arrival: Arrival, decision: Decision, headcount: int, now: datetime) -> Result:
    """One bus of a class: the event decides whether it is new, its people add to those here already."""
    if not _keep_event(session, row, arrival, row.registration_id, decision, headcount, now):
        return _first_answer(session, arrival.uid, row)
    add_part(session, _projected(row, arrival, row.registration_id, headcount, now))
    return Result(
        decision.outcome, decision.message, row.first_at or arrival.occurred_at or now, headcount, row.registration_id, arrival.uid,
        _place(row), row.name or "", _counted(row) + headcount,
    )  # fmt: skip


def _find(session: Session, arrival: Arrival) -> Any:
    by = "code" if arrival.session_code else "id"
    who, ticket = "nobody", dict[str, Any]()
    if arrival.secret:
        who, ticket = "secret", {"ticket": digest(arrival.secret)}
    elif arrival.registration_id is not None:
        who, ticket = "id", {"ticket": arrival.registration_id}
    values: dict[str, Any] = {"session": arrival.session_code or arrival.session_id, "uid": arrival.uid, **ticket}
    session.flush()  # the prepared look-up goes past autoflush: what this transaction changed must be seen
    row = session.connection().execute(look_up(by=by, who=who), values).first()
    if row is None:
        raise NotFound("没有找到这一场。请重新扫大屏上的码，或到签到台。")
    return row


def _place(row: Any) -> Place:
    return Place(row.code, row.label, row.starts_at, row.ends_at, row.activity_code, row.title)


def _counted(row: Any) -> int:
    return (row.grade_a or 0) + (row.grade_b or 0) + (row.grade_c or 0) + (row.grade_d or 0)


def _facts(row: Any, arrival: Arrival, now: datetime) -> tuple[Facts, int]:
    opens_at, closes_at = window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.opens_before_min,
        closes_after_min=row.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )  # fmt: skip
    registered = (row.adults or 0) + (row.children or 0)
    headcount = arrival.adults + arrival.children or registered
    chooses = row.attendance == Attendance.CHOOSE_ONE.value
    kind = RegistrationKind.WALK_IN.value if arrival.is_walk_in else row.registration_kind or ""
    facts = Facts(
        method=arrival.method.value, now=arrival.occurred_at or now, opens_at=opens_at, closes_at=closes_at, activity_state=row.state,
        review_state=row.review_state, has_registration=row.registration_id is not None,
        same_activity=row.registered_activity == row.activity_id,
        same_session=not chooses or row.registered_session in (None, row.id) or arrival.mover is not None,
        registration_state=row.registration_state or "", is_walk_in=arrival.is_walk_in, headcount=headcount,
        first_at=row.first_at, takes_walk_in=row.takes_walk_in, most=most_of(kind, registered),
        is_party=kind == RegistrationKind.PARTY.value,
    )  # fmt: skip
    return facts, headcount


def _walk_in_registration(session: Session, row: Any, arrival: Arrival, now: datetime) -> int:
    """The registration of a walk-in, made once for the event's uid; only an accepted one gets here."""
    submission = arrival.uid[:32]
    values = {
        "code": hashlib.sha256(arrival.uid.encode()).hexdigest()[:12], "activity_id": row.activity_id,
        "session_id": row.id, "kind": RegistrationKind.WALK_IN.value, "state": RegistrationState.CONFIRMED.value,
        "adults": arrival.adults, "children": arrival.children, "submission": submission,
        "browser_index": arrival.browser_index, "consent_version": "", "created_at": now,
    }  # fmt: skip
    found = insert_new(session, Registration, values, on=("activity_id", "submission"))
    if found is None:
        return session.execute(
            select(Registration.id).where(
                Registration.activity_id == row.activity_id, Registration.submission == submission
            )
        ).scalar_one()
    if arrival.name:
        detail = {"registration_id": found, "name": arrival.name[:NAME_MOST]}
        insert_ignore(session, PersonalDetail, detail, on=("registration_id",))
    return found


def _project(session: Session, row: Any, arrival: Arrival, registration_id: int, headcount: int, now: datetime) -> bool:
    values = _projected(row, arrival, registration_id, headcount, now)
    return insert_ignore(session, CheckIn, values, on=("session_id", "registration_id"))


def _projected(row: Any, arrival: Arrival, registration_id: int, headcount: int, now: datetime) -> dict[str, Any]:
    grade, at = GRADE_BY_METHOD[arrival.method.value], arrival.occurred_at or now
    return {
        "activity_id": row.activity_id, "session_id": row.id, "registration_id": registration_id,
        "grade_a": 0, "grade_b": 0, "grade_c": 0, "grade_d": 0, f"grade_{grade.lower()}": headcount,
        "method": arrival.method.value, "first_at": at, "last_at": at,
    }  # fmt: skip


def _keep_event(
    session: Session,
    row: Any,
    arrival: Arrival,
    registration_id: int | None,
    decision: Decision,
    headcount: int,
    now: datetime,
) -> bool:
    accepted = decision.accepted
    values = {
        "uid": arrival.uid, "kind": (EventKind.ARRIVAL if accepted else EventKind.REFUSAL).value,
        "outcome": decision.outcome, "activity_id": row.activity_id, "session_id": row.id,
        "registration_id": registration_id, "headcount": min(COUNT_MOST, max(0, headcount)),
        "grade": GRADE_BY_METHOD[arrival.method.value] if accepted else None, "method": arrival.method.value,
        "actor_id": arrival.actor_id, "occurred_at": arrival.occurred_at or now, "recorded_at": now, "reason": "",
        "device_id": arrival.device_id,
    }  # fmt: skip
    return insert_ignore(session, CheckInEvent, values, on=("uid",))


def _first_at(session: Session, session_id: int, registration_id: int) -> datetime | None:
    return session.scalar(
        select(CheckIn.first_at).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id)
    )


def _take_back(session: Session, session_id: int, registration_id: int | None) -> None:
    """The same uid was stored by a faster twin with another answer: what this one projected goes again."""
    session.execute(delete(CheckIn).where(CheckIn.session_id == session_id, CheckIn.registration_id == registration_id))


def _first_answer(session: Session, uid: str, row: Any) -> Result:
    """The same uid again: what it was answered the first time; nothing new counts."""
    event = session.execute(select(CheckInEvent).where(CheckInEvent.uid == uid)).scalar_one()
    first = _first_at(session, event.session_id, event.registration_id) if event.registration_id else None
    if event.outcome == Outcome.ACCEPTED.value and first is None:  # undone since
        return Result(
            Outcome.UNDONE.value, "这次签到已经撤销。要再签，请重新扫码，或到签到台。", None, event.headcount,
            event.registration_id, uid, _place(row),
        )  # fmt: skip
    return Result(
        event.outcome, first_words(event.outcome), first, event.headcount, event.registration_id, uid, _place(row)
    )


def find_answer(session: Session, uid: str, *, session_code: str) -> Result | None:
    """What this uid was answered before, or None: for a retry that arrives after its grant has expired."""
    row = _find(session, Arrival(uid, None, Method.LIVE_CODE, session_code=session_code))
    return _first_answer(session, uid, row) if row.known_id is not None else None


def keep_refusal(session: Session, *, activity_id: int, session_id: int, method: Method, now: datetime) -> None:
    """A code or tail that names nobody: that somebody tried is kept, what was typed is not."""
    session.add(
        CheckInEvent(
            uid=random_secret(), kind=EventKind.REFUSAL.value, outcome=Outcome.UNKNOWN.value, activity_id=activity_id,
            session_id=session_id, headcount=0, method=method.value, occurred_at=now, recorded_at=now,
        )
    )  # fmt: skip


def enter_count(
    session: Session, activity_session: ActivitySession, *, adults: int, children: int, method: Method, actor: Actor,
    now: datetime, unit_id: int | None = None, uid: str = "",
) -> Result:  # fmt: skip
    """A count by staff afterwards, or from a paper sheet: grade 清点/补录, never a name.

    Raises RuleBroken for a number that cannot be, Conflict before the start and once sealed.
    """
    activity = session.get_one(Activity, activity_session.activity_id)
    _check_count(activity, activity_session, adults, children, now)
    uid = uid or random_secret()
    arrival = Arrival(uid, activity_session.id, method, adults=adults, children=children, actor_id=actor.user_id)
    row = _find(session, arrival)
    if row.known_id is not None:
        return _first_answer(session, uid, row)
    made = add_counted(
        session, activity, session_id=activity_session.id, adults=adults, children=children, unit_id=unit_id, now=now
    )
    result = check_in(
        session,
        Arrival(uid, activity_session.id, method, made.id, adults, children, actor_id=actor.user_id),
        now=now,
    )
    if not result.is_new:
        raise Conflict("not_counted", result.message)
    record(
        session, "checkin.counted", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"headcount": adults + children, "session": activity_session.code},
    )  # fmt: skip
    return result


def _check_count(activity: Activity, row: ActivitySession, adults: int, children: int, now: datetime) -> None:
    if adults < 0 or children < 0 or not 1 <= adults + children <= COUNT_MOST:
        raise RuleBroken(Problem("headcount", f"人数请填1到{COUNT_MOST}的整数。", field="headcount"))
    check_open(activity)
    if row.starts_at > now:
        raise Conflict("not_begun", "这一场还没开始，不能补录人数。")
