"""Many registrations at once, in the order given: counted once under the lock, with the result of one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.kernel.actor import Actor
from app.kernel.errors import Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.registration.answers import Asking, read_answers
from app.registration.entering import check_open, choose, list_questions
from app.registration.entries import Candidate, Entry, PartyEntry, PhoneTaken, Seat
from app.registration.models import Registration, RegistrationKind, RegistrationState
from app.registration.places import key_of, with_places
from app.registration.rules import Asked, contact_problems, party_problems, problems_of
from app.registration.storing import make, settle, sit_down, store

CONSENT_VERSION = "desk-2026-11"  # the organizer says that the people were told and agreed
GUARDIAN_FIRST = "这场活动登记孩子的姓名，要监护人先同意，不能从表格导入。请用“登记一名孩子”。"
CHUNK = 500  # rows in memory at a time

Tell = Callable[[int, int], None]  # done, of how many


def silent(_done: int, _total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Seated:
    """One registration that was made; `secret` opens its ticket and is stored nowhere."""

    code: str
    state: str
    secret: str


@dataclass(frozen=True, slots=True)
class _Asking:
    """What stays the same for every entry."""

    activity: Activity
    questions: Sequence[Asking]
    now: datetime
    actor: Actor


def register_many(
    session: Session,
    activity: Activity,
    entries: Sequence[Entry | PartyEntry],
    *,
    keys: KeyRing,
    now: datetime,
    actor: Actor,
    tell: Tell = silent,
) -> list[Seated]:
    """Register all of them in their order, or none; `tell` hears after every few hundred how many there are.

    Raises RuleBroken for the first that breaks a rule; PhoneTaken where a phone is registered already or stands twice.
    """
    found: list[Seated] = []
    with with_places(session, key_of(activity)) as locked:
        check_open(locked, now)
        asking = _Asking(locked, list_questions(session, locked), now, actor)
        sitting = sit_down(session, locked, keys)
        for start in range(0, len(entries), CHUNK):
            chunk = [make(sitting, _candidate(asking, entry)) for entry in entries[start : start + CHUNK]]
            _refuse_taken(session, locked, [made.registration for made in chunk])
            store(sitting, chunk)
            tell(min(start + CHUNK, len(entries)), len(entries))
            found.extend(Seated(made.registration.code, made.registration.state, made.secret) for made in chunk)
        settle(sitting)
    return found


def _candidate(asking: _Asking, entry: Entry | PartyEntry) -> Candidate:
    problems: list[Problem] = []
    chosen = choose(asking.activity, entry.session_code, asking.now, problems)
    if isinstance(entry, PartyEntry):
        seat = _party_seat(asking, entry, problems)
    else:
        seat = _person_seat(asking, entry, problems)
    raise_if_blocked(problems)
    return Candidate(entry, seat, chosen, asking.now, asking.actor)


def _person_seat(asking: _Asking, entry: Entry, problems: list[Problem]) -> Seat:
    if asking.activity.names_minors:
        raise RuleBroken(Problem("guardian_first", GUARDIAN_FIRST))
    needs_phone = asking.activity.needs_phone
    problems.extend(
        problems_of(
            Asked(entry.name, entry.adults, entry.children, entry.phone, entry.consent, needs_phone, entry.email)
        )
    )
    answers: dict[str, Any] | None = read_answers(asking.questions, entry.answers, problems) or None
    return Seat(
        RegistrationKind.INDIVIDUAL, entry.adults, entry.children, entry.unit_id, CONSENT_VERSION, answers
    )  # fmt: skip


def _party_seat(asking: _Asking, entry: PartyEntry, problems: list[Problem]) -> Seat:
    if not asking.activity.takes_parties:
        raise RuleBroken(Problem("no_parties", "这场活动不收团体报名，没有保存。请先在报名设置里打开。"))
    problems.extend(party_problems(entry.classes))
    problems.extend(contact_problems(entry.name, entry.phone, entry.email, consent=entry.consent))
    adults, pupils = sum(c.adults for c in entry.classes), sum(c.pupils for c in entry.classes)
    return Seat(RegistrationKind.PARTY, adults, pupils, entry.unit_id, CONSENT_VERSION, None, entry.classes)


def _refuse_taken(session: Session, activity: Activity, rows: Sequence[Registration]) -> None:
    """Chunks before this one are in the database already, so that it knows their phones too."""
    phones = [row.phone_index for row in rows if row.phone_index]
    if len(set(phones)) < len(phones) or taken_phones(session, activity.id, phones):
        raise PhoneTaken("phone_taken", "有手机号已经报名，什么都没有导入。请重新检查。")


def taken_phones(session: Session, activity_id: int, indexes: Sequence[str]) -> set[str]:
    """Those of these blind indexes that a standing registration of the activity has."""
    found: set[str] = set()
    for start in range(0, len(indexes), CHUNK):
        found.update(
            index
            for index in session.scalars(
                select(Registration.phone_index).where(
                    Registration.activity_id == activity_id,
                    Registration.phone_index.in_(indexes[start : start + CHUNK]),
                    Registration.state != RegistrationState.CANCELLED.value,
                )
            )
            if index
        )
    return found
