"""A large district for measuring: approved activities and their check-ins in bulk, every total true to its events."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Attendance, Audience, Listing, ReviewState
from app.audit.log import record
from app.checkin.models import CheckIn, CheckInEvent, EventKind, Outcome
from app.checkin.rules import GRADE_BY_METHOD
from app.kernel.actor import SYSTEM
from app.kernel.clock import business_day, shanghai
from app.kernel.tokens import random_code
from app.organisation.models import Unit, UnitKind, User
from app.planning.models import Task
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState
from app.review.freeze import Counts, seal_over
from app.review.models import ActivityFact, CaseState, FactUnit, ReviewCase, ReviewEvent, ReviewEventKind

BATCH = 500  # activities written at a time
DAYS = 320  # the last ones before today; some fall into the year before
APPROVED_SHARE = 0.9  # the rest are over and not yet submitted
SORTS = (
    ("heritage_visit", 10, "非遗进课堂"), ("exchange", 9, "邻里交流"), ("publicity", 4, "站台宣传"), ("training", 11, "普法宣讲"),
    ("culture_sport", 10, "邻里运动会"), ("youth_exchange", 7, "书信交换"), ("training", 6, "就业宣讲"),
    ("base_visit", 3, "基地研学"),
)  # fmt: skip
METHODS = ("live_code",) * 9 + ("ticket_scan",) * 6 + ("desk_walk_in",) * 3 + ("printed_code",) * 2
NAMES = ("李女士", "张老师", "陈先生", "王女士", "刘阿姨", "赵师傅")


@dataclass
class District:
    """What every row refers to, by key."""

    towns: list[int]
    schools: list[int]
    tasks: dict[int, int]
    reader_unit_id: int
    reader_id: int
    organizer_id: int
    now: datetime
    dice: random.Random


@dataclass
class Held:
    """One activity with the rows that hang on it; keys are filled in as the rows are written."""

    activity: dict[str, Any]
    session: dict[str, Any]
    registrations: list[dict[str, Any]]
    methods: list[str]
    is_approved: bool
    counts: Counts = field(default_factory=Counts)
    events: list[dict[str, Any]] = field(default_factory=list)


def read_district(session: Session, *, now: datetime) -> District:
    """The seeded district. Raises LookupError when the demo's people are not there."""
    units = session.execute(select(Unit.id, Unit.kind, Unit.name).order_by(Unit.id)).all()
    people = {user.login: user for user in session.scalars(select(User))}
    if "shenhe" not in people or "jingban" not in people:
        raise LookupError("the demo's accounts are not there")
    return District(
        towns=[row.id for row in units if row.kind == UnitKind.TOWN.value],
        schools=[row.id for row in units if row.kind == UnitKind.SCHOOL.value],
        tasks={row.number: row.id for row in session.execute(select(Task.number, Task.id))},
        reader_unit_id=people["shenhe"].unit_id, reader_id=people["shenhe"].id, organizer_id=people["jingban"].id,
        now=now, dice=random.Random(2026),
    )  # fmt: skip


def grow(
    session: Session, *, activities: int, check_ins: int, now: datetime, tell: Callable[[int], None] = lambda _n: None
) -> None:
    """Add `activities` activities with `check_ins` check-ins in all; `tell` hears how many activities are written."""
    district = read_district(session, now=now)
    for start in range(0, activities, BATCH):
        size = min(BATCH, activities - start)
        batch = [
            _plan(
                district, start + n, check_ins * (start + n + 1) // activities - check_ins * (start + n) // activities
            )
            for n in range(size)
        ]
        _write(session, district, batch)
        tell(size)
    record(
        session, "demo.grown", actor=SYSTEM, object_type="demo", object_code="", now=now,
        payload={"activities": activities, "check_ins": check_ins},
    )  # fmt: skip


def _plan(district: District, number: int, check_ins: int) -> Held:
    dice = district.dice
    kind, task, title = SORTS[number % len(SORTS)]
    day = business_day(district.now) - timedelta(days=1 + dice.randrange(DAYS))
    starts_at = shanghai(day, time(dice.choice((9, 10, 14, 15)), 30))
    ends_at = starts_at + timedelta(minutes=90)
    approved = dice.random() < APPROVED_SHARE
    school = dice.choice(district.schools) if kind == "heritage_visit" else None
    activity = {
        "code": random_code(), "kind": kind, "title": f"{title}（示例{number + 1}）", "venue": "示例活动室",
        "host_unit_id": dice.choice(district.towns), "venue_unit_id": school, "primary_task_id": district.tasks[task],
        "details": {}, "classes": dice.randint(1, 3) if school else 0, "audience": Audience.LINK.value,
        "state": (ActivityState.CLOSED if approved else ActivityState.PUBLISHED).value,
        "review_state": (ReviewState.APPROVED if approved else ReviewState.NOT_SUBMITTED).value,
        "listing": Listing.NONE.value, "attendance": Attendance.ALL.value, "starts_at": starts_at, "ends_at": ends_at,
        "created_at": starts_at - timedelta(days=7), "published_at": starts_at - timedelta(days=6),
        "created_by_id": district.organizer_id,
    }  # fmt: skip
    one = {"code": random_code(), "position": 1, "label": "", "starts_at": starts_at, "ends_at": ends_at}
    methods = [dice.choice(METHODS) for _ in range(check_ins)]
    return Held(activity, one, [_arrive(dice, starts_at, method) for method in methods], methods, approved)


def _arrive(dice: random.Random, starts_at: datetime, method: str) -> dict[str, Any]:
    registered = method == "ticket_scan"
    return {
        "code": random_code(), "state": RegistrationState.CONFIRMED.value, "adults": dice.randint(1, 2),
        "children": dice.randint(0, 2), "consent_version": "", "created_at": starts_at - timedelta(minutes=30),
        "kind": (RegistrationKind.INDIVIDUAL if registered else RegistrationKind.WALK_IN).value,
        "secret_hash": hashlib.sha256(secrets.token_bytes(16)).hexdigest() if registered else None,
    }  # fmt: skip


