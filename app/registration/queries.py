"""Reading registrations: by secret, by desk code, by phone tail; the roster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.activities.models import Question, QuestionSort
from app.kernel.errors import NotFound
from app.kernel.keys import KeyRing
from app.kernel.text import mask_name, normalise_code
from app.kernel.tokens import digest
from app.organisation.models import Unit
from app.registration.indexes import PHONE_SLOTS, phone_index, tail_index, ticket_code_index
from app.registration.models import PartyClass, PersonalDetail, Registration, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of the roster: masked, unless it was read through `service.read_roster`."""

    code: str
    kind: str
    state: str
    session_id: int | None
    name: str
    phone: str
    adults: int
    children: int
    queue: int | None
    created_at: datetime
    erased: bool
    unit: str = ""
    classes: str = ""  # of a party
    answers: str = ""  # only where names are shown
    awaits_guardian: bool = False
    offer_until: datetime | None = None  # waits for the participant's answer, not for the organizer

    @property
    def headcount(self) -> int:
        return self.adults + self.children

    @property
    def is_offer(self) -> bool:
        return self.state == RegistrationState.PENDING.value and self.offer_until is not None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many registrations stand in a state, and the people they stand for."""

    registrations: int
    people: int


def find_by_secret(session: Session, secret: str) -> Registration | None:
    """The registration of a ticket's secret."""
    if not 16 <= len(secret) <= 64:
        return None
    return session.scalar(select(Registration).where(Registration.secret_hash == digest(secret)))


def standing_secrets(session: Session, secrets: Sequence[str]) -> list[str]:
    """Those of these tickets whose registration was not cancelled, in the same order."""
    if not secrets:
        return []
    by_hash = {digest(secret): secret for secret in secrets}
    standing = set(
        session.scalars(
            select(Registration.secret_hash).where(
                Registration.secret_hash.in_(by_hash), Registration.state != RegistrationState.CANCELLED.value
            )
        )
    )
    return [secret for hash_, secret in by_hash.items() if hash_ in standing]


def find_by_ticket_code(
    session: Session, activity_id: int, activity_code: str, code: str, *, keys: KeyRing
) -> Registration | None:
    """The registration of an 8-character ticket code within its activity."""
    wanted = normalise_code(code)
    if len(wanted) != 8:
        return None
    return session.scalar(
        select(Registration).where(
            Registration.activity_id == activity_id,
            Registration.ticket_code_index == ticket_code_index(keys, activity_code, wanted),
        )
    )


def find_by_phone_tail(
    session: Session, activity_id: int, activity_code: str, tail: str, *, keys: KeyRing
) -> list[Registration]:
    """Standing registrations whose phone ends so; the caller never lists their names."""
    wanted = normalise_code(tail)
    if len(wanted) != 4 or not wanted.isdigit():
        return []
    return list(
        session.scalars(
            select(Registration)
            .where(
                Registration.activity_id == activity_id,
                Registration.tail_index == tail_index(keys, activity_code, wanted),
                Registration.state != RegistrationState.CANCELLED.value,
            )
            .order_by(Registration.id)
        )
    )


def find_by_phone(
    session: Session, activity_id: int, activity_code: str, phone: str, *, keys: KeyRing
) -> list[Registration]:
    """Standing registrations under this whole phone number: one, or those of siblings and of a teacher's classes."""
    indexes = [phone_index(keys, activity_code, phone, slot) for slot in range(PHONE_SLOTS)]
    return list(
        session.scalars(
            select(Registration)
            .where(
                Registration.activity_id == activity_id,
                Registration.phone_index.in_(indexes),
                Registration.state != RegistrationState.CANCELLED.value,
            )
            .order_by(Registration.id)
        )
    )


def name_of(session: Session, registration_id: int) -> str:
    """The form of address, empty when erased or never given."""
    return session.scalar(select(PersonalDetail.name).where(PersonalDetail.registration_id == registration_id)) or ""


def names_of(session: Session, registration_ids: Sequence[int]) -> dict[int, str]:
    """Forms of address by registration id."""
    rows = session.execute(
        select(PersonalDetail.registration_id, PersonalDetail.name).where(
            PersonalDetail.registration_id.in_(registration_ids)
        )
    )
    return {row.registration_id: row.name or "" for row in rows}


def roster(
    session: Session,
    activity_id: int,
    *,
    states: Sequence[RegistrationState],
    session_id: int | None = None,
    page: int = 1,
    size: int = 50,
    keys: KeyRing | None = None,
) -> list[RosterRow]:
    """Registrations in order of arrival, the waitlist by rank; without walk-ins and counts.

    Names are masked and phones absent unless `keys` is given: only `service.read_roster` gives them.
    """
    is_waiting = Registration.state == RegistrationState.WAITLISTED.value
    statement = (
        select(Registration, PersonalDetail.name, PersonalDetail.phone, PersonalDetail.answers, Unit.name)
        .outerjoin(Unit, Unit.id == Registration.unit_id)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(*_on_roster(activity_id, session_id), Registration.state.in_([state.value for state in states]))
        .order_by(case((is_waiting, Registration.queue), else_=0), Registration.id)
        .limit(size)
        .offset((page - 1) * size)
    )
    found = session.execute(statement).all()
    classes = _class_labels(session, [row[0].id for row in found if row[0].kind == RegistrationKind.PARTY.value])
    return [
        RosterRow(
            code=r.code, kind=r.kind, state=r.state, session_id=r.session_id,
            name=(name or "") if keys else mask_name(name or ""),
            phone=keys.decrypt(phone, context=f"phone:{r.code}") if keys and phone else "",
            adults=r.adults, children=r.children, queue=r.queue, created_at=r.created_at,
            erased=r.erased_at is not None, unit=unit or "", classes="、".join(classes.get(r.id, ())),
            offer_until=r.offered_until,
            awaits_guardian=r.is_minor and not name and r.consented_at is None,
            answers="；".join(answer_words(each) for each in (answers or {}).values()) if keys else "",
        )
        for r, name, phone, answers, unit in found
    ]  # fmt: skip


