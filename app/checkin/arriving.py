"""One arrival, decided and kept: the same statements for every door, in a session or on the driver's connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.activities.models import Attendance
from app.activities.rules import window
from app.checkin.models import EventKind, Method, Outcome
from app.checkin.rules import GRADE_BY_METHOD, Decision, Facts, decide_check_in, first_words, most_of
from app.checkin.statements import (
    ADD_PART,
    FIRST_ANSWER,
    FIRST_AT,
    KEEP_EVENT,
    PROJECT,
    TAKE_BACK,
    WALK_IN,
    WALK_IN_BEFORE,
    WALK_IN_NAME,
    Found,
    Lane,
    find,
    read_time,
)
from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.kernel.tokens import digest
from app.registration.models import RegistrationKind

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


Move = Callable[[Found], Decision | None]


def arrive(lane: Lane, arrival: Arrival, *, now: datetime, move: Move | None = None) -> Result:
    """Every scan is kept, also a refused one; a registration counts once a session, whatever the door.

    At most five statements. `move` changes the chosen session first and may refuse. The caller commits; the answer
    leaves after the commit. Raises NotFound for an unknown session only, before anything is written.
    """
    row = find_place(lane, arrival)
    if row.known_id is not None:
        return first_answer(lane, arrival.uid, row)
    facts, headcount = _facts(row, arrival, arrival.occurred_at or now)
    decision = decide_check_in(facts)
    if decision.accepted and move is not None and row.registration_id is not None:
        decision = move(row) or decision
    if decision.accepted and facts.is_party:
        return _part(lane, row, arrival, decision, headcount, now)
    registration_id, first_at, inserted = row.registration_id, facts.first_at, False
    if decision.accepted:
        if arrival.is_walk_in:
            registration_id = _walk_in_registration(lane, row, arrival, now)
        assert registration_id is not None
        inserted = _project(lane, row, arrival, registration_id, headcount, now)
        if not inserted:  # another client was faster between the look-up and here
            decision = Decision(Outcome.DUPLICATE.value, first_words(Outcome.DUPLICATE.value))
        first_at = (arrival.occurred_at or now) if inserted else _first_at(lane, row.id, registration_id)
    if not _keep_event(lane, row, arrival, registration_id, decision, headcount, now):
        if inserted:  # a faster twin of the same uid got another answer: what this one projected goes again
            lane.first(TAKE_BACK, {"session_id": row.id, "registration_id": registration_id})
        return first_answer(lane, arrival.uid, row)
    counted = headcount if decision.accepted else row.here or headcount
    name = arrival.name if arrival.is_walk_in else row.name or ""
    return Result(
        decision.outcome, decision.message, first_at, counted, registration_id, arrival.uid, _place(row), name
    )  # fmt: skip


def _part(lane: Lane, row: Found, arrival: Arrival, decision: Decision, headcount: int, now: datetime) -> Result:
    """One bus of a class: the event decides whether it is new, its people add to those here already."""
    assert row.registration_id is not None
    if not _keep_event(lane, row, arrival, row.registration_id, decision, headcount, now):
        return first_answer(lane, arrival.uid, row)
    lane.writes(ADD_PART, _projected(row, arrival, row.registration_id, headcount, now))
    return Result(
        decision.outcome, decision.message, row.first_at or arrival.occurred_at or now, headcount,
        row.registration_id, arrival.uid, _place(row), row.name or "", (row.here or 0) + headcount,
    )  # fmt: skip


def find_place(lane: Lane, arrival: Arrival) -> Found:
    """The session with all that the decision looks at. Raises NotFound."""
    row = find(
        lane, session=arrival.session_code or arrival.session_id, uid=arrival.uid,
        ticket=digest(arrival.secret) if arrival.secret else arrival.registration_id,
    )  # fmt: skip
    if row is None:
        raise NotFound("没有找到这一场。请重新扫大屏上的码，或到签到台。")
    return row


def first_answer(lane: Lane, uid: str, row: Found) -> Result:
    """The same uid again: what it was answered the first time; nothing new counts."""
    outcome, headcount, registration_id, stored = lane.first(FIRST_ANSWER, {"uid": uid})
    first = read_time(stored)
    words = first_words(outcome)
    if outcome == Outcome.ACCEPTED.value and first is None:
        outcome, words = Outcome.UNDONE.value, "这次签到已经撤销。要再签，请重新扫码，或到签到台。"
    return Result(outcome, words, first, headcount, registration_id, uid, _place(row))


def _place(row: Found) -> Place:
    return Place(row.code, row.label, row.starts_at, row.ends_at, row.activity_code, row.title)


def _facts(row: Found, arrival: Arrival, at: datetime) -> tuple[Facts, int]:
    opens_at, closes_at = window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=row.opens_before_min,
        closes_after_min=row.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )  # fmt: skip
    registered = (row.adults or 0) + (row.children or 0)
    headcount = arrival.adults + arrival.children or registered
    chooses = row.attendance == Attendance.CHOOSE_ONE.value
    kind = RegistrationKind.WALK_IN.value if arrival.is_walk_in else row.registration_kind or ""
    facts = Facts(
        method=arrival.method.value, now=at, opens_at=opens_at, closes_at=closes_at, activity_state=row.state,
        review_state=row.review_state, has_registration=row.registration_id is not None,
        same_activity=row.registered_activity == row.activity_id,
        same_session=not chooses or row.registered_session in (None, row.id) or arrival.mover is not None,
        registration_state=row.registration_state or "", is_walk_in=arrival.is_walk_in, headcount=headcount,
        first_at=row.first_at, takes_walk_in=row.takes_walk_in, most=most_of(kind, registered),
        is_party=kind == RegistrationKind.PARTY.value,
    )  # fmt: skip
    return facts, headcount


def _walk_in_registration(lane: Lane, row: Found, arrival: Arrival, now: datetime) -> int:
    """The registration of a walk-in, made once for the event's uid; only an accepted one gets here."""
    values = {
        "code": hashlib.sha256(arrival.uid.encode()).hexdigest()[:12], "activity_id": row.activity_id,
        "session_id": row.id, "adults": arrival.adults, "children": arrival.children, "submission": arrival.uid[:32],
        "browser_index": arrival.browser_index, "created_at": now, "is_minor": False,
    }  # fmt: skip
    made = lane.first(WALK_IN, values)
    if made is None:
        before = lane.first(WALK_IN_BEFORE, {"activity_id": row.activity_id, "submission": arrival.uid[:32]})
        return int(before[0])
    if arrival.name:
        lane.first(WALK_IN_NAME, {"registration_id": made[0], "name": arrival.name[:NAME_MOST]})
    return int(made[0])


