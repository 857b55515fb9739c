"""One arrival, decided and kept: the same statements for every door, in a session or on the driver's connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.activities.models import Attendance
from app.activities.rules import window
from app.checkin.models import EventKind, Method, Outcome
from app.checkin.rules import (
    ASKED,
    COUNTED_BEFORE,
    GRADE_BY_METHOD,
    CountAs,
    Decision,
    Facts,
    decide_check_in,
    first_words,
    most_of,
)
from app.checkin.statements import (
    ADD_PART,
    FIRST_ANSWER,
    FIRST_AT,
    FORGET_WALK_IN,
    KEEP_EVENT,
    PROJECT,
    TAKE_BACK,
    TAKE_PART_BACK,
    WALK_IN,
    WALK_IN_BEFORE,
    WALK_IN_NAME,
    Asked,
    Found,
    Lane,
    read_time,
)
from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.kernel.tokens import digest
from app.registration.models import RegistrationKind

COUNT_MOST = 100_000
NAME_MOST = 20
_AGAIN = Outcome.DUPLICATE.value
_IN = (Outcome.ACCEPTED.value, _AGAIN)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a door saw. `uid` is made where it happened (a grant's nonce, a form's id): a retry is the same.

    The session is named by id or by code, the registration by id or by its ticket's secret; a walk-in has
    neither. `adults` and `children` of 0 mean as many as registered; of a party, that nobody has counted it, and
    `count_as` is what its number says. `mover` allows to change the chosen
    session on the way in, and says who did it. `occurred_at` is when a paired phone scanned, by its corrected
    clock: that moment is judged and counts; `device_id` is the phone, `counter` its own count of the scan.
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
    counter: int | None = None
    count_as: CountAs = CountAs.PART


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
    is_party: bool = False

    @property
    def is_in(self) -> bool:
        """Whether the person is checked in now, by this scan or an earlier one."""
        return self.outcome in _IN

    @property
    def is_new(self) -> bool:
        """Whether this very scan counted."""
        return self.outcome == Outcome.ACCEPTED.value


Move = Callable[[Found], Decision | None]


class _Coming:
    """One arrival on its way through `arrive_together`."""

    __slots__ = (
        "answer", "arrival", "at", "decision", "first_at", "headcount", "is_added", "is_kept", "is_made", "is_party",
        "is_projected", "now", "registration_id", "row",
    )  # fmt: skip
    row: Found
    answer: Result | NotFound
    decision: Decision

    def __init__(self, arrival: Arrival, now: datetime) -> None:
        self.arrival, self.now = arrival, now
        self.at = arrival.occurred_at or now  # the moment that is judged and counts
        self.is_projected = self.is_added = self.is_made = self.is_kept = False

    @property
    def is_unique(self) -> bool:
        """Whether it may only count where nobody of this registration is here yet."""
        return not self.is_party or self.arrival.count_as is CountAs.FIRST

    @property
    def is_part(self) -> bool:
        """Whether it adds to whoever is here; a number for all of a party does not (service.check_in)."""
        return self.is_party and self.arrival.count_as is CountAs.PART

    def decide(self, move: Move | None) -> None:
        facts, self.headcount = _facts(self.row, self.arrival, self.at)
        self.registration_id, self.first_at, self.is_party = self.row.registration_id, facts.first_at, facts.is_party
        self.decision = decide_check_in(facts)
        if self.is_party:
            self.not_before(self.row.last_at)
        if self.decision.accepted and move is not None and self.registration_id is not None:
            self.decision = move(self.row) or self.decision
        if self.decision.accepted and self.is_party:
            self.first_at = self.first_at or self.at

    def not_before(self, last_at: datetime | None) -> None:
        """Of a party the order of what happened counts, and another server's clock may have been ahead.

        A phone's own moment stays: its check-in is computed anew from the events (settling.py).
        """
        if last_at is not None and self.arrival.occurred_at is None:
            self.at = max(self.at, last_at)

    def projection(self) -> dict[str, Any]:
        """The values of its check-in."""
        method = self.arrival.method.value
        return {
            "activity_id": self.row.activity_id, "session_id": self.row.id, "registration_id": self.registration_id,
            "grade_a": 0, "grade_b": 0, "grade_c": 0, "grade_d": 0,
            f"grade_{GRADE_BY_METHOD[method].lower()}": self.headcount, "method": method, "first_at": self.at,
            "last_at": self.at,
        }  # fmt: skip

    def event(self) -> dict[str, Any]:
        """The values of the event that is kept of it."""
        arrival, accepted = self.arrival, self.decision.accepted
        return {
            "uid": arrival.uid, "kind": self._kind().value,
            "outcome": self.decision.outcome, "activity_id": self.row.activity_id, "session_id": self.row.id,
            "registration_id": self.registration_id, "refers_to": None,
            "headcount": min(COUNT_MOST, max(0, self.headcount)),
            "grade": GRADE_BY_METHOD[arrival.method.value] if accepted else None, "method": arrival.method.value,
            "actor_id": arrival.actor_id, "occurred_at": self.at, "recorded_at": self.now, "reason": "",
            "device_id": arrival.device_id, "counter": arrival.counter,
        }  # fmt: skip

    def _kind(self) -> EventKind:
        if not self.decision.accepted:
            return EventKind.REFUSAL
        return EventKind.RESOLUTION if self.is_party and self.arrival.count_as is CountAs.WHOLE else EventKind.ARRIVAL

    def result(self) -> Result:
        """The answer once its event is kept."""
        accepted, here = self.decision.accepted, 0
        counted = self.headcount if accepted else self.row.here or self.headcount
        name = self.arrival.name if self.arrival.is_walk_in else self.row.name or ""
        if accepted and self.is_party:
            here = self.headcount + ((self.row.here or 0) if self.is_part else 0)
        return Result(
            self.decision.outcome, self.decision.message, self.first_at, counted, self.registration_id,
            self.arrival.uid, _place(self.row), name, here, self.is_party,
        )  # fmt: skip


def arrive(lane: Lane, arrival: Arrival, *, now: datetime, move: Move | None = None) -> Result:
    """Every scan is kept, also a refused one; a registration counts once a session, whatever the door.

    At most five statements. `move` changes the chosen session first and may refuse. The caller commits; the answer
    leaves after the commit. Raises NotFound for an unknown session only, before anything is written.
    """
    (answer,) = arrive_together(lane, [(arrival, now)], move=move)
    if isinstance(answer, NotFound):
        raise answer
    return answer


def arrive_together(
    lane: Lane, arrivals: Sequence[tuple[Arrival, datetime]], *, move: Move | None = None
) -> list[Result | NotFound]:  # fmt: skip
    """As `arrive`, for many at once in one transaction: the same statements, each for all of them."""
    everybody = [_Coming(arrival, now) for arrival, now in arrivals]
    waiting = everybody
    while waiting:
        wave, waiting = _look_up(lane, waiting)
        for each in wave:
            each.decide(move)
            if each.decision.accepted and each.arrival.is_walk_in:
                _make_registration(lane, each)
        _project(lane, [each for each in wave if each.decision.accepted and each.is_unique])
        _add_parts(lane, [each for each in wave if each.decision.accepted and each.is_part])
        gone = _hold_repeats(lane, wave)
        wave, waiting = [each for each in wave if each not in gone], [*gone, *waiting]
        _keep_events(lane, wave)
        for each in wave:
            each.answer = each.result() if each.is_kept else first_answer(lane, each.arrival.uid, each.row)
    return [each.answer for each in everybody]


def _look_up(lane: Lane, waiting: Sequence[_Coming]) -> tuple[list[_Coming], list[_Coming]]:
    """Who is decided now, and who waits: no two of one wave are the same scan or the same registration.

    Who is answered already is in neither.
    """
    wave, later, taken = list[_Coming](), list[_Coming](), set[object]()
    for each, row in zip(waiting, lane.find([_asked(each.arrival) for each in waiting]), strict=True):
        if row is None:
            each.answer = _no_place()
            continue
        keys = {each.arrival.uid, (row.id, row.registration_id) if row.registration_id else each.arrival.uid}
        if keys & taken:
            later.append(each)
            continue
        taken |= keys
        each.row = row
        if row.known_id is not None:
            each.answer = first_answer(lane, each.arrival.uid, row)
        else:
            wave.append(each)
    return wave, later


def _project(lane: Lane, counting: Sequence[_Coming]) -> None:
    """The unique key decides: another client may have been faster between the look-up and here."""
    ordered = _in_order(counting)
    for each, written in zip(ordered, lane.writes(PROJECT, [each.projection() for each in ordered]), strict=True):
        each.is_projected = written
        if not written:
            each.decision = _counted_meanwhile(each.is_party)
        each.first_at = each.at if written else _first_at(lane, each.row.id, each.registration_id)


def _add_parts(lane: Lane, buses: Sequence[_Coming]) -> None:
    """Before their events: who holds the row knows what stands there, also what another server has just written."""
    ordered = _in_order(buses)
    rows = [each.projection() for each in ordered]
    for each, last_at in zip(ordered, lane.touch(ADD_PART, rows, "last_at"), strict=True):
        each.is_added = True
        each.not_before(read_time(last_at))


def _hold_repeats(lane: Lane, wave: Sequence[_Coming]) -> list[_Coming]:
    """Who repeats what an undo has taken away meanwhile, and is looked up anew; of the others an undo sees the event.

    Without phones: they settle what they sent once its event is there (settling.py), and would wait for each other.
    """
    repeats = [e for e in wave if e.decision.outcome == _AGAIN and e.arrival.device_id is None]
    there = lane.hold([(each.row.id, each.registration_id) for each in repeats])
    return [each for each in repeats if (each.row.id, each.registration_id) not in there]


def _in_order(counting: Sequence[_Coming]) -> list[_Coming]:
    """One order in every process: two batches that hold the same tickets never wait for each other in a ring."""
    return sorted(counting, key=lambda each: (each.row.id, each.registration_id or 0))


def _counted_meanwhile(is_party: bool) -> Decision:
    return Decision(ASKED, COUNTED_BEFORE) if is_party else Decision(_AGAIN, first_words(_AGAIN))


def _keep_events(lane: Lane, wave: Sequence[_Coming]) -> None:
    ordered = sorted(wave, key=lambda each: each.arrival.uid)
    for each, kept in zip(ordered, lane.writes(KEEP_EVENT, [each.event() for each in ordered]), strict=True):
        each.is_kept = kept
        if not kept:
            _take_back(lane, each)


def _take_back(lane: Lane, each: _Coming) -> None:
    """A faster twin of the same uid got another answer: what this one wrote goes."""
    which = {"session_id": each.row.id, "registration_id": each.registration_id}
    if each.is_added:
        grades = {name: value for name, value in each.projection().items() if name.startswith("grade_")}
        for statement in TAKE_PART_BACK:
            lane.first(statement, which | grades)
    if each.is_projected:
        lane.first(TAKE_BACK, which)
    if each.is_made:
        for statement in FORGET_WALK_IN:
            lane.first(statement, {"registration_id": each.registration_id})


def _asked(arrival: Arrival) -> Asked:
    ticket = digest(arrival.secret) if arrival.secret else arrival.registration_id
    return Asked(arrival.session_code or arrival.session_id, ticket, arrival.uid)


def _no_place() -> NotFound:
    return NotFound("没有找到这一场。请重新扫大屏上的码，或到签到台。")


def find_place(lane: Lane, arrival: Arrival) -> Found:
    """The session with all that the decision looks at. Raises NotFound."""
    (row,) = lane.find([_asked(arrival)])
    if row is None:
        raise _no_place()
    return row


def first_answer(lane: Lane, uid: str, row: Found) -> Result:
    """The same uid again: what it was answered the first time; nothing new counts."""
    outcome, headcount, registration_id, stored = lane.first(FIRST_ANSWER, {"uid": uid})
    first = read_time(stored)
    words = first_words(outcome)
    if outcome in _IN and first is None:
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
    chooses = row.attendance == Attendance.CHOOSE_ONE.value
    kind = RegistrationKind.WALK_IN.value if arrival.is_walk_in else row.registration_kind or ""
    is_party = kind == RegistrationKind.PARTY.value
    headcount = arrival.adults + arrival.children or (0 if is_party else registered)
    facts = Facts(
        method=arrival.method.value, now=at, opens_at=opens_at, closes_at=closes_at, activity_state=row.state,
        review_state=row.review_state, has_registration=row.registration_id is not None,
        same_activity=row.registered_activity == row.activity_id,
        same_session=not chooses or row.registered_session in (None, row.id) or arrival.mover is not None,
        registration_state=row.registration_state or "", is_walk_in=arrival.is_walk_in, headcount=headcount,
        first_at=row.first_at, takes_walk_in=row.takes_walk_in, most=most_of(kind, registered),
        is_party=is_party, count_as=arrival.count_as,
    )  # fmt: skip
    return facts, headcount


def _make_registration(lane: Lane, each: _Coming) -> None:
    """The registration of a walk-in, made once for the event's uid; only an accepted one gets here."""
    row, arrival = each.row, each.arrival
    values = {
        "code": hashlib.sha256(arrival.uid.encode()).hexdigest()[:12], "activity_id": row.activity_id,
        "session_id": row.id, "adults": arrival.adults, "children": arrival.children, "submission": arrival.uid[:32],
        "browser_index": arrival.browser_index, "created_at": each.now, "is_minor": False,
    }  # fmt: skip
    made = lane.first(WALK_IN, values)
    each.is_made = made is not None
    if made is None:
        made = lane.first(WALK_IN_BEFORE, {"activity_id": row.activity_id, "submission": arrival.uid[:32]})
    each.registration_id = int(made[0])
    if each.is_made and arrival.name:
        lane.first(WALK_IN_NAME, {"registration_id": made[0], "name": arrival.name[:NAME_MOST]})


def _first_at(lane: Lane, session_id: int, registration_id: int | None) -> datetime | None:
    row = lane.first(FIRST_AT, {"session_id": session_id, "registration_id": registration_id})
    return read_time(row[0]) if row else None