def _insert_all(session: Session, model: Any, rows: list[dict[str, Any]]) -> list[int]:
    """The new rows' keys, in the order of the rows; by Core, so that no object is made of each."""
    if not rows:
        return []
    table = model.__table__
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.connection().execute(statement, rows).scalars())


def _insert_plain(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(model.__table__), rows)


def _write(session: Session, district: District, batch: list[Held]) -> None:
    for held, key in zip(batch, _insert_all(session, Activity, [held.activity for held in batch]), strict=True):
        held.activity["id"] = held.session["activity_id"] = key
    for held, key in zip(batch, _insert_all(session, ActivitySession, [held.session for held in batch]), strict=True):
        held.session["id"] = key
        for row in held.registrations:
            row |= {"activity_id": held.activity["id"], "session_id": key}
    rows = [row for held in batch for row in held.registrations]
    for row, key in zip(rows, _insert_all(session, Registration, rows), strict=True):
        row["id"] = key
    names = [
        {"registration_id": row["id"], "name": district.dice.choice(NAMES)}
        for row in rows
        if row["kind"] == RegistrationKind.INDIVIDUAL.value
    ]
    _insert_plain(session, PersonalDetail, names)
    check_ins = [row for held in batch for row in _check_in_rows(district, held)]
    _insert_all(session, CheckIn, check_ins)
    _insert_all(session, CheckInEvent, [event for held in batch for event in held.events])
    _approve(session, district, [held for held in batch if held.is_approved])


def _check_in_rows(district: District, held: Held) -> Iterator[dict[str, Any]]:
    starts_at: datetime = held.session["starts_at"]
    for row, method in zip(held.registrations, held.methods, strict=True):
        grade = GRADE_BY_METHOD[method]
        people = row["adults"] + row["children"]
        at = starts_at - timedelta(seconds=district.dice.randrange(1800))
        common = {"activity_id": row["activity_id"], "session_id": row["session_id"], "registration_id": row["id"]}
        held.events.append(
            common | {
                "uid": secrets.token_urlsafe(16), "kind": EventKind.ARRIVAL.value, "outcome": Outcome.ACCEPTED.value,
                "headcount": people, "grade": grade, "method": method, "occurred_at": at, "recorded_at": at,
                "reason": "", "refers_to": None, "actor_id": None, "device_id": None,
                "counter": None,
            }
        )  # fmt: skip
        letter = grade.lower()
        setattr(held.counts, letter, getattr(held.counts, letter) + people)
        held.counts.adults += row["adults"]
        held.counts.children += row["children"]
        grades = {f"grade_{each}": people if each == letter else 0 for each in "abcd"}
        yield common | grades | {"method": method, "first_at": at, "last_at": at}


def _approve(session: Session, district: District, batch: list[Held]) -> None:
    """The case, its two events and the sealed fact of each, as `review.service.approve` writes them."""
    cases = []
    for held in batch:
        submitted = held.activity["ends_at"] + timedelta(hours=20)
        cases.append({
            "code": random_code(), "activity_id": held.activity["id"], "reader_unit_id": district.reader_unit_id,
            "state": CaseState.APPROVED.value, "remark": "", "findings": [], "flags": 0, "submitted_at": submitted,
            "submitted_by_id": district.organizer_id, "decided_at": submitted + timedelta(hours=4),
            "decided_by_id": district.reader_id, "reason": "",
        })  # fmt: skip
    facts, happened = [], []
    for held, case, key in zip(batch, cases, _insert_all(session, ReviewCase, cases), strict=True):
        fact = _fact(held, key, case["decided_at"])
        facts.append(fact)
        for kind, at, actor_id, seal in (
            (ReviewEventKind.SUBMITTED, case["submitted_at"], district.organizer_id, ""),
            (ReviewEventKind.APPROVED, case["decided_at"], district.reader_id, fact["seal"]),
        ):
            happened.append({
                "activity_id": held.activity["id"], "case_id": key, "kind": kind.value, "at": at,
                "actor_id": actor_id, "reason": "", "seal": seal,
            })  # fmt: skip
    _insert_all(session, ReviewEvent, happened)
    reached = []
    for held, key in zip(batch, _insert_all(session, ActivityFact, facts), strict=True):
        reached.append({"fact_id": key, "unit_id": held.activity["host_unit_id"], "part": "host"})
        if held.activity["venue_unit_id"]:
            reached.append({"fact_id": key, "unit_id": held.activity["venue_unit_id"], "part": "venue"})
    _insert_plain(session, FactUnit, reached)


def _fact(held: Held, case_id: int, approved_at: datetime) -> dict[str, Any]:
    counts, activity = held.counts, held.activity
    counted_on = business_day(activity["ends_at"])
    return {
        "code": random_code(), "activity_id": activity["id"], "version": 1, "case_id": case_id,
        "counted_on": counted_on, "year": counted_on.year, "month": counted_on.month, "kind": activity["kind"],
        "origin": "live", "host_unit_id": activity["host_unit_id"], "primary_task_id": activity["primary_task_id"],
        "sessions": 1, "grade_a": counts.a, "grade_b": counts.b, "grade_c": counts.c, "grade_d": counts.d,
        "adults": counts.adults, "children": counts.children, "classes": activity["classes"], "pairs": 0, "reach": 0,
        "photos": 0, "seal": seal_over(activity["code"], counts, held.events, []), "approved_at": approved_at,
        "withdrawn_reason": "",
    }  # fmt: skip