def _project(
    lane: Lane, row: Found, arrival: Arrival, registration_id: int, headcount: int, now: datetime
) -> bool:  # fmt: skip
    return lane.writes(PROJECT, _projected(row, arrival, registration_id, headcount, now))


def _projected(row: Found, arrival: Arrival, registration_id: int, headcount: int, now: datetime) -> dict[str, Any]:
    grade, at = GRADE_BY_METHOD[arrival.method.value], arrival.occurred_at or now
    return {
        "activity_id": row.activity_id, "session_id": row.id, "registration_id": registration_id,
        "grade_a": 0, "grade_b": 0, "grade_c": 0, "grade_d": 0, f"grade_{grade.lower()}": headcount,
        "method": arrival.method.value, "first_at": at, "last_at": at,
    }  # fmt: skip


def _keep_event(
    lane: Lane, row: Found, arrival: Arrival, registration_id: int | None, decision: Decision, headcount: int,
    now: datetime,
) -> bool:  # fmt: skip
    accepted = decision.accepted
    values = {
        "uid": arrival.uid, "kind": (EventKind.ARRIVAL if accepted else EventKind.REFUSAL).value,
        "outcome": decision.outcome, "activity_id": row.activity_id, "session_id": row.id,
        "registration_id": registration_id, "refers_to": None, "headcount": min(COUNT_MOST, max(0, headcount)),
        "grade": GRADE_BY_METHOD[arrival.method.value] if accepted else None, "method": arrival.method.value,
        "actor_id": arrival.actor_id, "occurred_at": arrival.occurred_at or now, "recorded_at": now, "reason": "",
        "device_id": arrival.device_id,
    }  # fmt: skip
    return lane.writes(KEEP_EVENT, values)


def _first_at(lane: Lane, session_id: int, registration_id: int) -> datetime | None:
    row = lane.first(FIRST_AT, {"session_id": session_id, "registration_id": registration_id})
    return read_time(row[0]) if row else None