def _class_labels(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if ids:
        for registration_id, label in session.execute(
            select(PartyClass.registration_id, PartyClass.label)
            .where(PartyClass.registration_id.in_(ids))
            .order_by(PartyClass.registration_id, PartyClass.position)
        ):
            found.setdefault(registration_id, []).append(label)
    return found


def _on_roster(activity_id: int, session_id: int | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        Registration.activity_id == activity_id,
        Registration.kind.in_((RegistrationKind.INDIVIDUAL.value, RegistrationKind.PARTY.value)),
    ]
    if session_id is not None:
        where.append(Registration.session_id == session_id)
    return where


def count_by_state(session: Session, activity_id: int, *, session_id: int | None = None) -> dict[str, StateCount]:
    """Registrations and people by state, every state present."""
    rows = session.execute(
        select(Registration.state, func.count(), func.sum(Registration.adults + Registration.children))
        .where(*_on_roster(activity_id, session_id))
        .group_by(Registration.state)
    )
    found = {state: StateCount(int(count), int(people)) for state, count, people in rows}
    return {state.value: found.get(state.value, StateCount(0, 0)) for state in RegistrationState}


def get_registration(session: Session, activity_id: int, code: str) -> Registration:
    """A registration of this activity. Raises NotFound, also for another activity's."""
    registration = session.scalar(
        select(Registration).where(Registration.activity_id == activity_id, Registration.code == code)
    )
    if registration is None:
        raise NotFound("没有找到这个报名。")
    return registration


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of one person, in clear; empty where it was never given or is erased."""

    phone: str
    email: str
    answers: tuple[tuple[str, str], ...]  # (wording, answer)
    classes: tuple[str, ...]
    unit: str = ""


def read_stored(session: Session, registration: Registration, *, keys: KeyRing) -> Stored:
    """For its owner: everything that stands beside the registration."""
    detail = session.get(PersonalDetail, registration.id)
    classes = tuple(_class_labels(session, [registration.id]).get(registration.id, ()))
    unit = session.scalar(select(Unit.name).where(Unit.id == registration.unit_id)) or ""
    if detail is None:
        return Stored("", "", (), classes, unit)
    code = registration.code
    return Stored(
        keys.decrypt(detail.phone, context=f"phone:{code}") if detail.phone else "",
        keys.decrypt(detail.email, context=f"email:{code}") if detail.email else "",
        tuple(_in_words(session, registration.activity_id, detail.answers or {})), classes, unit,
    )  # fmt: skip


def _in_words(session: Session, activity_id: int, answers: dict[str, Any]) -> list[tuple[str, str]]:
    """Answers beside their questions, in order; one whose question was removed comes last."""
    wordings = {
        row.code: row.wording
        for row in session.scalars(
            select(Question).where(Question.activity_id == activity_id).order_by(Question.position)
        )
    }
    known = [(wordings[code], answer_words(answers[code])) for code in wordings if code in answers]
    return known + [
        ("（已删掉的问题）", answer_words(answer)) for code, answer in answers.items() if code not in wordings
    ]


def answer_words(answer: Any) -> str:
    """An answer as one reads it."""
    return "、".join(map(str, answer)) if isinstance(answer, list) else str(answer)


def count_answers(session: Session, activity_id: int) -> list[tuple[str, list[tuple[str, int]]]]:
    """(wording, (option, how many)) of the questions that can be counted, over standing registrations; nobody's name."""
    questions = session.scalars(
        select(Question).where(Question.activity_id == activity_id).order_by(Question.position)
    ).all()
    if not questions:
        return []
    given = session.scalars(
        select(PersonalDetail.answers)
        .join(Registration, Registration.id == PersonalDetail.registration_id)
        .where(
            Registration.activity_id == activity_id, Registration.state != RegistrationState.CANCELLED.value,
            PersonalDetail.answers.is_not(None),
        )
    ).all()  # fmt: skip
    found = []
    for question in questions:
        if question.sort == QuestionSort.SHORT_TEXT.value:
            continue
        counts: Counter[str] = Counter()
        for answers in given:
            answer = (answers or {}).get(question.code)
            counts.update([] if answer is None else map(str, answer) if isinstance(answer, list) else [str(answer)])
        order = list(question.options) or sorted(counts)
        found.append((question.wording, [(option, counts[option]) for option in order]))
    return found
